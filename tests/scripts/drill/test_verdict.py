"""A drill's verdict: one bad step fails it, and so does having no step."""

import json
from pathlib import Path

from scripts.drill.verdict import Drill, Message, as_read, as_table, save


def test_a_drill_without_steps_has_not_passed() -> None:
    assert not Drill(alert="A", severity="critical", time_scale=60).passed


def test_what_came_late_or_never_fails() -> None:
    for seconds in (None, 1.01):
        drill = Drill(alert="A", severity="critical", time_scale=60)
        drill.judge("calm", True, "")
        drill.judge_time("delivered", seconds, 1.0)
        assert not drill.passed
    drill = Drill(alert="A", severity="critical", time_scale=60)
    drill.judge_time("delivered", 0.99, 1.0)
    assert drill.passed


def test_the_table_shows_drill_time_real_time_and_promise(tmp_path: Path) -> None:
    drill = Drill(alert="A", severity="critical", time_scale=60)
    drill.judge_time("firing", 6.5, 240.0, "since the fault")
    assert as_table(drill).splitlines()[1].split() == [
        "ok", "firing", "6.50", "s", "6m", "30s", "≤", "4h", "00m", "since", "the", "fault",
    ]  # fmt: skip
    save([drill], tmp_path / "report.json")
    [saved] = json.loads((tmp_path / "report.json").read_text())
    assert (saved["passed"], saved["severity"]) == (True, "critical")


def test_what_came_before_the_drill_asked_is_shown_as_a_small_time_below_zero() -> None:
    drill = Drill(alert="A", severity="critical", time_scale=60)
    drill.judge_time("delivered", -0.02, 1.0)
    drill.judge_time("delivered", -1.1, 1.0)
    assert [row.split()[4] for row in as_table(drill).splitlines()[1:]] == ["-1s", "-1m"]


def test_what_people_were_told_is_shown_as_they_read_it_and_long_texts_are_cut() -> None:
    drill = Drill(alert="A", severity="critical", time_scale=60)
    long = "\n".join(f"line {number}" for number in range(20))
    for channel, status, title, text in (
        ("sns", "firing", "one line", "one line"),
        ("email", "firing", "a mail", long),
        ("email", "resolved", "it is over", long),
    ):
        drill.told.append(Message(received_at="now", channel=channel, status=status, title=title, text=text))
    assert as_read(drill).splitlines() == [
        "A (critical): what the sink holds", "",
        "  sns, firing, now", "    one line", "",
        "  email, firing, now", "    a mail", *(f"    line {number}" for number in range(9)), "    …", "",
        "  email, resolved, now", "    it is over",
    ]  # fmt: skip
