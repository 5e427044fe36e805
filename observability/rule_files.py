"""Reads the groups of a plain rule file, or of a PrometheusRule object of Kubernetes."""

from collections.abc import Iterator
from typing import Any

from config.spec.duration import Duration
from config.spec.problem import Place, Problem
from config.spec.source import Source
from observability.rules import Group, Rule

_KINDS = ("alert", "record")
_FORM = "lint/form"


def groups_of(source: Source, problems: list[Problem]) -> Iterator[Group]:
    """Yield the groups of a file; what is no rule is a problem at its place."""
    data, at = source.data, ["groups"]
    if isinstance(data, dict) and isinstance(data.get("spec"), dict) and "groups" not in data:
        data, at = data["spec"], ["spec", "groups"]
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        problems.append(Problem(source.place(), "no rule file: it has no list `groups`", _FORM))
        return
    for g, group in enumerate(groups):
        reader = _Reader(source, (*at, g), problems)
        if isinstance(group, dict):
            yield reader.group(group)


class _Reader:
    """Reads one group and keeps what is wrong with it."""

    def __init__(self, source: Source, at: tuple[str | int, ...], problems: list[Problem]) -> None:
        self._source, self._at, self._problems = source, at, problems

    def group(self, data: dict[str, Any]) -> Group:
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
        labels, annotations = self._texts(rule, at, "labels"), self._texts(rule, at, "annotations")
        parts = [f"labels/{name}" for name in labels] + [f"annotations/{name}" for name in annotations]
        return Rule(
            name=name,
            is_alert="alert" in rule,
            expr=str(rule["expr"]),
            place=self._place(*at),
            for_=self._duration(rule, at, "for"),
            labels=labels,
            annotations=annotations,
            places={part: self._place(*at, *part.split("/", 1)) for part in ["expr", "for", *parts]},
        )

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
            return Duration(0) if value == 0 else Duration.parse(str(value))
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
