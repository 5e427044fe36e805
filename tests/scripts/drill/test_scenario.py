"""How a drill recognises a text."""

import re
from datetime import timedelta

import pytest

from config.spec.model import Project
from scripts.drill.scenario import filled, lesser_levels_first, too_early

SUMMARY = "{value} of orders failed in 4h (limit {bound})"


def test_a_summary_is_recognised_with_numbers_in_it() -> None:
    assert re.search(filled(SUMMARY), "[FIRING] 33.3% of orders failed in 4h (limit 10%). Runbook")


@pytest.mark.parametrize(
    "text",
    [
        "{value} of orders failed in 4h (limit 10%)",
        "<no value> of orders failed in 4h (limit 10%)",
        "33% of orders",
    ],
)
def test_a_summary_that_was_not_filled_is_not(text: str) -> None:
    assert not re.search(filled(SUMMARY), text)


@pytest.mark.parametrize("value", ["51s", "1m 2s", "-3h 0m 1s", "12.5", "2.5k"])
def test_a_value_may_be_a_length_of_time(value: str) -> None:
    pattern = filled("A transaction has been open for {value} (limit {bound})")
    assert re.search(pattern, f"A transaction has been open for {value} (limit 10m 0s)")
    assert not re.search(pattern, f"A transaction has been open for {value} or so (limit 10m 0s)")


def test_a_label_in_a_summary_is_recognised_by_its_text() -> None:
    pattern = filled("{job} at {instance} does not answer", ["job", "instance"])
    assert re.search(pattern, "WARNING TargetDown postgres at 127.0.0.1:9187 does not answer")
    for text in ("{job} at {instance} does not answer", "<no value> at <no value> does not answer"):
        assert not re.search(pattern, text)


def told(*words: str) -> list[dict[str, str]]:
    """Return notifications, one a minute, each as `severity status`."""
    return [
        {
            "severity": word.split()[0],
            "status": word.split()[1],
            "received_at": f"2026-01-31T12:{minute:02d}:00Z",
        }
        for minute, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 0),
        (["critical firing", "critical resolved", "warning firing"], 0),
        (
            [
                "critical resolved",
                "critical firing",
                "critical firing",
                "critical resolved",
                "warning firing",
            ],
            0,
        ),
        (["critical firing", "warning firing", "critical resolved", "warning resolved"], 1),
        (["warning firing", "critical firing", "critical resolved"], 1),
        (["critical resolved", "warning firing", "critical firing", "critical resolved"], 1),
        (["critical firing", "warning firing"], 1),
    ],
)
def test_a_lesser_level_waits_until_the_gravest_has_fired_and_ended(words: list[str], count: int) -> None:
    assert len(too_early(told(*words), "critical")) == count


def test_the_word_of_the_end_may_come_a_look_later_than_the_lesser_level() -> None:
    words = told("critical firing", "warning firing", "critical resolved")
    assert not too_early(words, "critical", timedelta(minutes=2))
    assert len(too_early(words, "critical", timedelta(0))) == 1


def test_a_lesser_level_that_waits_no_longer_may_speak_before_the_gravest_fires() -> None:
    words = told("warning firing", "critical firing", "critical resolved", "warning resolved")
    assert len(too_early(words, "critical")) == 1
    assert not too_early(words, "critical", lesser_first=True)
    while_it_fires = told("warning firing", "critical firing", "warning firing", "critical resolved")
    assert len(too_early(while_it_fires, "critical", lesser_first=True)) == 1


def test_which_level_may_speak_first_is_told_by_how_long_each_waits(project: Project) -> None:
    assert lesser_levels_first(project.alerts["BotNotReady"], "critical")
    assert not lesser_levels_first(project.alerts["PoolSaturated"], "critical")
    assert not lesser_levels_first(project.alerts["TargetDown"], "warning")
