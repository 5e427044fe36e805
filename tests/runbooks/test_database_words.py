"""What the words that ask the database do with large values, and when it does not answer."""

import pytest

from tests.runbooks.databases import Desk

pytestmark = pytest.mark.stack

NOWHERE = {"PGHOST": "127.0.0.1", "PGPORT": "1"}


def test_a_value_may_be_larger_than_an_argument_can_be(desk: Desk) -> None:
    """A thousand trades of the exchange are more than 128 KiB, which is all that one argument may have."""
    text = (
        "value=$(printf '%0200000d' 7); sql \"SELECT length(:'value'), right(:'value', 1)\" \"value=$value\""
    )
    assert desk.say(text, kind="probe").out == "200000|7\n"


@pytest.mark.parametrize(
    "value",
    ["", "it's", "a\\nb", "two\nlines\tand a tab", ":'other' :other :\"other\"", "`id`", "é\\", '"', "\\'"],
)
def test_a_value_is_nothing_but_a_value(desk: Desk, value: str) -> None:
    said = desk.say(
        "sql \"SELECT encode(convert_to(:'value', 'UTF8'), 'hex')\" other=1 \"value=$VALUE\"",
        kind="probe",
        VALUE=value,
    )
    assert bytes.fromhex(said.out.strip()).decode() == value, said.err


def test_nobody_says_that_a_database_is_gone_who_could_not_ask(desk: Desk) -> None:
    """Otherwise what is there is not saved, and a swap is taken back that never was."""
    assert desk.say(f"database_exists {desk.database}", kind="probe").code == 0
    assert desk.say("! database_exists nobodys", kind="probe").code == 0
    for text in ("! database_exists nobodys", "if database_exists x; then :; fi"):
        unknown = desk.say(text, kind="probe", **NOWHERE)
        assert (unknown.code, "does not tell" in unknown.err) == (1, True), text
