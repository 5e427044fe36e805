"""What came out of mutants as a table for people, as data for machines, as problems of what was excused."""

from collections.abc import Iterator, Sequence
from typing import Any

from config.spec.model import Alert, Measure, Project
from config.spec.problem import Problem
from observability.mutate.trial import DERIVED, PEOPLE, Result, Subject

_HEADINGS = ("alert", "mutants", "excused", "killed by people's", "killed by derived")
_NONE = "no tests"


def as_text(results: Sequence[Result], seconds: float) -> Iterator[str]:
    """Yield the table, the survivors with what would kill them, and the scores."""
    rows = [_HEADINGS, *(_row(result) for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()
    for suite, whose in ((PEOPLE, "people's"), (DERIVED, "derived")):
        yield from _survivors(results, suite, whose)
    for suite, whose in ((PEOPLE, "people's"), (DERIVED, "derived")):
        yield _total(results, suite, whose)
    yield f"took {seconds:.0f} s"


def as_objects(results: Sequence[Result]) -> dict[str, Any]:
    """Return all of it as data."""
    return {
        "scores": {suite: _score(results, suite) for suite in (PEOPLE, DERIVED)},
        "alerts": [_object(result) for result in results],
    }


def problems(project: Project, every: Sequence[Subject], results: Sequence[Result]) -> list[Problem]:
    """Return what is wrong with what people excused: there is no such mutant, or a test kills it."""
    owners: list[Alert | Measure] = [*project.measures.values(), *project.alerts.values()]
    named = {(mutant.of.name, mutant.says) for one in every for mutant in one.mutants}
    found = [
        Problem(excuse.where("mutant"), f"{of.name} has no mutant {excuse.mutant!r}", "mutate/unknown")
        for of in owners
        for excuse in of.equivalent
        if (of.name, excuse.mutant) not in named
    ]
    for result in results:
        for number, mutant in enumerate(result.subject.mutants, 1):
            killers = [suite for suite, killed in result.killed.items() if number in killed]
            if mutant.excuse is not None and killers:
                text = f"{mutant.says!r} is no equivalent: a test of {result.subject.alert.name} kills it"
                found.append(Problem(mutant.excuse.where("mutant"), text, "mutate/killed"))
    return found


def is_perfect(results: Sequence[Result]) -> bool:
    """Whether no mutant survives any tests, and every alert has tests of both kinds."""
    return all(
        suite in result.killed and not result.survivors(suite)
        for result in results
        for suite in (PEOPLE, DERIVED)
    )


def _excused(result: Result) -> int:
    return sum(mutant.excuse is not None for mutant in result.subject.mutants)


def _row(result: Result) -> tuple[str, ...]:
    counts = (len(result.subject.mutants), _excused(result))
    scores = (
        str(len(result.killed[suite])) if suite in result.killed else _NONE for suite in (PEOPLE, DERIVED)
    )
    return (result.subject.alert.name, *map(str, counts), *scores)


def _survivors(results: Sequence[Result], suite: str, whose: str) -> Iterator[str]:
    found = [
        (result.subject.alert.name, mutant)
        for result in results
        if suite in result.killed
        for mutant in result.survivors(suite)
    ]
    if found:
        yield f"\nsurvivors of {whose} tests:"
    for alert, mutant in found:
        of = "" if mutant.of.name == alert else f", measure {mutant.of.name}"
        yield f"{mutant.place}: {alert}{of}: {mutant.kind}"
        yield f"    {mutant.says}"
        yield f"    would be killed by {mutant.wanted}"
    without = [result.subject.alert.name for result in results if suite not in result.killed]
    if without:
        yield f"\nwithout {whose} tests: {', '.join(without)}"


def _score(results: Sequence[Result], suite: str) -> dict[str, Any]:
    tested = [result for result in results if suite in result.killed]
    mutants = sum(len(result.subject.mutants) - _excused(result) for result in tested)
    survivors = sum(len(result.survivors(suite)) for result in tested)
    return {
        "alerts": len(tested),
        "alerts_without_tests": len(results) - len(tested),
        "mutants": mutants,
        "excused": sum(map(_excused, tested)),
        "killed": mutants - survivors,
        "ratio": (mutants - survivors) / mutants if mutants else None,
        "seconds_of_runs": round(sum(result.seconds[suite] for result in tested), 1),
    }


def _total(results: Sequence[Result], suite: str, whose: str) -> str:
    score = _score(results, suite)
    if score["ratio"] is None:
        return f"{whose} tests: none"
    # Rounded down, so that 100 is all of them.
    percent = int(score["ratio"] * 1000) / 10
    return f"{whose} tests: {score['killed']} of {score['mutants']} mutants killed, {percent:g} %"


def _object(result: Result) -> dict[str, Any]:
    return {
        "alert": result.subject.alert.name,
        "tests": sorted(result.killed),
        "mutants": [
            {
                "kind": mutant.kind,
                "of": mutant.of.name,
                "place": str(mutant.place),
                "says": mutant.says,
                "wanted": mutant.wanted,
                "excuse": mutant.excuse.why if mutant.excuse else None,
                "killed_by": [suite for suite, killed in sorted(result.killed.items()) if number in killed],
            }
            for number, mutant in enumerate(result.subject.mutants, 1)
        ],
    }
