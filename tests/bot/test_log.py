"""Log lines: one JSON object each, with the ids, without the secrets."""

import io
import json
import logging

from bot.log import open_log


def test_a_line_is_an_object_with_the_event_and_its_fields() -> None:
    out = io.StringIO()
    open_log("INFO", "simulator", [], out).info("signal", order="tws1", verdict="accepted")
    line = json.loads(out.getvalue())
    assert line.pop("ts").endswith("+00:00")
    assert line == {
        "level": "info",
        "mode": "simulator",
        "event": "signal",
        "order": "tws1",
        "verdict": "accepted",
    }


def test_secrets_are_blotted_out_wherever_they_stand() -> None:
    out = io.StringIO()
    log = open_log("INFO", "simulator", ['pass"word', "pass"], out)
    log.error('pass"word', where='in pass"word', also="pass")
    logging.getLogger("library").error('pass"word and pass')
    assert "pass" not in out.getvalue()
    assert all(json.loads(line) for line in out.getvalue().splitlines())


def test_levels_go_down_to_trace() -> None:
    out = io.StringIO()
    log = open_log("TRACE", "simulator", [], out)
    log.trace("seen")
    quiet = io.StringIO()
    open_log("WARNING", "simulator", [], quiet).info("not seen")
    assert json.loads(out.getvalue())["level"] == "trace"
    assert quiet.getvalue() == ""


def test_libraries_are_heard_from_warning_on_and_keep_their_tracebacks() -> None:
    out = io.StringIO()
    open_log("INFO", "simulator", [], out)
    logging.getLogger("library").info("chatter")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("library").exception("failed")
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["logger"] == "library"
    assert "ValueError: broken" in json.loads(line)["traceback"]


def test_a_field_does_not_pass_for_what_the_line_itself_is() -> None:
    out = io.StringIO()
    open_log("INFO", "simulator", [], out).warning("halted", level=3, mode="live", ts=0, why="x")
    line = json.loads(out.getvalue())
    assert (line["level"], line["mode"], line["why"]) == ("warning", "simulator", "x")
    assert list(line)[:4] == ["ts", "level", "mode", "event"]
