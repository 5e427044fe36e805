"""The command `tradewatch mutate`."""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from config.spec.names import did_you_mean
from observability.commands import (
    CLEAN,
    PROBLEMS,
    UsageError,
    not_left_out,
    number,
    report,
    request_of,
    sentence,
)
from observability.compile import compile_bundle
from observability.mutate import report as mutate_report
from observability.mutate.copies import BrokenTestsError
from observability.mutate.trial import Subject, subjects, tried
from observability.verify.tool import find

_ANY_SEED = 1_000_000


def mutate(options: argparse.Namespace) -> int:
    """Score the tests of all alerts, or of those that are named; fail where a mutant survives."""
    if options.seed is not None and options.count is None:
        raise UsageError("--seed says which mutants are drawn, so it needs --count")
    find("promtool")
    outcome = not_left_out(options, compile_bundle(request_of(options)))
    if outcome.project is None or outcome.failed:
        return report(outcome.problems, outcome.sources)
    for name in options.alert:
        if name not in outcome.project.alerts:
            raise UsageError(f"no alert named {name!r}{did_you_mean(name, outcome.project.alerts)}")
    began = time.monotonic()
    every = list(subjects(outcome.project, outcome.files))
    chosen = [one for one in every if not options.alert or one.alert.name in options.alert]
    drawn = _drawn(chosen, options.count, options.seed)
    try:
        results = tried(drawn, _teller())
    except BrokenTestsError as error:
        print(f"tradewatch: {error}", file=sys.stderr)
        return PROBLEMS
    print("\n".join(mutate_report.as_text(results, time.monotonic() - began)))
    if options.json is not None:
        text = json.dumps(mutate_report.as_objects(results), indent=2) + "\n"
        try:
            options.json.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"--json: {sentence(error)}") from None
    problems = mutate_report.problems(outcome.project, every, results)
    code = report(problems, outcome.sources)
    return code if code != CLEAN or mutate_report.is_perfect(results) else PROBLEMS


def _drawn(found: Sequence[Subject], count: int | None, seed: int | None) -> list[Subject]:
    """Return the alerts with as many of their mutants as are asked for, and say what is left out."""
    total = sum(len(one.mutants) for one in found)
    if count is None or count >= total:
        return list(found)
    used = random.randrange(_ANY_SEED) if seed is None else seed
    places = [(one.alert.name, place) for one in found for place in range(len(one.mutants))]
    chosen = set(random.Random(used).sample(places, count))
    drawn = [
        replace(
            one,
            mutants=tuple(m for place, m in enumerate(one.mutants) if (one.alert.name, place) in chosen),
        )
        for one in found
    ]
    print(
        f"left out: {number(total - count, 'mutant')} of {total}; --seed {used} draws the same",
        file=sys.stderr,
    )
    return [one for one in drawn if one.mutants]


def _teller() -> Callable[[str], None]:
    return lambda text: print(text, file=sys.stderr, flush=True)
