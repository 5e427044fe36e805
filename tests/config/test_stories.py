"""Every alert of ours is told with its series gone, and with a restart of what exports them in the middle."""

from pathlib import Path

import pytest

from config.spec.load import load_project
from config.spec.model import Alert
from config.spec.story import Story

PROJECT, PROBLEMS, _ = load_project(Path(__file__).parents[2] / "config")
ALERTS = PROJECT.alerts.values() if PROJECT else ()


def test_the_specs_can_be_read() -> None:
    assert PROJECT is not None, PROBLEMS
    assert ALERTS


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_told_with_a_restart_in_the_middle(alert: Alert) -> None:
    assert any(_looks_after_a_restart(story) for story in alert.tests)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_told_with_its_series_gone(alert: Alert) -> None:
    assert any(_looks_while_gone(story) for story in alert.tests)


def _looks_after_a_restart(story: Story) -> bool:
    """Whether something is down for a while, and the story expects something of the time after that."""
    return any(
        down.down and any(expectation.at > down.until for expectation in story.expect) for down in story.world
    )


def _looks_while_gone(story: Story) -> bool:
    """Whether the story expects something of a time at which a job is down, or nothing is exported."""
    ends = [happening.until for happening in story.world if not happening.down]
    downs = [(happening.from_, happening.until) for happening in story.world if happening.down]
    return any(
        (bool(ends) and expectation.at >= max(ends))
        or any(begin < expectation.at <= end for begin, end in downs)
        for expectation in story.expect
    )
