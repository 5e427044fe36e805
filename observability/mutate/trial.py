"""Mutants against tests, on all processors: short stories first, and no more stories for what is dead."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from config.spec.model import Alert, Project
from observability.mutate.copies import Suite, killed, minutes
from observability.mutate.mutants import Mutant, Rule, mutants_of, rules_of
from observability.verify.needed_rules import with_needed_rules

PEOPLE, DERIVED = "people", "derived"
_AT_ONCE = 40  # mutants in one run of promtool; fewer cost more starts, more cannot be shared by processors


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An alert with its rules, the mutants to try, and its tests by who made them."""

    alert: Alert
    rules: tuple[Rule, ...]
    mutants: tuple[Mutant, ...]
    suites: Mapping[str, Suite]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out for one alert: which of its mutants each suite killed, and what the runs took."""

    subject: Subject
    killed: Mapping[str, frozenset[int]]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def survivors(self, suite: str) -> list[Mutant]:
        """Return what no test of a suite killed and nobody excused."""
        return [
            mutant
            for number, mutant in enumerate(self.subject.mutants, 1)
            if number not in self.killed[suite] and mutant.excuse is None
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """Some mutants of one alert for one suite."""

    subject: Subject
    suite: str
    numbers: tuple[int, ...]

    @property
    def cost(self) -> float:
        return len(self.numbers) * sum(map(minutes, self.subject.suites[self.suite].tests))


def subjects(project: Project, files: Mapping[str, str]) -> Iterator[Subject]:
    """Yield every alert with all of its mutants, out of the rendered files."""
    needed = with_needed_rules(project, files)
    for alert in project.alerts.values():
        rules = rules_of(alert.name, needed)
        paths = {PEOPLE: f"tests/{alert.name}.yml", DERIVED: f"tests/edges/{alert.name}.yml"}
        suites = {name: Suite.read(files[path]) for name, path in paths.items() if path in files}
        mutants = tuple(mutants_of(project, alert, rules))
        yield Subject(alert=alert, rules=rules, mutants=mutants, suites=suites)


def tried(found: Sequence[Subject], tell: Callable[[str], None]) -> list[Result]:
    """Try every mutant against every suite of its alert, and tell how far it is."""
    tasks = sorted((task for one in found for task in _tasks(one)), key=lambda task: task.cost, reverse=True)
    dead: dict[tuple[str, str], set[int]] = {}
    spent: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory(prefix="tradewatch-mutate-") as folder:
        pool = ThreadPoolExecutor(os.cpu_count() or 1)
        try:
            waiting: dict[Future[tuple[set[int], float]], _Task] = {
                pool.submit(_killed, task, Path(folder) / str(place)): task
                for place, task in enumerate(tasks)
            }
            left = sum(len(task.numbers) for task in tasks)
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    task = waiting.pop(future)
                    numbers, seconds = future.result()
                    key = (task.subject.alert.name, task.suite)
                    dead.setdefault(key, set()).update(numbers)
                    spent[key] = spent.get(key, 0) + seconds
                    left -= len(task.numbers)
                    what = f"{task.subject.alert.name}, {task.suite}"
                    tell(f"{what}: {len(numbers)} of {len(task.numbers)} killed; {left} to go")
        finally:
            pool.shutdown(cancel_futures=True)
    return [_result(one, dead, spent) for one in found]


def _result(
    subject: Subject, dead: Mapping[tuple[str, str], set[int]], spent: Mapping[tuple[str, str], float]
) -> Result:
    name = subject.alert.name
    return Result(
        subject=subject,
        killed={suite: frozenset(dead.get((name, suite), ())) for suite in subject.suites},
        seconds={suite: spent.get((name, suite), 0) for suite in subject.suites},
    )


def _tasks(subject: Subject) -> Iterator[_Task]:
    numbers = range(1, len(subject.mutants) + 1)
    for suite in subject.suites:
        for first in range(0, len(numbers), _AT_ONCE):
            yield _Task(subject=subject, suite=suite, numbers=tuple(numbers[first : first + _AT_ONCE]))


def _killed(task: _Task, folder: Path) -> tuple[set[int], float]:
    began = time.monotonic()
    subject, suite = task.subject, task.subject.suites[task.suite]
    alive = {number: subject.mutants[number - 1] for number in task.numbers}
    found: set[int] = set()
    for tests in _rounds(suite):
        if not alive:
            break
        dead = killed(subject.alert.name, subject.rules, alive, suite, tests, folder)
        found |= dead
        alive = {number: mutant for number, mutant in alive.items() if number not in dead}
    return found, time.monotonic() - began


def _rounds(suite: Suite) -> Iterator[list[int]]:
    """Yield the tests in groups, of which each costs about twice the one before."""
    group: list[int] = []
    cost, most = 0.0, 0.0
    for number, test in enumerate(suite.tests):
        if group and cost + minutes(test) > most:
            yield group
            group, most, cost = [], 2 * cost, 0.0
        group.append(number)
        cost += minutes(test)
        most = max(most, cost)
    if group:
        yield group
