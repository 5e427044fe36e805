"""Problems as people read them: place, sentence, source line, caret; never with a secret in it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from config.spec.problem import Place, Problem
from config.spec.source import Source
from config.spec.syntax import LINE_END
from observability.secret import masked

# Also what turns the rest of the line round.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def as_text(problems: Iterable[Problem], sources: Mapping[str, Source]) -> str:
    """Return the problems in the order of their places, each with its source line."""
    found = ordered(problems)
    told = {path for problem in found for path in [problem.place.path] if path in sources}
    texts = {path: LINE_END.split(masked(sources[path].text)) for path in told}
    return "".join(f"{line}\n" for problem in found for line in _lines(problem, texts))


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems in the order of their places, without any secret that one of them quotes."""
    found = sorted(problems, key=lambda problem: (problem.place, problem.message))
    return [
        replace(
            problem,
            message=masked(problem.message),
            related=tuple(replace(one, message=masked(one.message)) for one in problem.related),
        )
        for problem in found
    ]


def _lines(problem: Problem, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    warning = "warning: " if problem.severity == "warning" else ""
    yield _harmless(f"{problem.place}: {warning}{problem.message} [{problem.check}]")
    yield from _caret(problem.place, texts.get(problem.place.path, ()))
    for related in problem.related:
        yield _harmless(f"    {related.place}: {related.message}")


def _caret(place: Place, lines: Sequence[str]) -> Iterator[str]:
    if 1 <= place.line <= len(lines) and lines[place.line - 1]:
        line = _harmless(lines[place.line - 1])
        # Tabs stay tabs, so that the caret stands below its column.
        indent = "".join("\t" if char == "\t" else " " for char in line[: place.column - 1])
        yield f"    {line}"
        yield f"    {indent}^"


def _harmless(text: str) -> str:
    """Return the text without what would speak to the terminal instead of the reader."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
