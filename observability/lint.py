"""Plain Prometheus rule files, which know no spec: the checks of expressions on every rule in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from config.spec.duration import Duration
from config.spec.problem import Place, Problem
from config.spec.source import Source, read
from observability.checks import CHECKS
from observability.checks.queries import Known, Query
from observability.infer import Lookup, Shape, infer
from observability.promql import parse, syntax_error

_RULE_KEYS = ("alert", "record")
# By the naming rules of Prometheus these are counters, whoever exports them.
_COUNTER_SUFFIXES = ("_total", "_bucket")


class MetricsError(Exception):
    """The saved /metrics text cannot be read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a file; `name` is what it records or alerts."""

    name: str
    is_alert: bool
    expr: str
    place: Place


@dataclass(slots=True)
class Linted:
    """What was found in rule files, and the texts to show it in."""

    problems: list[Problem] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)


def lint(files: Sequence[Path], scrape_interval: Duration, exported: Mapping[str, Shape]) -> Linted:
    """Check every expression of these files; `exported` are shapes of metrics, where they are known."""
    linted = Linted()
    for file in files:
        source, problems = read(file, str(file))
        linted.sources[source.path] = source
        linted.problems += problems
        if source.data is not None:
            linted.rules += _rules(source, linted.problems)
    known = Known(lookup=_lookup(linted.rules, exported), scrape_interval=scrape_interval)
    for rule in linted.rules:
        linted.problems += _check(rule, known)
    linted.problems = list(dict.fromkeys(linted.problems))
    return linted


def exported_by(text: str) -> dict[str, Shape]:
    """Return the shapes of the metrics in a saved /metrics text, as Prometheus scrapes it."""
    shapes: dict[str, Shape] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                counts = family.type in ("counter", "histogram") or sample.name.endswith(("_count", "_sum"))
                kind = "counter" if counts else "gauge" if family.type == "gauge" else None
                before = shapes.get(sample.name, Shape(labels=frozenset()))
                labels = (before.labels or frozenset()) | {*sample.labels, "job", "instance"}
                shapes[sample.name] = Shape(type=kind, labels=labels)  # type: ignore[arg-type]
    except ValueError as error:
        raise MetricsError(str(error)) from None
    return shapes


def _check(rule: Rule, known: Known) -> Iterator[Problem]:
    if error := syntax_error(rule.expr):
        yield Problem(rule.place, f"not valid PromQL: {error}", "query_syntax")
        return
    query = Query(text=rule.expr, place=rule.place, is_alarming=rule.is_alert, known=known)
    for module in CHECKS:
        if check_query := getattr(module, "check_query", None):
            for one in check_query(query):
                name = module.__name__.rpartition(".")[2]
                yield Problem(one.place, one.message, name, one.severity, one.related)


def _lookup(rules: Sequence[Rule], exported: Mapping[str, Shape]) -> Lookup:
    """Return what knows the metrics; a recording rule has the shape of its expression."""
    recorded = {
        rule.name: rule.expr for rule in rules if not rule.is_alert and syntax_error(rule.expr) is None
    }
    known = dict(exported)

    def lookup(name: str) -> Shape:
        if name in recorded and name not in known:
            known[name] = Shape()  # a rule that reads itself ends here
            shape = infer(parse(recorded[name]), lookup)
            known[name] = Shape(type="gauge", labels=shape.labels, unit=shape.unit)
        shape = known.get(name, Shape())
        is_counter = shape.type is None and name not in recorded and name.endswith(_COUNTER_SUFFIXES)
        return replace(shape, type="counter") if is_counter else shape

    return lookup


def _rules(source: Source, problems: list[Problem]) -> Iterator[Rule]:
    """Yield the rules of a file; what is no rule is a problem at its place."""
    groups = source.data.get("groups") if isinstance(source.data, dict) else None
    if not isinstance(groups, list):
        problems.append(Problem(source.place(), "no rule file: it has no list `groups`", "lint/form"))
        return
    for g, group in enumerate(groups):
        rules = group.get("rules") if isinstance(group, dict) else None
        for r, rule in enumerate(rules if isinstance(rules, list) else []):
            place = source.place("groups", g, "rules", r)
            name = _name(rule)
            if name is None or not isinstance(rule.get("expr"), str | int):
                problems.append(Problem(place, "a rule needs alert or record, and expr", "lint/form"))
            else:
                where = source.place("groups", g, "rules", r, "expr")
                yield Rule(name, "alert" in rule, str(rule["expr"]), where)


def _name(rule: Any) -> str | None:
    if not isinstance(rule, dict):
        return None
    named = [rule[key] for key in _RULE_KEYS if isinstance(rule.get(key), str)]
    return named[0] if len(named) == 1 else None
