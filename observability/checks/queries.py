"""Every query of a project with its place, for the checks that read PromQL."""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.problem import Place
from observability.promql import syntax_error


def all_queries(project: Project) -> Iterator[tuple[str, Place]]:
    """Yield each query of measures and panels."""
    for measure in project.measures.values():
        yield measure.query, measure.where("query")
    for board in project.dashboards.values():
        for panel in board.panels:
            yield from ((query.expr, query.where("expr")) for query in panel.queries)


def readable_queries(project: Project) -> Iterator[tuple[str, Place]]:
    """Yield the queries that parse; query_syntax reports the others."""
    return ((query, place) for query, place in all_queries(project) if syntax_error(query) is None)
