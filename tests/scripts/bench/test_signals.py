"""What is said of a flood of messages, and that lost ones are no result."""

import pytest

from scripts.bench.signals import decided

TOLD = {
    "messages": 1000,
    "distinct": 900,
    "wrong": 0,
    "verdicts": {"ignored": 700, "duplicate": 100, "refused": 200},
    "it_took": 1.0,
    "floor_took": 0.25,
    "seconds": [0.004] * 1000,
    "floor": [0.002] * 1000,
}


def test_it_is_told_beside_its_floor_and_beside_what_is_wanted() -> None:
    lines = list(decided(TOLD))
    assert lines[0] == "message to stored verdict: p50 2.00 × floor, p99 2.00 × floor, n=1000"
    assert lines[3] == "    1,000 messages a second, 4,000 INSERTs; wanted 500: reached"
    assert lines[4].endswith("100 duplicate, 700 ignored, 200 refused; 900 rows, none lost, none doubled")


def test_what_is_not_reached_is_said_and_is_no_error() -> None:
    assert list(decided(TOLD | {"it_took": 2.5}))[3].endswith("wanted 500: NOT REACHED")


def test_a_lost_message_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="1 messages are lost or doubled"):
        list(decided(TOLD | {"wrong": 1}))
