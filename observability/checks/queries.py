"""Every query and alert with its place, and what is known of the metrics in it, for checks of PromQL."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

import promql_parser as promql

from config.spec.duration import Duration
from config.spec.model import Project
from config.spec.problem import Place, Severity
from observability.catalogue_metrics import catalogue_lookup
from observability.infer import Lookup, Shape, infer
from observability.names import recorded
from observability.promql import parse, syntax_error
from observability.render.rules import expression
from observability.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a check may ask beside the query: the shapes of metrics, and how often they are scraped."""

    lookup: Lookup
    scrape_interval: Duration
    is_guessed: bool = False  # by their names, because no catalogue tells
    told: frozenset[str] = frozenset()  # yet the types of these, because a saved /metrics text does

    _shapes: dict[promql.Expr, Shape] = field(init=False, default_factory=dict, compare=False, repr=False)

    def shape(self, node: promql.Expr) -> Shape:
        """Return the shape of a part of an expression; many checks ask for the same."""
        if (known := self._shapes.get(node)) is None:
            known = self._shapes[node] = infer(node, self.lookup)
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that parses. `is_alarming` if an alert stands on it."""

    text: str
    place: Place
    is_alarming: bool
    known: Known

    @property
    def tree(self) -> promql.Expr:
        return parse(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alerting rule and its condition; `severity` is that of a mistake in what a person decides."""

    rule: Rule
    query: Query
    evaluated_every: Duration
    severity: Severity = "error"
    measured: promql.Expr | None = None

    @property
    def read(self) -> promql.Expr:
        """What reads the metrics: the condition itself, or the query that it was recorded by."""
        return self.query.tree if self.measured is None else self.measured


def all_queries(project: Project) -> Iterator[tuple[str, Place]]:
    """Yield the text of each query of measures and panels, valid or not."""
    for measure in project.measures.values():
        yield measure.query, measure.where("query")
    for board in project.dashboards.values():
        for panel in board.panels:
            yield from ((query.expr, query.where("expr")) for query in panel.queries)


def readable_queries(project: Project) -> tuple[Query, ...]:
    """Return the queries that parse; query_syntax reports the others."""
    return _worked_out(project).queries


def alarms(project: Project) -> tuple[Alarm, ...]:
    """Return each level of each alert whose condition can be told; other checks report the rest."""
    return _worked_out(project).alarms


def known_of(project: Project) -> Known:
    """Return what a bundle knows of its metrics."""
    return _worked_out(project).known


@dataclass(frozen=True, slots=True, kw_only=True)
class _WorkedOut:
    """What nearly every check asks of a project."""

    known: Known
    queries: tuple[Query, ...]
    alarms: tuple[Alarm, ...]


@lru_cache(1)
def _worked_out(project: Project) -> _WorkedOut:
    known = _known(project)
    return _WorkedOut(
        known=known, queries=tuple(_queries(project, known)), alarms=tuple(_alarms(project, known))
    )


def _queries(project: Project, known: Known) -> Iterator[Query]:
    alarming = {alert.measure for alert in project.alerts.values()}
    places = {project.measures[name].where("query") for name in alarming if name in project.measures}
    for text, place in all_queries(project):
        if syntax_error(text) is None:
            yield Query(text=text, place=place, is_alarming=place in places, known=known)


def _alarms(project: Project, known: Known) -> Iterator[Alarm]:
    for alert in project.alerts.values():
        for severity, level in alert.levels.items():
            try:
                text = expression(project, alert, level)
                measured = parse(project.measures[alert.measure].query)
                query = Query(text=text, place=level.where(), is_alarming=True, known=known)
                parse(text)
            except (KeyError, ValueError):
                continue
            rule = Rule(
                name=alert.name,
                is_alert=True,
                expr=text,
                place=level.where(),
                for_=level.for_,
                labels={"severity": severity},
                annotations={"summary": alert.summary, "description": alert.description},
                places={"for": level.where("for")},
            )
            every = project.scrape.evaluation_interval
            yield Alarm(rule=rule, query=query, evaluated_every=every, measured=measured)


def _known(project: Project) -> Known:
    targets: dict[str, set[str]] = {}
    for job in project.scrape.jobs:
        # Each environment has a Prometheus of its own; the one with the most tells how many there can be.
        every = (set(one.targets.get(job, ())) for one in project.environments.values())
        targets[job] = max(every, key=len, default=set())
    exported = catalogue_lookup(project.catalogue.metrics, targets)
    return Known(lookup=_with_measures(project, exported), scrape_interval=project.scrape.scrape_interval)


def _with_measures(project: Project, exported: Lookup) -> Lookup:
    """Return what knows the measures too: labels and unit as the specs say, the rest by their queries."""
    measures = {recorded(project, one.name): one for one in project.measures.values()}
    known: dict[str, Shape] = {}

    def lookup(name: str) -> Shape:
        if name in measures and name not in known:
            one = measures[name]
            # A measure that reads itself ends here.
            known[name] = said = Shape(type="gauge", labels=frozenset(one.by), unit=one.unit)
            if syntax_error(one.query) is None:
                found = infer(parse(one.query), lookup)
                known[name] = replace(said, series=found.series, values=found.values)
        return known[name] if name in known else exported(name)

    return lookup
