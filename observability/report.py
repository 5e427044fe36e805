"""Problems as people read them: place, sentence, source line, caret."""

import re
from collections.abc import Iterable, Iterator, Mapping

from config.spec.problem import Place, Problem
from config.spec.source import Source

# Where YAML ends a line, which is less often than `splitlines` does.
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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
    lines = _LINE_END.split(source.text) if source and source.text else []
    if 1 <= place.line <= len(lines) and lines[place.line - 1]:
        # A control character would speak to the terminal instead of the reader.
        line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", lines[place.line - 1])
        # Tabs stay tabs, so that the caret stands below its column.
        indent = "".join("\t" if char == "\t" else " " for char in line[: place.column - 1])
        yield f"    {line}"
        yield f"    {indent}^"
