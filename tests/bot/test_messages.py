"""Each invented message is read as a trader would read it, or refused for a reason that fits."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.parser import parse
from bot.domain.reason import Reason
from bot.domain.signal import LONGEST, Remark, Side, Signal, Unreadable
from tests.bot.messages.__main__ import report
from tests.bot.messages.cases import Case, Outcome, cases, judge

CASES = tuple(cases())
GOOD = next(case for case in CASES if case.signal and case.signal.margin_mode and case.signal.targets[1:])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_is_read(case: Case) -> None:
    judgement = judge(case, parse(case.text))
    fine = {Outcome.RIGHT, Outcome.REFUSED} if case.may_refuse else {Outcome.RIGHT}
    assert judgement.outcome in fine, f"{judgement.outcome.upper()} {judgement.told}\n{case.text}"


def test_there_are_many_messages_and_as_many_traps() -> None:
    counts = Counter(case.signal is not None for case in CASES)
    assert (counts[True] >= 110, counts[False] >= 90) == (True, True), counts
    assert sum(case.may_refuse for case in CASES) <= 10
    assert max(Counter(case.name for case in CASES).values()) == 1
    assert max(Counter(case.text for case in CASES).values()) == 1


def test_a_message_longer_than_any_of_telegram_is_not_read() -> None:
    reading = parse(GOOD.text + "\n" + " " * LONGEST)
    assert isinstance(reading, Unreadable)
    assert reading.reason is Reason.TOO_LONG


@pytest.mark.parametrize(
    "change",
    [
        {"side": Side.SELL if GOOD.signal.side is Side.BUY else Side.BUY},
        {"symbol": "DOGE-USDT"},
        {"entries": ()},
        {"entries": (*GOOD.signal.entries, Decimal("1.23"))},
        {"stop": None},
        {"targets": GOOD.signal.targets[:-1]},
        {"targets": GOOD.signal.targets[::-1]},
        {"leverage": 99},
        {"margin_mode": None},
        {"quantity": Decimal(1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signal_with_one_field_changed_is_judged_wrong(change: dict[str, object]) -> None:
    assert judge(GOOD, GOOD.signal).outcome is Outcome.RIGHT
    assert judge(GOOD, replace(GOOD.signal, **change)).outcome is Outcome.WRONG


def test_a_trap_that_is_read_is_judged_wrong() -> None:
    read, halted = Signal(side=Side.BUY, symbol="BTC-USDT"), Unreadable(reason=Reason.HALTED, text="")
    for case in CASES:
        if case.signal is None:
            assert judge(case, read).outcome is Outcome.WRONG
            assert judge(case, halted).outcome is Outcome.REASON


def test_a_good_message_that_is_refused_is_judged_so() -> None:
    assert judge(GOOD, Unreadable(reason=Reason.FORMAT, text="x")).outcome is Outcome.REFUSED


def test_a_remark_is_of_the_right_kind_and_about_the_right_symbol() -> None:
    case = Case(name="x", family="x", text="", reasons=frozenset({"close"}), symbol="A-USDT", remark=True)
    assert judge(case, Remark(reason=Reason.CLOSE, text="", symbol="A-USDT")).outcome is Outcome.RIGHT
    assert judge(case, Remark(reason=Reason.CLOSE, text="", symbol="B-USDT")).outcome is Outcome.REASON
    assert judge(case, Remark(reason=Reason.UPDATE, text="", symbol="A-USDT")).outcome is Outcome.REASON
    assert judge(case, Unreadable(reason=Reason.NO_SIDE, text="")).outcome is Outcome.REASON


def test_the_report_tells_right_refused_and_wrong_apart() -> None:
    text = "LONG BTC-USDT Entry: 60000 SL: 58000 TP: 65000"
    expected = {"symbol": "BTC", "side": "LONG", "entries": [60000], "stop": 58000.0, "targets": [65000]}
    lines = [
        {"text": text, "expected": expected, "kind": "signal"},
        {"text": text, "expected": {"reject": "whatever"}, "kind": "invalid"},
        {"text": text, "expected": expected | {"stop": 57000}, "kind": "signal"},
        {"text": text, "expected": None, "kind": "signal"},
        {"text": "Entry: 60000 SL: 58000 TP: 65000", "expected": expected, "kind": "signal"},
        {"text": "Close #BTC/USDT", "expected": {"action": "close", "symbol": "BTC"}, "kind": "close"},
    ]
    told = report([json.dumps(each) for each in lines])
    assert told.endswith("6 messages: 2 right, 1 unjudged, 1 refused, 2 wrong")
    assert "BUY, BTC-USDT, at 60000, stop 58000, targets 65000" in told
