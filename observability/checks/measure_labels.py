"""A measure says in `by` exactly the labels that its query keeps.

Why: levels silence each other per `by`; with a label too few, trouble at one place hides it at another.
Fix: set `by` to the labels that the outermost aggregation keeps; aggregate away those that nobody needs.
"""

from collections.abc import Iterator

from config.spec.model import Measure, Project
from observability.checks.finding import Finding
from observability.checks.queries import Known, known_of
from observability.promql import parse, syntax_error


def check(project: Project) -> Iterator[Finding]:
    known = known_of(project)
    for measure in project.measures.values():
        if syntax_error(measure.query) is None:
            yield from _labels(known, measure)


def _labels(known: Known, measure: Measure) -> Iterator[Finding]:
    kept = known.shape(parse(measure.query)).labels
    if kept is None:
        yield Finding(measure.where("query"), "cannot tell which labels are left; aggregate the whole query")
    elif kept != set(measure.by):
        said = ", ".join(measure.by) or "none"
        seen = ", ".join(sorted(kept)) or "none"
        place = measure.where("by") if measure.by else measure.where()
        yield Finding(place, f"`by` says {said}, but the query keeps {seen}")
