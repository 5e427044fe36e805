"""Timelines that are written by hand: a short one, days of two minutes, and configurations that are wrong."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import yaml

from observability.dispatch.told import Act, Event, Firing, as_prometheus_tells, in_order
from scripts.dispatch.timelines import ORIGIN, Timeline, alert
from scripts.drill.days import DAY, WINDOW

Config = dict[str, Any]
# Sixty times as fast a critical group is looked at twice a second.
SHORT_SCALE = 60
_BTC = alert("LiquidationNear", "critical", symbol="BTC-USDT")
_ETH = alert("LiquidationNear", "critical", symbol="ETH-USDT")
_LEAD = timedelta(seconds=10)
_RESEND = timedelta(milliseconds=500)


def short() -> Timeline:
    """A group that grows and shrinks, a warning with its critical, one that is explained, a restart."""
    lasts = timedelta(seconds=2.9)
    firings = (
        Firing(labels=_BTC, starts=_at(0.1)),
        Firing(labels=alert("LiquidationNear", "warning", symbol="BTC-USDT"), starts=_at(0.3)),
        Firing(labels=_ETH, starts=_at(0.35), ends=_at(0.85)),
        Firing(labels=alert("SlowQueries", "warning"), starts=_at(0.45)),
        Firing(labels=alert("PageTest", "fatal"), starts=_at(0.5), ends=_at(0.75)),
        Firing(labels=alert("DatabaseDown", "critical"), starts=_at(1.15)),
        Firing(labels=alert("PoolSaturated", "critical"), starts=_at(1.4)),
        Firing(labels=alert("HighMemoryUsage", "critical", instance="a"), starts=_at(1.45)),
    )
    acts = (Event(at=_at(2.2), what=Act.STOP), Event(at=_at(2.35), what=Act.START))
    posts = as_prometheus_tells(firings, ORIGIN + lasts, _RESEND)
    return Timeline(name="short", events=tuple(in_order([*posts, *acts])), lasts=lasts)


def digests() -> Timeline:
    """Four windows, of which the first opens ten seconds after ORIGIN; in each but one an act follows.

    A digest comes again only where Alertmanager is killed, as it then forgets whom it told.
    """
    lasts = _LEAD + 3 * DAY + WINDOW
    firing = Firing(labels=alert("DailyDigest", "digest"), starts=_at(1))
    acts: list[Event] = []
    for day, what in enumerate(((Act.STOP, Act.START), (Act.RELOAD,), (), (Act.KILL, Act.START))):
        at = ORIGIN + _LEAD + day * DAY + WINDOW / 2
        acts += [Event(at=at + index * timedelta(seconds=1), what=act) for index, act in enumerate(what)]
    posts = as_prometheus_tells([firing], ORIGIN + lasts, timedelta(seconds=5.3))
    return Timeline(name="digests", events=tuple(in_order([*posts, *acts])), lasts=lasts)


def opening(first: datetime) -> datetime:
    """Return the ORIGIN of `digests` for short days whose first window opens at `first`."""
    return first - _LEAD


def _wrong_route(config: Config) -> None:
    for route in config["route"]["routes"]:
        if route["receiver"] == "critical":
            route["receiver"] = "warning"


def _inhibits_too_much(config: Config) -> None:
    """As when a rule that is to name what an alert explains names nothing."""
    for rule in config["inhibit_rules"]:
        if 'alertname="DatabaseDown"' in rule["source_matchers"]:
            rule["target_matchers"] = ['alertname!="DatabaseDown"']


def _repeats_at_each_look(config: Config) -> None:
    for route in (config["route"], *config["route"]["routes"]):
        route["repeat_interval"] = route["group_interval"]


def _one_group_each(config: Config) -> None:
    config["route"]["group_by"] = ["..."]


def _stops_at_the_first(config: Config) -> None:
    """The rendered tree has no `continue`; this takes away the one that `copied` puts in."""
    for route in config["route"]["routes"]:
        route.pop("continue", None)


def copied(config: str) -> str:
    """Return a configuration that tells of what is critical by mail as well, by `continue`."""
    data = yaml.safe_load(config)
    routes = data["route"]["routes"]
    place = next(index for index, route in enumerate(routes) if route["receiver"] == "critical")
    routes[place]["continue"] = True
    routes.insert(place + 1, {**routes[place], "receiver": "warning", "continue": False})
    return yaml.safe_dump(data, sort_keys=False)


# What each does to the configuration that Alertmanager gets, while the model reads the right one.
MISTAKES: Mapping[str, Callable[[Config], None]] = {
    "a wrong route": _wrong_route,
    "a missing continue": _stops_at_the_first,
    "an inhibition that swallows too much": _inhibits_too_much,
    "repeat_interval as long as group_interval": _repeats_at_each_look,
    "a group for each alert": _one_group_each,
}


def mistaken(config: str, mistake: str) -> str:
    data = yaml.safe_load(config)
    MISTAKES[mistake](data)
    return yaml.safe_dump(data, sort_keys=False)


def _at(seconds: float) -> datetime:
    return ORIGIN + timedelta(seconds=seconds)
