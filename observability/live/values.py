"""Asks every query, and judges the answer: an error, nothing, NaN, or a label that is not there."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from config.spec.problem import Problem
from observability.live.prometheus import Prometheus, QueryError, Series
from observability.live.questions import Question

_SHOWN = 3  # series that are named in one problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a question, and what is wrong with it."""

    question: Question
    series: int
    problems: tuple[Problem, ...]

    @property
    def is_excused(self) -> bool:
        return not self.series and not self.problems

    @property
    def is_needlessly_excused(self) -> bool:
        return bool(self.series) and self.question.may_be_empty is not None


def answers(prometheus: Prometheus, asked: Iterable[Question]) -> Iterator[Answer]:
    """Yield the answer to each question; a query that several ask is sent once."""

    @lru_cache(None)
    def found(query: str) -> Sequence[Series] | QueryError:
        try:
            return prometheus.query(query)
        except QueryError as error:
            return error

    for question in asked:
        series = found(question.query)
        if isinstance(series, QueryError):
            yield Answer(
                question=question, series=0, problems=(_problem(question, str(series), "live/query"),)
            )
            continue
        problems = list(_problems(question, series))
        if question.may_be_empty is None and series:
            hidden = [part for part in question.parts if not found(part)]
            problems += [
                _problem(question, f"finds nothing by {part}, which the rest of it hides", "live/empty")
                for part in hidden
            ]
        yield Answer(question=question, series=len(series), problems=tuple(problems))


def _problems(question: Question, found: Sequence[Series]) -> Iterator[Problem]:
    if not found and question.may_be_empty is None:
        yield _problem(
            question, "has no value; if that can be although all is well, say `may_be_empty`", "live/empty"
        )
    if wrong := [one for one in found if not math.isfinite(one.value)]:
        yield _problem(question, f"is {_values(wrong)}{_of(wrong)}", "live/nan")
    for group in question.labels:
        for label in group:
            if found and not any(one.labels.get(label) for one in found):
                yield _problem(question, f"has no label {label!r}", "live/legend")
        lacking = [one for one in found if not any(one.labels.get(label) for label in group)]
        if lacking and len(lacking) < len(found):
            text = f"has no label {' or '.join(map(repr, group))}{_of(lacking)}"
            yield _problem(question, text, "live/legend")


def _problem(question: Question, text: str, name: str) -> Problem:
    return Problem(question.place, f"{question.of}: {text}", name)


def _values(found: Sequence[Series]) -> str:
    return " and ".join(sorted({str(one.value).replace("nan", "NaN").replace("inf", "Inf") for one in found}))


def _of(found: Sequence[Series]) -> str:
    """Name some of the series, if they have names."""
    named = [", ".join(f'{key}="{value}"' for key, value in one.labels.items()) for one in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f" in {'; '.join(f'{{{name}}}' for name in named)}{more}" if any(named) else ""
