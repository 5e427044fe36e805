"""What the report shows: each drill against its clocks, one picture each, and nothing from elsewhere."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from scripts.drill.page import as_page
from scripts.drill.timeline import picture
from scripts.drill.verdict import Drill, Message, Promise, Verdict, as_json
from scripts.drill.wording import span

BEGIN = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def drill(late: bool = False, harness: str = "") -> Drill:
    one = Drill(
        alert="BotDown",
        severity="critical",
        time_scale=60,
        fault="it <hangs>",
        mended_by="runbook",
        harness=harness,
    )
    for what, at, until in (
        ("begin", 0, None), ("fault", 10, None), ("pending", 11, None), ("firing", 13, None),
        ("told: pagerduty", 13.4, None), ("mending", 16, None), ("runbook: bot_down", 16, 22),
        ("resolved", 20, None), ("told of the end: pagerduty", 21, None), ("end", 24, None),
    ):  # fmt: skip
        one.mark(what, moment(at), moment(until) if until else None)
    one.judge_time("firing", 4 if late else 2, 3, "since the fault")
    one.judge("the runbook mends", True, "ended with 0", Promise.RUNBOOK)
    one.told.append(Message(received_at="", channel="sns", status="firing", title="<script>", text="a & b"))
    return one


def moment(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_the_picture_is_svg_with_all_that_took_place() -> None:
    shapes = [shape.tag for shape in ElementTree.fromstring(picture(drill())).iter()]
    assert (shapes.count("rect"), shapes.count("circle")) == (4, 2)


def test_a_drill_that_broke_before_the_fault_has_no_picture() -> None:
    assert picture(Drill(alert="A", severity="info", time_scale=60)) == ""


def test_the_page_needs_nothing_from_elsewhere_and_says_what_people_wrote_as_text() -> None:
    page = as_page([drill()], [("DiskFull", "not here")], BEGIN)
    assert not re.search(r"https?://|src=|<link|<script|url\(|@import", page)
    assert "&lt;script&gt;" in page
    assert "it &lt;hangs&gt;" in page
    assert "not here" in page


@pytest.mark.parametrize(
    ("one", "verdict", "said"),
    [
        (drill(), Verdict.PASSED, "PASSED"),
        (drill(late=True), Verdict.FAILED, "FAILED: fires in time"),
        (drill(late=True, harness="9 left out"), Verdict.HARNESS, "HARNESS ERROR: 9 left out"),
    ],
)
def test_the_verdict_says_which_promise_was_broken(one: Drill, verdict: Verdict, said: str) -> None:
    assert (one.verdict, one.said) == (verdict, said)
    assert said in as_page([one], [], BEGIN)
    assert as_json(one)["verdict"] == verdict.value


def test_times_stand_in_life_and_in_the_drill_beside_what_was_promised() -> None:
    page = as_page([drill()], [], BEGIN)
    assert "2m 00s<small>2.00 s</small>" in page
    assert 'title="promised: 3m 00s"><i class="" style="width:67%">' in page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "-2s"),
        (0, "0s"),
        (59.4, "59s"),
        (60, "1m 00s"),
        (3599, "59m 59s"),
        (7260, "2h 01m"),
        (90000, "1d 01h"),
    ],
)
def test_a_length_of_time_is_written_in_two_units(seconds: float, text: str) -> None:
    assert span(seconds) == text
