"""The invented messages with what is to become of each, and the judge of what became of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from bot.domain.reason import Verdict
from bot.domain.signal import MarginMode, Reading, Remark, Side, Signal

HERE = Path(__file__).parent
ANY = "any"  # refused for whatever reason, or ignored


class Outcome(StrEnum):
    RIGHT = "right"
    REFUSED = "refused"  # a good signal was not read: a loss, not a danger
    REASON = "reason"  # rightly no signal, but for a reason that does not fit
    WRONG = "wrong"  # a trade that nobody asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    family: str
    text: str
    signal: Signal | None = None
    reasons: frozenset[str] = frozenset()  # what a message that is no signal may be called
    symbol: str | None = None  # that a remark must be about
    remark: bool = False
    may_refuse: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: Outcome
    told: str


def cases() -> Iterator[Case]:
    for path in sorted(HERE.glob("*.yaml")):
        # Every scalar stays the text it is: a price is no float on its way here.
        for raw in yaml.load(path.read_text("utf-8"), yaml.BaseLoader):
            yield _case(path.stem, raw)


def _case(family: str, raw: Mapping[str, Any]) -> Case:
    told = raw.get("remark", raw.get("refused", ()))
    return Case(
        name=f"{family}: {raw['name']}",
        family=family,
        text=raw["text"],
        signal=_signal(raw["signal"]) if "signal" in raw else None,
        reasons=frozenset([told] if isinstance(told, str) else told),
        symbol=raw.get("symbol"),
        remark="remark" in raw,
        may_refuse=raw.get("may_refuse") == "true",
    )


def _signal(raw: Mapping[str, Any]) -> Signal:
    def price(name: str) -> Decimal | None:
        return Decimal(raw[name]) if name in raw else None

    return Signal(
        side=Side(raw["side"]),
        symbol=raw["symbol"],
        quantity=price("quantity"),
        entries=tuple(map(Decimal, raw.get("entries", ()))),
        stop=price("stop"),
        targets=tuple(map(Decimal, raw.get("targets", ()))),
        leverage=int(raw["leverage"]) if "leverage" in raw else None,
        margin_mode=MarginMode(raw["margin_mode"]) if "margin_mode" in raw else None,
    )


def differences(expected: Signal, read: Signal) -> list[str]:
    """The fields that differ. A zone is the same from either end."""
    found = []
    for field in fields(Signal):
        want, got = getattr(expected, field.name), getattr(read, field.name)
        if field.name == "entries":
            want, got = sorted(set(want)), sorted(set(got))
        if want != got:
            found.append(f"{field.name} is {getattr(read, field.name)}, not {getattr(expected, field.name)}")
    return found


def judge(case: Case, reading: Reading) -> Judgement:
    if isinstance(reading, Signal):
        if case.signal is None:
            return Judgement(Outcome.WRONG, f"no signal was meant: {reading}")
        found = differences(case.signal, reading)
        return Judgement(Outcome.WRONG, "; ".join(found)) if found else Judgement(Outcome.RIGHT, "")
    said = f"{reading.reason.value}: {reading.text}"
    if case.signal is not None:
        return Judgement(Outcome.REFUSED, said)
    if reading.reason.verdict not in (Verdict.UNREADABLE, Verdict.IGNORED):
        return Judgement(Outcome.REASON, f"{said} is for what comes after reading")
    if case.remark and not isinstance(reading, Remark):
        return Judgement(Outcome.REASON, f"{said}, not a remark of {sorted(case.reasons)}")
    if reading.reason.value not in case.reasons and ANY not in case.reasons:
        return Judgement(Outcome.REASON, f"{said}, not one of {sorted(case.reasons)}")
    if isinstance(reading, Remark) and case.symbol not in (None, reading.symbol):
        return Judgement(Outcome.REASON, f"about {reading.symbol}, not {case.symbol}")
    return Judgement(Outcome.RIGHT, said)
