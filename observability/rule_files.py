"""Reads the groups of a plain rule file, or of a PrometheusRule object of Kubernetes."""

from collections.abc import Iterator, Sequence
from typing import Any

from config.spec.duration import Duration
from config.spec.names import did_you_mean
from config.spec.problem import Place, Problem
from config.spec.source import Keys, Source
from observability.rules import Group, Rule

_KINDS = ("alert", "record")
_OF_THANOS = ("partial_response_strategy",)
_OF_MIMIR = ("source_tenants", "evaluation_delay", "align_evaluation_time_on_interval")
# Prometheus refuses a file with any other key.
_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "labels", "rules", *_OF_THANOS, *_OF_MIMIR)
_RULE_KEYS = (*_KINDS, "expr", "for", "keep_firing_for", "labels", "annotations")
_PARTS = ("expr", "for", "keep_firing_for")
_OF_ALERTS = ("for", "keep_firing_for", "annotations")
_FORM = "lint/form"


def groups_of(source: Source, problems: list[Problem]) -> Iterator[Group]:
    """Yield the groups of a file; what is no rule is a problem at its place."""
    data = source.data
    if data == {}:
        return  # a file without rules, as some generators write it
    if isinstance(data, dict) and isinstance(items := data.get("items"), list):
        for i, item in enumerate(items):
            if isinstance(item, dict) and item.get("kind") == "PrometheusRule":
                yield from _groups(source, item, ("items", i), problems)
        return
    yield from _groups(source, data, (), problems)


def _groups(source: Source, data: Any, at: Keys, problems: list[Problem]) -> Iterator[Group]:
    if isinstance(data, dict) and isinstance(data.get("spec"), dict) and "groups" not in data:
        data, at = data["spec"], (*at, "spec")
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        problems.append(Problem(source.place(*at), "no rule file: it has no list `groups`", _FORM))
        return
    names: set[str] = set()
    for g, group in enumerate(groups):
        if isinstance(group, dict):
            read = _Reader(source, (*at, "groups", g), problems).group(group)
            if read.name and read.name in names:
                problems.append(Problem(read.place, f"group {read.name!r} exists twice in this file", _FORM))
            names.add(read.name)
            yield read


class _Reader:
    """Reads one group and keeps what is wrong with it."""

    def __init__(self, source: Source, at: tuple[str | int, ...], problems: list[Problem]) -> None:
        self._source, self._at, self._problems = source, at, problems

    def group(self, data: dict[str, Any]) -> Group:
        self._only(data, _GROUP_KEYS)
        rules = data.get("rules")
        listed = enumerate(rules if isinstance(rules, list) else [])
        read = [self._rule(data, ("rules", r)) for r, data in listed]
        return Group(
            name=str(data.get("name", "")),
            place=self._place("name"),
            rules=tuple(rule for rule in read if rule is not None),
            interval=self._duration(data, (), "interval"),
            interval_place=self._place("interval"),
        )

    def _rule(self, rule: Any, at: tuple[str | int, ...]) -> Rule | None:
        name = _name(rule)
        if name is None or not isinstance(rule.get("expr"), str | int):
            self._problem("a rule needs alert or record, and expr", *at)
            return None
        self._only(rule, _RULE_KEYS, *at)
        if "record" in rule:
            for key in (key for key in _OF_ALERTS if key in rule):
                self._problem(f"{key} belongs to alerts, not to a recording rule", *at, key)
        labels, annotations = self._texts(rule, at, "labels"), self._texts(rule, at, "annotations")
        parts = [f"labels/{name}" for name in labels] + [f"annotations/{name}" for name in annotations]
        return Rule(
            name=name,
            is_alert="alert" in rule,
            expr=str(rule["expr"]),
            place=self._place(*at),
            for_=self._duration(rule, at, "for"),
            keep_firing_for=self._duration(rule, at, "keep_firing_for"),
            labels=labels,
            annotations=annotations,
            places={part: self._place(*at, *part.split("/", 1)) for part in [*_PARTS, *parts]},
        )

    def _only(self, data: dict[str, Any], known: Sequence[str], *at: str | int) -> None:
        for key in (str(key) for key in data if key not in known):
            text = f"Prometheus knows no key {key!r} here{did_you_mean(key, known)}"
            self._problems.append(Problem(self._source.key_place(*self._at, *at, key), text, _FORM))

    def _texts(self, rule: dict[str, Any], at: tuple[str | int, ...], key: str) -> dict[str, str]:
        texts = rule.get(key) or {}
        if not isinstance(texts, dict):
            self._problem(f"{key} must map names to texts", *at, key)
            return {}
        return {str(name): str(text) for name, text in texts.items()}

    def _duration(self, data: dict[str, Any], at: tuple[str | int, ...], key: str) -> Duration | None:
        value = data.get(key)
        if value is None:
            return None
        try:
            return Duration(0) if value in (0, "0") else Duration.parse(str(value))
        except ValueError as error:
            self._problem(f"{key}: {error}", *at, key)
            return None

    def _place(self, *path: str | int) -> Place:
        return self._source.place(*self._at, *path)

    def _problem(self, message: str, *path: str | int) -> None:
        self._problems.append(Problem(self._place(*path), message, _FORM))


def _name(rule: Any) -> str | None:
    if not isinstance(rule, dict):
        return None
    named = [rule[key] for key in _KINDS if isinstance(rule.get(key), str)]
    return named[0] if len(named) == 1 else None
