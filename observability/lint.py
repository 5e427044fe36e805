"""Plain Prometheus rule files, which know no spec: the checks of expressions, alerts and groups on them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from config.spec.duration import Duration
from config.spec.problem import Problem
from config.spec.source import Source, read
from observability.checks import CHECKS
from observability.checks.finding import Finding
from observability.checks.queries import Alarm, Known, Query
from observability.exposition import families
from observability.infer import TARGET_LABELS, Shape
from observability.plain_metrics import lookup_of
from observability.promql import syntax_error
from observability.rule_files import groups_of
from observability.rules import Group, Rule


class MetricsError(Exception):
    """The saved /metrics text cannot be read."""


@dataclass(slots=True)
class Linted:
    """What was found in rule files, and the texts to show it in."""

    problems: list[Problem] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def rules(self) -> list[Rule]:
        return [rule for group in self.groups for rule in group.rules]


def lint(files: Sequence[Path], scrape_interval: Duration, exported: Mapping[str, Shape]) -> Linted:
    """Check every expression of these files; `exported` are shapes of metrics, where they are known."""
    linted = Linted()
    for file in files:
        source, problems = read(file, str(file))
        linted.sources[source.path] = source
        # `null` is a file without rules; nothing at all is what a broken pipe leaves.
        is_null = bool(source.text.strip())
        linted.problems += [one for one in problems if not (is_null and one.check == "yaml/empty")]
        if source.data is not None:
            linted.groups += groups_of(source, linted.problems)
    lookup = lookup_of(linted.rules, exported)
    known = Known(lookup=lookup, scrape_interval=scrape_interval, is_guessed=True, told=frozenset(exported))
    for group in linted.groups:
        for rule in group.rules:
            linted.problems += _check(rule, known, group.interval or scrape_interval)
    for module in CHECKS:
        if check_groups := getattr(module, "check_groups", None):
            linted.problems += _named(module, check_groups(linted.groups))
    linted.problems = list(dict.fromkeys(linted.problems))
    return linted


def exported_by(text: str) -> dict[str, Shape]:
    """Return the shapes of the metrics in a saved /metrics text, as Prometheus scrapes it."""
    shapes: dict[str, Shape] = {}
    try:
        for family in families(text):
            for sample in family.samples:
                counts = family.type in ("counter", "histogram") or sample.name.endswith(("_count", "_sum"))
                kind = "counter" if counts else "gauge" if family.type == "gauge" else None
                before = shapes.get(sample.name, Shape(labels=frozenset()))
                labels = (before.labels or frozenset()) | {*sample.labels} | TARGET_LABELS
                shapes[sample.name] = Shape(type=kind, labels=labels)  # type: ignore[arg-type]
    except ValueError as error:
        raise MetricsError(str(error)) from None
    return shapes


def _check(rule: Rule, known: Known, evaluated_every: Duration) -> Iterator[Problem]:
    if error := syntax_error(rule.expr):
        yield Problem(rule.where("expr"), f"not valid PromQL: {error}", "query_syntax")
        return
    query = Query(text=rule.expr, place=rule.where("expr"), is_alarming=rule.is_alert, known=known)
    alarm = Alarm(rule=rule, query=query, evaluated_every=evaluated_every, severity="warning")
    for module in CHECKS:
        if check_query := getattr(module, "check_query", None):
            yield from _named(module, check_query(query))
        if rule.is_alert and (check_alarm := getattr(module, "check_alarm", None)):
            yield from _named(module, check_alarm(alarm))


def _named(module: ModuleType, findings: Iterable[Finding]) -> Iterator[Problem]:
    name = module.__name__.rpartition(".")[2]
    for one in findings:
        yield Problem(one.place, one.message, name, one.severity, one.related)
