"""Plain Prometheus rule files, which know no spec: the checks of expressions, alerts and groups on them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

from prometheus_client.parser import text_string_to_metric_families

from config.spec.duration import Duration
from config.spec.model import Unit
from config.spec.problem import Problem
from config.spec.source import Source, read
from observability.checks import CHECKS
from observability.checks.finding import Finding
from observability.checks.queries import Alarm, Known, Query
from observability.infer import TARGET_LABELS, Lookup, Shape, infer
from observability.promql import parse, syntax_error
from observability.rule_files import groups_of
from observability.rules import Group, Rule

# By the naming rules of Prometheus these are counters, whoever exports them.
_COUNTER_SUFFIXES = ("_total", "_bucket")
# And this is what the end of a name says of the unit; the first that fits.
_UNIT_SUFFIXES: tuple[tuple[str, Unit], ...] = (
    ("_seconds_total", "seconds"),
    ("_bytes_total", "bytes"),
    ("_seconds_sum", "seconds"),
    ("_bytes_sum", "bytes"),
    ("_total", "count"),
    ("_count", "count"),
    ("_bucket", "count"),
    ("_seconds", "seconds"),
    ("_bytes", "bytes"),
    ("_ratio", "ratio"),
)


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
        linted.problems += problems
        if source.data is not None:
            linted.groups += groups_of(source, linted.problems)
    lookup = _lookup(linted.rules, exported)
    known = Known(lookup=lookup, scrape_interval=scrape_interval, is_guessed=not exported)
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
        for family in text_string_to_metric_families(text):
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


def _lookup(rules: Sequence[Rule], exported: Mapping[str, Shape]) -> Lookup:
    """Return what knows the metrics; a recording rule has the shape of its expression."""
    recorded: dict[str, list[Rule]] = {}
    for rule in rules:
        if not rule.is_alert and syntax_error(rule.expr) is None:
            recorded.setdefault(rule.name, []).append(rule)
    known = dict(exported)

    def lookup(name: str) -> Shape:
        if name in recorded and name not in known:
            known[name] = Shape()  # a rule that reads itself ends here
            known[name] = _agreed([_recorded(rule, lookup) for rule in recorded[name]])
        shape = known.get(name, Shape())
        if name in recorded:
            return shape
        is_counter = shape.type is None and name.endswith(_COUNTER_SUFFIXES)
        unit = next((unit for suffix, unit in _UNIT_SUFFIXES if name.endswith(suffix)), None)
        return replace(shape, type="counter" if is_counter else shape.type, unit=shape.unit or unit)

    return lookup


def _recorded(rule: Rule, lookup: Lookup) -> Shape:
    shape = infer(parse(rule.expr), lookup)
    labels = None if shape.labels is None else shape.labels | set(rule.labels)
    return Shape(type="gauge", labels=labels, unit=shape.unit)


def _agreed(shapes: Sequence[Shape]) -> Shape:
    """Return what is known of a name that several rules record: what all of them say."""
    labels, units = {shape.labels for shape in shapes}, {shape.unit for shape in shapes}
    return Shape(
        type="gauge",
        labels=shapes[0].labels if len(labels) == 1 else None,
        unit=shapes[0].unit if len(units) == 1 else None,
    )
