"""Log lines: one JSON object each, with the ids, without the secrets, never too long."""

import io
import json
import logging
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from bot.log import LONGEST, Log, open_log


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO) -> Log:
    return open_log("INFO", "simulator", ['pass"word', "pass", "77342", "späte/r@"], out)


def lines(out: io.StringIO) -> Iterator[dict[str, Any]]:
    for line in out.getvalue().removesuffix("\n").split("\n"):
        yield json.loads(line)


def test_a_line_is_an_object_with_the_event_and_its_fields(log: Log, out: io.StringIO) -> None:
    log.info("signal", order="tws1", verdict="accepted", count=2, held=True, why=None)
    (line,) = lines(out)
    assert line.pop("ts").endswith("+00:00")
    assert line == {
        "level": "info",
        "mode": "simulator",
        "event": "signal",
        "order": "tws1",
        "verdict": "accepted",
        "count": 2,
        "held": True,
        "why": None,
    }


def test_secrets_are_blotted_out_wherever_they_stand(log: Log, out: io.StringIO) -> None:
    log.error('pass"word', where='in pass"word', also="pass", deep={"pass": ["pass", 77342]}, number=77342)
    logging.getLogger("library").error('pass"word and pass')
    log.error("in a URL", url="http://x/?k=sp%C3%A4te%2Fr%40", shown=repr({'pass"word'}))
    assert "pass" not in out.getvalue()
    assert "77342" not in out.getvalue()
    assert "%2Fr" not in out.getvalue()
    assert len(list(lines(out))) == 3


def test_what_only_looks_like_a_secret_leaves_the_line_whole(out: io.StringIO) -> None:
    # Escaped, a line break and what follows it hold the secret; the value does not.
    open_log("INFO", "simulator", ["nopasaran"], out).info("x", text="\nopasaran")
    assert [line["text"] for line in lines(out)] == ["\nopasaran"]


def test_levels_go_down_to_trace() -> None:
    out = io.StringIO()
    log = open_log("TRACE", "simulator", [], out)
    log.trace("seen")
    quiet = io.StringIO()
    open_log("WARNING", "simulator", [], quiet).info("not seen")
    assert json.loads(out.getvalue())["level"] == "trace"
    assert quiet.getvalue() == ""


def test_libraries_are_heard_from_warning_on_and_keep_their_tracebacks(log: Log, out: io.StringIO) -> None:
    logging.getLogger("library").info("chatter")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("library").exception("failed")
    (line,) = lines(out)
    assert line["logger"] == "library"
    assert "ValueError: broken" in line["traceback"]


def test_a_library_whose_values_do_not_fit_its_text_is_heard_all_the_same(out: io.StringIO) -> None:
    open_log("INFO", "simulator", [], out)
    logging.getLogger("library").error("%d things", "no number")
    assert [line["event"] for line in lines(out)] == ["%d things"]


def test_a_field_does_not_pass_for_what_the_line_itself_is(log: Log, out: io.StringIO) -> None:
    log.warning("halted", level=3, mode="live", ts=0, why="x")
    (line,) = lines(out)
    assert (line["level"], line["mode"], line["why"]) == ("warning", "simulator", "x")
    assert list(line)[:4] == ["ts", "level", "mode", "event"]


FORGED = '{"level": "info", "event": "order", "state": "filled"}'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1e", "\x85", "\u2028", "\u2029"])
def test_no_message_begins_a_line_of_its_own(log: Log, out: io.StringIO, end: str) -> None:
    log.info("signal", reason=f"x{end}{FORGED}")
    logging.getLogger("library").error(f"x{end}{FORGED}")
    assert len(out.getvalue().splitlines()) == 2
    assert next(lines(out))["reason"] == f"x{end}{FORGED}"


def test_nothing_reaches_a_terminal_that_it_would_obey(log: Log, out: io.StringIO) -> None:
    told = "\x1b[2J \x9b2J \x7f \u202e\u2066 \ud800"
    log.info("signal", reason=told)
    assert [line["reason"] for line in lines(out)] == [told]
    odd = [each for each in out.getvalue()[:-1] if unicodedata.category(each) in ("Cc", "Cf", "Cs")]
    assert odd == []


def test_a_float_without_a_value_leaves_the_line_json(log: Log, out: io.StringIO) -> None:
    log.info("x", price=float("nan"), far=float("inf"))
    told = json.loads(out.getvalue(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (told["price"], told["far"]) == ("nan", "inf")


@pytest.mark.parametrize("text", ["x" * 1_000_000, "☃" * 9_000, "\n" * 9_000, "\x01" * 3_000])
def test_no_line_is_too_long_and_what_it_is_about_stays(log: Log, out: io.StringIO, text: str) -> None:
    log.info("signal", order="tws1", reason=f"begin {text} end", deep=[text])
    assert len(out.getvalue().encode()) <= LONGEST + 1
    (line,) = lines(out)
    assert (line["event"], line["order"]) == ("signal", "tws1")
    assert line["reason"].startswith("begin ")
    assert line["reason"].endswith(" end")
    assert f"{len(text) + 10 - line['reason'].index(' … ') * 2} more" in line["reason"]


def test_a_line_that_just_fits_is_left_as_it_is(log: Log, out: io.StringIO) -> None:
    log.info("x", text="")
    room = LONGEST - len(out.getvalue().encode()) + 1
    log.info("x", text="y" * room)
    log.info("x", text="y" * (room + 1))
    told = [line["text"] for line in lines(out)]
    assert (told[1], len(told[2]) < room) == ("y" * room, True)


def test_cutting_leaves_no_half_of_a_secret(out: io.StringIO) -> None:
    secret = "abcdefghijklmnopqrstuvwxyz" * 4
    log = open_log("INFO", "simulator", [secret], out)
    for shift in range(0, 8_000, 53):
        log.info("x", text="." * shift + secret + "." * 20_000)
    assert "abc" not in out.getvalue()
    assert "xyz" not in out.getvalue()
