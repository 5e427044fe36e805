"""Which of the many series that a selector could mean a derived test shows: their labels."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import promql_parser as promql

from config.spec.model import Metric, Project
from observability.edges.evaluate import Labels
from observability.infer import exported_names
from observability.names import recorded
from observability.promql import admits, metric_name, nodes
from observability.world import ENVIRONMENT, SOMEWHERE, UP

if TYPE_CHECKING:
    from observability.edges.asked import Asked

# Of a label that can have any value; a test says no more than that they differ.
_MADE_UP = ("a", "b", "c", "d")
_MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The place of each label's value among those that it can have, and values that are set.

    `pinned` are the places of labels that a group keeps, `place` that of all others.
    """

    place: int = 0
    pinned: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)

    def of(self, label: str) -> int:
        return self.pinned.get(label, self.place)

    def of_twin(self, named: frozenset[str], number: int) -> "Choice":
        """Return the choice of a series in a group that keeps the named labels."""
        return replace(self, place=number, pinned={label: self.of(label) for label in named})


def selectors_in(node: promql.Expr) -> list[promql.VectorSelector]:
    return [one for one in nodes(node) if isinstance(one, promql.VectorSelector)]


def is_recorded(project: Project, selector: promql.VectorSelector) -> bool:
    """Whether a selector reads what a measure records."""
    prefix = recorded(project, "")
    name = metric_name(selector)
    return name.startswith(prefix) and name.removeprefix(prefix) in project.measures


def metric_of(project: Project, selector: promql.VectorSelector) -> Metric | None:
    """Return the metric of a selector; `up` is nobody's."""
    return _by_name(project).get(metric_name(selector))


@lru_cache(4)
def _by_name(project: Project) -> dict[str, Metric]:
    return {name: one for one in project.catalogue.metrics.values() for name in exported_names(one)}


def labels_of(project: Project, selector: promql.VectorSelector, choice: Choice) -> Labels:
    """Return the labels of one series that the selector means; `le` is left to whoever fills buckets."""
    name = metric_name(selector)
    metric = metric_of(project, selector)
    if metric is None and name != UP:
        raise LookupError(f"{name} is not in the catalogue")
    possible: dict[str, tuple[str, ...]] = dict(metric.labels) if metric else {}
    possible["job"] = (metric.job,) if metric else tuple(project.scrape.jobs)
    if "job" in choice.values:
        possible["job"] = (choice.values["job"],)
    told: dict[str, str] = {}
    for label, values in possible.items():
        told[label] = _chosen(selector, label, values or _made_up(choice, label), choice)
    told["instance"] = choice.values.get("instance") or f"{told['job']}:{choice.of('instance') + 1}"
    # Of one environment, unless a measure tells them apart.
    somewhere = choice.pinned.get(ENVIRONMENT, 0)
    told[ENVIRONMENT] = choice.values.get(ENVIRONMENT) or (SOMEWHERE, "elsewhere")[min(somewhere, 1)]
    bucket = [m.value for m in selector.matchers.matchers if m.name == "le"]
    return frozenset({**told, **({"le": bucket[0]} if bucket else {})}.items())


def _made_up(choice: Choice, label: str) -> tuple[str, ...]:
    pattern = choice.patterns.get(label)
    return tuple(pattern.format(one) for one in _MADE_UP) if pattern else _MADE_UP


def _chosen(selector: promql.VectorSelector, label: str, values: tuple[str, ...], choice: Choice) -> str:
    if label in choice.values:
        return choice.values[label]
    asked = [m for m in selector.matchers.matchers if m.name == label]
    wanted = [str(m.value) for m in asked if m.op == promql.MatchOp.Equal]
    let = wanted or [value for value in values if all(admits(m, value) for m in asked)]
    if not let:
        raise LookupError(f"no value of {label} is meant by {selector}")
    return let[choice.of(label) % len(let)]


def replacing(asked: "Asked", node: promql.Call) -> "Asked":
    """Return the question below label_replace(): the label that is read looks as the pattern wants it."""
    _, template, source, pattern = (str(one.val) for one in node.args[1:])
    if "$" not in template:
        return asked
    sample = pattern.replace("(.*)", "{}").replace(".*", "x")
    if not re.fullmatch(pattern, sample):
        return asked
    return replace(asked, choice=replace(asked.choice, patterns={**asked.choice.patterns, source: sample}))


def others(project: Project, selector: promql.VectorSelector) -> Iterator[dict[str, str]]:
    """Yield values of a label that a matcher of the selector keeps out, one at a time, the others let in."""
    metric = metric_of(project, selector)
    for matcher in selector.matchers.matchers:
        label = str(matcher.name)
        if label in ("__name__", "le"):
            continue
        values = tuple(project.scrape.jobs) if label == "job" else ()
        if metric is not None and label in metric.labels:
            values = metric.labels[label]
        # What a pattern names, if it is a plain list of words.
        named = [one.replace("[.]", ".").replace(".*", "x") for one in str(matcher.value).split("|")]
        kept_out = [value for value in (*values, *named, *_MADE_UP[:1]) if not admits(matcher, value)]
        yield from ({label: value} for value in dict.fromkeys(kept_out))
