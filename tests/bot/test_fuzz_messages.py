"""Messages made by chance and spoilt by chance: nothing is read that is not in the text, and nothing raises.

MESSAGE_COUNT sets how many are read, FUZZ_SEED which.
"""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.parser import parse
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Signal, Unreadable
from tests.bot.messages.bait import OTHER
from tests.bot.messages.fuzz import Parse, run

COUNT, SEED = int(os.environ.get("MESSAGE_COUNT", "20000")), int(os.environ.get("FUZZ_SEED", "1"))
EVERY_STYLE = {"quantity", "mashed", "numbered", "line", "tagged"} | {
    f"lines {tongue}" for tongue in ("en", "ru", "pt", "es", "de", "tr", "fa")
}


def test_nothing_is_read_that_is_not_in_the_text(record_property: Callable[[str, object], None]) -> None:
    tally = run(parse, COUNT, SEED)
    counts = {**tally.counts, "of the good read": f"{tally.share:.4f}"}
    record_property("sampled", f"{counts}; MESSAGE_COUNT sets how many")
    print(counts, tally.refused.most_common(20), sep="\n")
    assert not tally.wrong, "\n".join(tally.wrong)
    # A parser that refuses everything is never wrong either.
    assert tally.share >= 0.9, tally.refused.most_common(20)
    assert set(tally.read) == EVERY_STYLE
    assert tally.counts["read although mutated"] > COUNT / 20


def changed(change: Callable[[Signal], Signal]) -> Parse:
    def broken(text: str) -> Reading:
        reading = parse(text)
        return change(reading) if isinstance(reading, Signal) else reading

    return broken


def of_text(change: Callable[[str], str]) -> Parse:
    return lambda text: parse(change(text))


def guesses_the_side(text: str) -> Reading:
    reading = parse(text)
    guess = isinstance(reading, Unreadable) and reading.reason is Reason.NO_SIDE
    return parse(f"LONG\n{text}") if guess else reading


def raises(text: str) -> Reading:
    if "🚀" in text:
        raise ValueError("a rocket")
    return parse(text)


def minds_the_case(text: str) -> Reading:
    reading = parse(text)
    if isinstance(reading, Signal) and text == text.upper():
        return replace(reading, targets=reading.targets[:-1])
    return reading


def first_trade(text: str) -> str:
    """What stands before the second pair."""
    places = [each.start() for each in re.finditer("USDT", text)]
    return text[: text.rfind("\n", 0, places[1]) + 1] if places[1:] else text


def shortened(price: Decimal | None) -> Decimal | None:
    return None if price is None else Decimal(f"{price:f}"[:-1] + "0")


def invents_a_stop(signal: Signal) -> Signal:
    if signal.stop is not None or not signal.entries:
        return signal
    return replace(signal, stop=signal.entries[0] * Decimal("0.953"))


# A parser with one fault, and what is said of it.
BROKEN: dict[str, tuple[Parse, str]] = {
    "drops a figure": (changed(lambda each: replace(each, stop=shortened(each.stop))), "is not in the text"),
    "guesses the side": (guesses_the_side, "LONG is not|bait sideless was read|BUY is not said"),
    "turns the side": (changed(lambda each: replace(each, side=OTHER[each.side])), "is not said"),
    "knows one coin": (changed(lambda each: replace(each, symbol="DOGE-USDT")), "DOGE is not in the text"),
    "raises": (raises, "raised ValueError"),
    "invents a stop": (changed(invents_a_stop), "is not in the text"),
    "invents a leverage": (changed(lambda each: replace(each, leverage=33)), "a leverage of 33"),
    "loses a target": (changed(lambda each: replace(each, targets=each.targets[:-1])), "targets is"),
    "takes a percentage for a price": (of_text(lambda text: text.replace("%", "")), "bait percent"),
    "knows no K": (
        of_text(lambda text: re.sub(r"(?<=\d)[kK]", "", text)),
        "is not Decimal|entries is|stop is",
    ),
    "is blind to ticks": (of_text(lambda text: re.sub("[✅✔☑]\ufe0f?", "", text)), "bait ticked was read"),
    "is blind to commas": (of_text(lambda text: text.replace(",", "")), "is not in the text"),
    "is blind to signs": (of_text(lambda text: re.sub(r"[-−](?=\d)", " ", text)), "bait negative was read"),
    "reads the first trade": (of_text(first_trade), "bait two_trades was read"),
    "minds the case": (minds_the_case, "case made another signal"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_parser_with_a_fault_is_found_out(name: str) -> None:
    broken, why = BROKEN[name]
    found = (re.search(why, "\n".join(run(broken, 200, seed).wrong)) for seed in range(40))
    assert any(found), f"nothing says {why}"


def test_a_parser_that_refuses_everything_is_found_out() -> None:
    tally = run(lambda text: Unreadable(reason=Reason.FORMAT, text="no"), 200, 7)
    assert (tally.wrong, tally.share) == ([], 0.0)
