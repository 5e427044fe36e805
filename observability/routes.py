"""Alertmanager's routing tree as a rendered configuration has it: where labels lead, with which timers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.spec.duration import Duration

Config = Mapping[str, Any]
_MATCHER = re.compile(r'(?P<label>\w+)\s*(?P<operator>=~|!~|!=|=)\s*"?(?P<value>.*?)"?')
# What Alertmanager takes where a route and all above it say nothing.
_DEFAULTS = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_INHERITED = ("receiver", "group_by", *_DEFAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A leaf of the tree that labels reach, with what it inherits from above.

    `place` is its way down the tree, as the index of a child at each fork: no two leaves share one.
    """

    place: tuple[int, ...]
    receiver: str
    group_by: tuple[str, ...]
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    active_time_intervals: tuple[str, ...]

    @property
    def is_group_per_alert(self) -> bool:
        """Whether each alert is a group of its own, so that no earlier one delays it."""
        return self.group_by == ("...",)


def routes_of(config: Config, labels: Mapping[str, str]) -> list[Route]:
    """Return the routes that an alert with these labels takes, in the order of the tree."""
    return list(_taken(config["route"], _DEFAULTS, labels, ()))


def integrations(config: Config, receiver: str) -> tuple[str, ...]:
    """Return what a receiver is made of, such as `pagerduty` and `sns`; nothing for one that drops all."""
    found = next(one for one in config["receivers"] if one["name"] == receiver)
    return tuple(key.removesuffix("_configs") for key in found if key.endswith("_configs"))


def _taken(node: Config, above: Config, labels: Mapping[str, str], place: tuple[int, ...]) -> Iterator[Route]:
    merged = {**above, **{key: node[key] for key in _INHERITED if key in node}}
    below: list[Route] = []
    for index, child in enumerate(node.get("routes", ())):
        if all(matches(matcher, labels) for matcher in child.get("matchers", ())):
            below += _taken(child, merged, labels, (*place, index))
            if not child.get("continue", False):
                break
    yield from below or [_route(node, merged, place)]


def _route(node: Config, merged: Config, place: tuple[int, ...]) -> Route:
    return Route(
        place=place,
        receiver=merged["receiver"],
        group_by=tuple(merged.get("group_by", ())),
        group_wait=Duration.parse(merged["group_wait"]),
        group_interval=Duration.parse(merged["group_interval"]),
        repeat_interval=Duration.parse(merged["repeat_interval"]),
        active_time_intervals=tuple(node.get("active_time_intervals", ())),
    )


def matches(matcher: str, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a matcher such as `severity="critical"`; a missing label is an empty one."""
    parts = _MATCHER.fullmatch(matcher)
    if parts is None:
        raise ValueError(f"{matcher!r} is not a matcher that this compiler writes")
    value = labels.get(parts["label"], "")
    if parts["operator"] in ("=~", "!~"):
        found = re.fullmatch(parts["value"], value) is not None
    else:
        found = value == parts["value"]
    return found is (parts["operator"] in ("=", "=~"))
