"""Problems as people read them: place, sentence, source line, caret."""

from collections.abc import Iterable, Iterator, Mapping

from config.spec.problem import Place, Problem
from config.spec.source import Source


def as_text(problems: Iterable[Problem], sources: Mapping[str, Source]) -> str:
    """Return the problems in the order of their places, each with its source line."""
    ordered = sorted(problems, key=lambda problem: (problem.place, problem.message))
    return "".join(f"{line}\n" for problem in ordered for line in _lines(problem, sources))


def _lines(problem: Problem, sources: Mapping[str, Source]) -> Iterator[str]:
    warning = "warning: " if problem.severity == "warning" else ""
    yield f"{problem.place}: {warning}{problem.message} [{problem.check}]"
    yield from _caret(problem.place, sources)
    for related in problem.related:
        yield f"    {related.place}: {related.message}"


def _caret(place: Place, sources: Mapping[str, Source]) -> Iterator[str]:
    source = sources.get(place.path)
    lines = source.text.splitlines() if source else []
    if 1 <= place.line <= len(lines):
        line = lines[place.line - 1]
        # Tabs stay tabs, so that the caret stands below its column.
        indent = "".join("\t" if char == "\t" else " " for char in line[: place.column - 1])
        yield f"    {line}"
        yield f"    {indent}^"
