"""`tradewatch check-live`: does all that the specs speak of live in a running Prometheus?"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from config.spec.problem import Problem
from observability.commands import CLEAN, PROBLEMS, UsageError, report, request_of
from observability.compile import compile_bundle
from observability.formats import as_object
from observability.live.exported import metric_problems
from observability.live.loaded import rule_problems, target_problems
from observability.live.prometheus import Prometheus
from observability.live.questions import questions
from observability.live.values import Answer, answers
from observability.report import ordered
from observability.scale import scaled
from observability.service import UnreachableError


def check_live(options: argparse.Namespace) -> int:
    """Ask a running Prometheus everything that the specs stand on; fail where it has no good answer."""
    outcome = compile_bundle(request_of(options), tests=False)
    if outcome.project is None or outcome.failed:
        raise UsageError(f"{options.config} has problems; see `tradewatch check`")
    factor = options.time_scale
    project = outcome.project if factor == 1 else scaled(outcome.project, factor)
    prometheus = Prometheus(options.prometheus)
    try:
        problems = [
            *target_problems(project, prometheus.targets()),
            *rule_problems(project, outcome.files, prometheus.rule_groups()),
            *metric_problems(project, prometheus),
        ]
        answered = list(answers(prometheus, questions(project)))
    except UnreachableError as error:
        raise UsageError(str(error)) from None
    problems = list(dict.fromkeys([*problems, *(one for answer in answered for one in answer.problems)]))
    if options.format == "json":
        print(json.dumps(_as_object(answered, problems), indent=2, ensure_ascii=False))
        return PROBLEMS if problems else CLEAN
    print("\n".join(_as_table(answered)), flush=True)
    return report(problems, outcome.sources)


def _as_table(answered: Sequence[Answer]) -> Iterator[str]:
    """Yield what is empty by its reason, which reasons were not needed now, and the counts."""
    excused = [answer for answer in answered if answer.is_excused]
    yield from _by_reason("empty, because", excused)
    yield from _by_reason("has a value, although", (one for one in answered if one.is_needlessly_excused))
    with_values = sum(1 for answer in answered if answer.series)
    asked = f"{len(answered)} queries asked" if len(answered) != 1 else "1 query asked"
    broken = len(answered) - with_values - len(excused)
    yield f"{asked}: {with_values} with values, {len(excused)} empty for a reason, {broken} without an answer"


def _by_reason(what: str, answered: Iterable[Answer]) -> Iterator[str]:
    names: dict[str | None, dict[str, None]] = {}
    for answer in answered:
        names.setdefault(answer.question.may_be_empty, {})[answer.question.of] = None
    for reason, of in names.items():
        yield f"{what} {reason}:"
        yield from (f"  {name}" for name in of)


def _as_object(answered: Sequence[Answer], problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "queries": [
            {
                "of": answer.question.of,
                "query": answer.question.query,
                "series": answer.series,
                "may_be_empty": answer.question.may_be_empty,
            }
            for answer in answered
        ],
        "problems": [as_object(problem) for problem in ordered(problems)],
    }
