"""What the model says that Alertmanager sends: traits of groups, repeats, inhibition and restarts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.dispatch.alertmanager import ANSWER, Notification, dispatched
from observability.dispatch.told import Act, Event, Firing, Post, as_prometheus_tells, labels_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RENDERED = Path("observability/generated/local/alertmanager.yml")
SMALL = """\
route:
  receiver: page
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 150s
receivers:
  - name: page
    webhook_configs: [{url: "http://localhost", send_resolved: true}]
  - name: mail
    email_configs: [{to: a@localhost, send_resolved: false}]
inhibit_rules:
  - source_matchers: ['severity="critical"']
    target_matchers: ['severity="warning"']
    equal: [alertname]
"""


def small(**route: Any) -> Any:
    config = yaml.safe_load(SMALL)
    config["route"] |= route
    return config


def rendered() -> Any:
    return yaml.safe_load(RENDERED.read_text("utf-8"))


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def fires(start: float, end: float | None = None, name: str = "A", **labels: str) -> Firing:
    ends = None if end is None else at(end)
    return Firing(labels=labels_of({"alertname": name, **labels}), starts=at(start), ends=ends)


def sent(
    config: Any, *firings: Firing, acts: Sequence[tuple[float, Act]] = (), until: float = 600
) -> list[Any]:
    """Return when what was sent and why, in seconds."""
    events = [*as_prometheus_tells(firings, at(until)), *(Event(at=at(when), what=act) for when, act in acts)]
    return [shown(one) for one in dispatched(config, events, BEGIN, at(until))]


def shown(one: Notification) -> tuple[float, str, int, int]:
    return (one.at - BEGIN).total_seconds(), one.why.value, len(one.firing), len(one.resolved)


def test_a_new_group_waits_and_one_that_joins_waits_for_the_next_look() -> None:
    found = sent(small(), fires(0, instance="a"), fires(20, instance="b"), until=80)
    assert found == [(10, "first", 1, 0), (70, "more alerts", 2, 0)]


def test_what_ends_in_the_group_wait_is_never_told() -> None:
    assert sent(small(), fires(0, 5), until=200) == []


def test_a_part_and_then_all_of_a_group_ends() -> None:
    """Prometheus tells of an end for a quarter of an hour, and so the first one is named again."""
    found = sent(small(), fires(0, 30, instance="a"), fires(0, 100, instance="b"), until=250)
    assert found == [(10, "first", 2, 0), (70, "some resolved", 1, 1), (130, "all resolved", 0, 2)]


def test_what_ends_and_fires_again_between_two_looks_is_not_told_of() -> None:
    assert sent(small(repeat_interval="1h"), fires(0, 20), fires(40), until=300) == [(10, "first", 1, 0)]


def test_what_fires_again_after_its_end_was_told_is_a_new_group() -> None:
    found = sent(small(), fires(0, 20), fires(75, 90), fires(95), until=120)
    assert found == [(10, "first", 1, 0), (70, "all resolved", 0, 1), (85, "first", 1, 0)]


def test_a_repeat_comes_at_a_look_and_an_equal_interval_doubles_it() -> None:
    """Alertmanager notes a notification after its delivery, which is later than the look that sent it."""
    assert [when for when, *_ in sent(small(), fires(0), until=600)] == [10, 190, 370, 550]
    every_look = sent(small(repeat_interval="1m"), fires(0), until=300)
    assert [when for when, *_ in every_look] == [10, 130, 250]
    every_look = sent(small(repeat_interval="55s"), fires(0), until=200)
    assert [when for when, *_ in every_look] == [10, 70, 130, 190]


def test_a_receiver_that_wants_no_ends_is_told_of_none_but_of_the_next_begin() -> None:
    found = sent(small(receiver="mail"), fires(0, 20), fires(75), until=120)
    assert found == [(10, "first", 1, 0), (85, "first", 1, 0)]


def test_a_graver_alert_silences_and_its_end_is_heard_at_the_next_look() -> None:
    critical, warning = fires(0, 100, severity="critical"), fires(0, severity="warning")
    by_severity = small(group_by=["alertname", "severity"])
    assert sent(by_severity, critical, warning, until=200) == [
        (10, "first", 1, 0),
        (130, "all resolved", 0, 1),
        (130, "first", 1, 0),
    ]


def test_what_ends_while_it_is_silenced_stays_open_at_the_receiver() -> None:
    by_severity = small(group_by=["alertname", "severity"], repeat_interval="1h")
    found = sent(by_severity, fires(0, 100, severity="warning"), fires(20, severity="critical"), until=300)
    assert found == [(10, "first", 1, 0), (30, "first", 1, 0)]


def test_a_second_source_is_overlooked_until_prometheus_tells_of_it_again() -> None:
    """Alertmanager looks at one source per set of equal labels, and that is the one that has just ended."""
    by_severity = small(group_by=["alertname", "severity"], repeat_interval="1h")
    sources = fires(0, 122, severity="critical", i="a"), fires(5, severity="critical", i="b")
    warning = fires(0, severity="warning")
    # The end comes at 122, the word of the second source again at 125, the look at 130.
    assert [one for one in sent(by_severity, *sources, warning, until=200) if one[0] == 130] == [
        (130, "some resolved", 1, 1)
    ]
    late = fires(0, 122, severity="critical", i="a"), fires(15, severity="critical", i="b")
    found = [one for one in sent(by_severity, *late, warning, until=200) if one[0] == 130]
    assert sorted(found) == [(130, "first", 1, 0), (130, "some resolved", 1, 1)]


def test_alerts_of_no_labels_in_common_are_told_each_alone_when_all_labels_make_a_group() -> None:
    found = sent(small(group_by=["..."]), fires(0, instance="a"), fires(20, instance="b"), until=60)
    assert found == [(10, "first", 1, 0), (30, "first", 1, 0)]


@pytest.mark.parametrize(("stop", "again"), [(Act.STOP, []), (Act.KILL, [(120, "first", 1, 0)])])
def test_who_was_told_is_known_after_a_restart_in_order_and_forgotten_after_a_kill(
    stop: Act, again: list[Any]
) -> None:
    once = small(repeat_interval="1h")
    acts = ((100, stop), (101, Act.START))
    assert sent(once, fires(0), acts=acts, until=200) == [(10, "first", 1, 0), *again]


def test_a_log_that_was_saved_survives_a_kill() -> None:
    """It is saved every quarter of an hour."""
    acts = ((1000, Act.KILL), (1001, Act.START))
    assert len(sent(small(repeat_interval="1h"), fires(0), acts=acts, until=1100)) == 1


def test_what_ended_while_alertmanager_was_down_is_told_as_prometheus_tells_of_it_again() -> None:
    acts = ((50, Act.STOP), (90, Act.START))
    found = sent(small(), fires(0, 60), acts=acts, until=200)
    assert found == [(10, "first", 1, 0), (120, "all resolved", 0, 1)]


def test_what_nobody_tells_of_any_more_is_over_after_four_times_the_resend_delay() -> None:
    post = Post(labels=labels_of({"alertname": "A"}), starts=BEGIN, ends=at(240))
    found = dispatched(small(repeat_interval="1h"), [Event(at=BEGIN, what=post)], BEGIN, at(600))
    assert [shown(one) for one in found] == [(10, "first", 1, 0), (250, "all resolved", 0, 1)]


def test_a_reload_makes_groups_anew_and_tells_nobody_twice() -> None:
    once = small(repeat_interval="1h")
    assert sent(once, fires(0), acts=[(30, Act.RELOAD)], until=200) == [(10, "first", 1, 0)]
    # One that was about to wait a minute is told at once: its group is new, and it is old.
    early = sent(once, fires(0, i="a"), fires(12, i="b"), acts=[(30, Act.RELOAD)], until=60)
    assert early == [(10, "first", 1, 0), (30, "more alerts", 2, 0)]


def test_an_end_that_was_told_is_told_again_after_a_repeat_and_a_reload() -> None:
    """Alertmanager holds what has ended for half an hour, and a repeat no longer names it."""
    a, b = fires(0, 20, i="a"), fires(0, i="b")
    found = sent(small(), a, b, acts=[(1300, Act.RELOAD)], until=1310)
    assert found[1] == (70, "some resolved", 1, 1)
    assert found[-1] == (1300, "some resolved", 1, 1)
    assert {why for _, why, *_ in found[2:-1]} == {"repeated"}


def test_what_joins_while_receivers_are_asked_waits_for_the_next_look() -> None:
    """The group whose last alert has ended is still there then."""
    joins = 70 + ANSWER.total_seconds() / 2
    found = sent(small(), fires(0, 20, i="a"), fires(joins, i="b"), until=200)
    assert found == [(10, "first", 1, 0), (70, "all resolved", 0, 1), (130, "first", 1, 1)]


def test_the_rendered_heartbeat_beats_each_minute() -> None:
    found = sent(rendered(), fires(0, name="Watchdog", severity="none"), until=600)
    assert [when for when, *_ in found] == [60 * minute for minute in range(11)]


def test_a_page_that_nobody_ends_comes_again_after_an_hour_and_a_look() -> None:
    firing = fires(0, name="BotDown", severity="critical")
    found = sent(rendered(), firing, until=7300)
    assert [when for when, *_ in found] == [0, 0, 3630, 3630, 7260, 7260]


def test_an_interval_that_this_compiler_never_writes_is_not_guessed() -> None:
    interval = {"name": "x", "time_intervals": [{"weekdays": ["monday"]}]}
    with pytest.raises(ValueError, match="by weekdays is none that this compiler writes"):
        dispatched({**small(), "time_intervals": [interval]}, [], BEGIN, at(1))
