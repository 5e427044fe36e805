"""The tests of each alert beside the rules that they need, cut by whole lines out of the files that ship.

promtool evaluates every rule that it is given at every minute of every story, so that all rules for the
tests of all alerts would cost their product. What an alert does not read can tell nothing of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from config.spec.model import Project
from config.spec.source import Source, parse
from observability.promql import metric_names
from observability.render import edge_tests, rule_tests

_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A rule in the lines of its file from `first` to before `end`, counted from 0."""

    file: str
    first: int
    end: int
    record: str | None
    alert: str | None
    reads: frozenset[str]


def with_needed_rules(project: Project, files: Mapping[str, str]) -> dict[str, str]:
    """Return, in a folder for each alert, its tests as they are and as much of the rules as they need."""
    texts = {path: text.splitlines(keepends=True) for path, text in files.items() if _is_rules(path)}
    rules = [rule for path in texts for rule in _rules(parse(files[path], path)[0], len(texts[path]))]
    made: dict[str, str] = {}
    for name in project.alerts:
        for path in (rule_tests.path_of(name), edge_tests.path_of(name)):
            if path in files:
                made[f"{folder_of(name)}/{path}"] = files[path]
        needed = _needed(name, rules)
        for path in dict.fromkeys(rule.file for rule in needed):
            others = [rule for rule in rules if rule.file == path and rule not in needed]
            made[f"{folder_of(name)}/{path}"] = _without(others, texts[path])
    return made


def folder_of(alert: str) -> str:
    return f"needed/{alert}"


def _is_rules(path: str) -> bool:
    return path.startswith("rules/")


def _rules(source: Source, last: int) -> Iterator[_Rule]:
    """Yield the rules of a file that promtool accepts; each ends where the next one or its group does."""
    groups = source.data["groups"]
    ends = [source.place("groups", g).line - 1 for g in range(1, len(groups))]
    for g, (group, end) in enumerate(zip(groups, [*ends, last], strict=True)):
        lines = [source.place("groups", g, "rules", r).line - 1 for r in range(len(group["rules"]))]
        for rule, first, until in zip(group["rules"], lines, [*lines[1:], end], strict=True):
            yield _Rule(
                file=source.path,
                first=first,
                end=until,
                record=rule.get("record"),
                alert=rule.get("alert"),
                reads=frozenset(metric_names(str(rule["expr"]))),
            )


def _needed(alert: str, rules: Sequence[_Rule]) -> set[_Rule]:
    """Return the rules of an alert and, again and again, those that record what these read."""
    needed = {rule for rule in rules if rule.alert == alert}
    waiting = list(needed)
    while waiting:
        read = waiting.pop().reads
        found = {rule for rule in rules if rule not in needed and _may_make(rule, read)}
        needed |= found
        waiting += found
    return needed


def _may_make(rule: _Rule, read: frozenset[str]) -> bool:
    """Whether a rule makes some of these series; a selector without a plain name may read any."""
    return "" in read or rule.record in read or (rule.alert is not None and not read.isdisjoint(_ALERTS))


def _without(rules: Sequence[_Rule], lines: Sequence[str]) -> str:
    dropped = {number for rule in rules for number in range(rule.first, rule.end)}
    return "".join(line for number, line in enumerate(lines) if number not in dropped)
