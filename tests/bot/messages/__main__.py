"""python -m tests.bot.messages FILE.jsonl: how each message is read, and what was expected.

A line holds `text` and `expected`: a signal, `reject` or `action`, or null where nobody said what is right.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.domain.parser import parse
from bot.domain.signal import Reading, Remark, Side, Signal
from tests.bot.messages.oracle import faults

SIDES = {"LONG": Side.BUY, "BUY": Side.BUY, "SHORT": Side.SELL, "SELL": Side.SELL}


def symbol_of(written: str) -> str:
    """LINK, LINK/USDT and LINKUSDT are the same."""
    bare = "".join(each for each in written.upper() if each.isalnum())
    return bare.removesuffix("USDT") + "-USDT"


def told(reading: Reading) -> str:
    if not isinstance(reading, Signal):
        about = f" ({reading.symbol})" if isinstance(reading, Remark) and reading.symbol else ""
        return f"{reading.reason.value}{about}: {reading.text}"
    parts = [reading.side.value, reading.symbol]
    parts += [f"quantity {reading.quantity:f}"] if reading.quantity is not None else []
    parts += (
        ["at " + " ".join(f"{each:f}" for each in reading.entries)] if reading.entries else ["at the market"]
    )
    parts += [f"stop {reading.stop:f}"] if reading.stop is not None else ["no stop"]
    parts += (
        ["targets " + " ".join(f"{each:f}" for each in reading.targets)]
        if reading.targets
        else ["no targets"]
    )
    parts += [f"{reading.leverage}x"] if reading.leverage else []
    parts += [reading.margin_mode.value] if reading.margin_mode else []
    return ", ".join(parts)


def against(expected: Mapping[str, Any], read: Signal) -> list[str]:
    found = []
    if "symbol" in expected and symbol_of(expected["symbol"]) != read.symbol:
        found.append(f"the symbol is {expected['symbol']}")
    side = expected.get("side")
    if side and SIDES[side.upper()] is not read.side:
        found.append(f"the side is {side}")
    for name, got in (("entries", read.entries), ("targets", read.targets)):
        want = [Decimal(str(each)) for each in expected.get(name) or []]
        # Where one entry is expected of a zone, it is the worst one that somebody kept.
        kept = name == "entries" and len(want) == 1 and want[0] in got
        if name in expected and sorted(set(want)) != sorted(set(got)) and not kept:
            found.append(f"the {name} are {expected[name]}")
    for name, one in (("stop", read.stop), ("quantity", read.quantity)):
        known = expected.get(name)
        if name in expected and one != (None if known is None else Decimal(str(known))):
            found.append(f"the {name} is {known}")
    return found


def judged(line: Mapping[str, Any], reading: Reading) -> tuple[str, str]:
    """The outcome, and what speaks against the reading."""
    expected, kind = line.get("expected"), line.get("kind", "signal")
    signal_meant = kind == "signal" and "reject" not in (expected or {}) and "action" not in (expected or {})
    if isinstance(reading, Signal):
        if not signal_meant:
            return "wrong", "no signal was meant"
        found = (against(expected, reading) if expected else []) + faults(line["text"], reading)
        if found:
            return "wrong", "; ".join(found)
        return ("right" if expected else "unjudged"), ""
    if signal_meant:
        return "refused", ""
    action = (expected or {}).get("action", "").partition("_all")[0]
    seen = not action or reading.reason.value == action
    return ("right" if seen else "refused"), "" if seen else f"asks to {action}"


def report(lines: list[str]) -> str:
    counts: Counter[str] = Counter()
    rows = []
    for number, raw in enumerate(lines, 1):
        line = json.loads(raw)
        reading = parse(line["text"])
        outcome, why = judged(line, reading)
        counts[outcome] += 1
        head = next((each.strip() for each in line["text"].splitlines() if each.strip()), "")
        rows.append(f"{number:4} {outcome:8} {head[:60]}\n              {told(reading)}")
        rows += [f"              {why}"] if why else []
    summary = ", ".join(f"{counts[each]} {each}" for each in ("right", "unjudged", "refused", "wrong"))
    return "\n".join([*rows, f"{len(lines)} messages: {summary}"])


if __name__ == "__main__":
    print(report([each for each in Path(sys.argv[1]).read_text("utf-8").splitlines() if each.strip()]))
