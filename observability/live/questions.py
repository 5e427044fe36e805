"""Every query that must have a value in a running Prometheus, and why one may be empty all the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from config.spec.model import Alert, Panel, Project
from config.spec.problem import Place
from observability.infer import exported_names
from observability.names import recorded
from observability.promql import metric_names, selectors, shown
from observability.render import firing
from observability.render.rules import joined_on

_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})  # there are none when all is well
_LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query that something stands on, `of`; of each group in `labels` every series must have one.

    `parts` are the selectors that must find something, also where an `or` would hide that one does not.
    """

    of: str
    query: str
    place: Place
    labels: tuple[tuple[str, ...], ...] = ()
    may_be_empty: str | None = None
    parts: tuple[str, ...] = ()


def questions(project: Project) -> Iterator[Question]:
    """Yield what measures, alerts and panels ask; the project is as fast as Prometheus runs."""
    reasons = _Reasons(project)
    for measure in project.measures.values():
        yield Question(
            of=f"measure {measure.name}",
            query=measure.query,
            place=measure.where("query"),
            labels=_each(measure.by),
            may_be_empty=reasons.of_measure(measure.name),
            parts=reasons.parts(measure.query),
        )
    for alert in project.alerts.values():
        yield from _of_alert(project, alert, reasons)
    for path, (_, panel) in project.panels.items():
        yield from _of_panel(project, path, panel, reasons)


def _of_alert(project: Project, alert: Alert, reasons: "_Reasons") -> Iterator[Question]:
    """Yield the measure as its rule reads it, and each condition: do they share the labels that join them?"""
    name = recorded(project, alert.measure)
    yield Question(
        of=f"alert {alert.name}",
        query=name,
        place=alert.where("measure"),
        labels=_each(project.measures[alert.measure].by),
        may_be_empty=reasons.of_measure(alert.measure),
    )
    for condition in alert.conditions:
        on = joined_on(project, project.measures[alert.measure].by, condition)
        yield Question(
            of=f"condition of {alert.name}",
            query=f"{name} and {on} {recorded(project, condition.measure)}",
            place=condition.where("measure"),
            may_be_empty=reasons.of_measure(alert.measure) or reasons.of_measure(condition.measure),
        )


def _of_panel(project: Project, path: str, panel: Panel, reasons: "_Reasons") -> Iterator[Question]:
    if panel.kind == "alerts":
        yield Question(
            of=f"panel {path}",
            query=firing.query(project),
            place=panel.where("kind"),
            labels=_each(tuple(name for name in firing.COLUMNS if name != firing.LASTING)),
            may_be_empty="no alert fires",
        )
    for name in panel.measures:
        yield Question(
            of=f"panel {path}",
            query=recorded(project, name),
            place=panel.where("measures"),
            labels=_each(project.measures[name].by),
            may_be_empty=reasons.of_measure(name),
        )
    for query in panel.queries:
        drawn = tuple(_LEGEND_LABEL.findall(query.legend))
        yield Question(
            of=f"panel {path}",
            query=query.expr,
            place=query.where("expr"),
            labels=(drawn,) if drawn else (),  # one that is blank leaves the others
            may_be_empty=reasons.of_query(query.expr, query.may_be_empty),
            parts=reasons.parts(query.expr),
        )


def _each(labels: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple((label,) for label in labels)


class _Reasons:
    """Why something may have no value: it reads what nothing exports yet, or a person says so."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._measures = {recorded(project, name): name for name in project.measures}
        self._planned = {
            name: metric.name
            for metric in project.catalogue.metrics.values()
            if metric.planned
            for name in exported_names(metric)
        }

    def of_measure(self, name: str) -> str | None:
        measure = self._project.measures[name]
        return self.of_query(measure.query, measure.may_be_empty)

    def of_query(self, text: str, said: str | None) -> str | None:
        """Return the reason; `said` is what a person says of this query itself."""
        read = list(self._read(text))
        unexported = [self._planned[name] for name in read if name in self._planned]
        if unexported:
            return f"nothing exports {unexported[0]} yet"
        reasons = (
            self._project.measures[self._measures[name]].may_be_empty
            for name in read
            if name in self._measures
        )
        return said or next((reason for reason in reasons if reason), None)

    def parts(self, text: str) -> tuple[str, ...]:
        """Return the selectors of what exporters export now; measures are asked by themselves."""
        return tuple(
            shown(selector)
            for name, selector in selectors(text)
            if not (name in self._measures or name in self._planned or name in _ALERTS or selector.offset)
        )

    def _read(self, text: str) -> Iterator[str]:
        """Yield what a query reads, and what the measures read that it reads."""
        for name in metric_names(text):
            yield name
            if name in self._measures:
                yield from self._read(self._project.measures[self._measures[name]].query)
