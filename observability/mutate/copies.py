"""Many mutants in one run of promtool: a copy of the alert for each, and of every expectation.

What promtool costs is its start, the series of a story and its minutes, and these are the same for all
mutants of an alert. Each copy has a name of its own, and reads the copies of what it changed.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from config.spec.duration import Duration
from observability.mutate.expressions import renamed
from observability.mutate.mutants import Mutant, Rule
from observability.promql import metric_names
from observability.verify.tool import run

# The first line of what promtool says of a failure, with the mark of the copy that it is about.
_FAILED = re.compile(r"(?m)^ {4}(?:expr|alertname|rule): .*?:m(\d+):")
_REFUSED = re.compile(r":m(\d+):")
_OPEN = ":m0:"  # the mark in texts that are kept for all copies


class BrokenTestsError(Exception):
    """The tests fail although nothing is changed, or cannot be run at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests of one alert out of one file; `settings` is the rest of the file."""

    settings: Mapping[str, Any]
    tests: tuple[Mapping[str, Any], ...]
    _copied: dict[tuple[int, frozenset[str]], str] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def read(cls, text: str) -> "Suite":
        """Read a test file of promtool; the shortest stories come first, for they kill at the least cost."""
        data: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
        tests = sorted(data.pop("tests", None) or [], key=minutes)
        return cls(settings=data, tests=tuple(tests))

    def copied(self, number: int, alert: str, changed: frozenset[str]) -> str:
        """Return the expectations of a test as JSON, about a copy that is marked with _OPEN."""
        key = (number, changed)
        if key not in self._copied:
            names = {name: name + _OPEN for name in changed}
            self._copied[key] = json.dumps(_expectations(self.tests[number], alert, names))
        return self._copied[key]


def minutes(test: Mapping[str, Any]) -> float:
    """Return how long the story of a test is, which is what running it costs."""
    asked = [*(test.get("promql_expr_test") or ()), *(test.get("alert_rule_test") or ())]
    return max((Duration.parse(str(one["eval_time"])).seconds / 60 for one in asked), default=0)


def killed(
    alert: str,
    rules: Sequence[Rule],
    mutants: Mapping[int, Mutant],
    suite: Suite,
    numbers: Sequence[int],
    at: Path,
) -> set[int]:
    """Return which mutants some of these tests of the suite kill, in a folder that is there for this alone.

    `rules` themselves run beside them, as number 0: what fails for them is no test.
    """
    at.mkdir(parents=True, exist_ok=True)
    found: set[int] = set()
    alive = dict(mutants)
    while True:
        failed, stopped = _run(alert, rules, alive, suite, numbers, at)
        if 0 in failed:
            raise BrokenTestsError(
                f"{alert}: a test fails although nothing is changed; see `tradewatch check`"
            )
        found |= failed
        alive = {number: mutant for number, mutant in alive.items() if number not in failed}
        # Where a rule cannot be evaluated promtool leaves the story, and so has not judged the others.
        if not stopped or not alive:
            return found


def _run(
    alert: str,
    rules: Sequence[Rule],
    mutants: Mapping[int, Mutant],
    suite: Suite,
    numbers: Sequence[int],
    at: Path,
) -> tuple[set[int], bool]:
    changed = {number: _changed(rules, mutant) for number, mutant in mutants.items()}
    (at / "rules.yml").write_text(_rule_file(alert, rules, mutants, changed), "utf-8")
    (at / "tests.yml").write_text(_test_file(alert, changed, suite, numbers), "utf-8")
    report = at / "report.xml"
    report.unlink(missing_ok=True)
    good, said = run("promtool", "test", "rules", f"--junit={report.name}", "tests.yml", cwd=at)
    if good:
        return set(), False
    try:
        texts = [one.text or "" for one in ElementTree.parse(report).getroot().iter("failure")]
    except (OSError, ElementTree.ParseError):
        texts = []
    failed = {int(mark) for text in texts for mark in _FAILED.findall(text)}
    if failed:
        return failed, any(text.lstrip().startswith("rule: ") for text in texts)
    if refused := {int(mark) for mark in _REFUSED.findall(said)} - {0}:
        return refused, True
    raise BrokenTestsError(f"promtool cannot run the tests of {alert}: {said}")


def _changed(rules: Sequence[Rule], mutant: Mutant) -> frozenset[str]:
    """Return the recorded names that a mutant changes, because it changes their rule or what this reads."""
    names: set[str] = set()
    for rule, now in zip(rules, mutant.rules, strict=True):
        if "record" in rule.data and (now != rule or not names.isdisjoint(metric_names(now.expr))):
            names.add(rule.name)
    return frozenset(names)


def _rule_file(
    alert: str, rules: Sequence[Rule], mutants: Mapping[int, Mutant], changed: Mapping[int, frozenset[str]]
) -> str:
    groups: dict[str, list[Any]] = {rule.group: [] for rule in rules}
    for rule in rules:
        if "record" in rule.data:
            groups[rule.group].append(rule.data)
    for rule in (rule for rule in rules if "alert" in rule.data):
        groups[rule.group].append({**rule.data, "alert": rule.name + _OPEN})
    for number, mutant in mutants.items():
        mark = f":m{number}:"
        names = {name: name + mark for name in changed[number]}
        for rule in mutant.rules:
            if "alert" in rule.data:
                data = {**rule.data, "alert": rule.name + mark}
            elif rule.name in names:
                data = {**rule.data, "record": rule.name + mark}
            else:
                continue
            groups[rule.group].append({**data, "expr": renamed(rule.expr, names, {}) if names else rule.expr})
    return json.dumps({"groups": [{"name": name, "rules": listed} for name, listed in groups.items()]})


def _test_file(
    alert: str, changed: Mapping[int, frozenset[str]], suite: Suite, numbers: Iterable[int]
) -> str:
    copies = {0: frozenset[str](), **changed}
    tests = []
    for number in numbers:
        test = suite.tests[number]
        expr: list[str] = []
        texts: list[str] = []
        for copy, names in copies.items():
            said = json.loads(suite.copied(number, alert, names).replace(_OPEN, f":m{copy}:"))
            expr += said[0]
            texts += said[1]
        tests.append({**test, "promql_expr_test": expr, "alert_rule_test": texts})
    return json.dumps({**suite.settings, "rule_files": ["rules.yml"], "tests": tests})


def _expectations(
    test: Mapping[str, Any], alert: str, names: Mapping[str, str]
) -> tuple[list[Any], list[Any]]:
    """Return what a test expects of a copy; what asks nothing of it cannot tell copies apart."""
    asked = []
    for one in test.get("promql_expr_test") or ():
        expr = renamed(str(one["expr"]), names, {alert: alert + _OPEN})
        if _OPEN in expr:
            asked.append({**one, "expr": expr, "exp_samples": _samples(one, alert, names)})
    said = [
        {**one, "alertname": alert + _OPEN}
        for one in test.get("alert_rule_test") or ()
        if one["alertname"] == alert
    ]
    return asked, said


def _samples(asked: Mapping[str, Any], alert: str, names: Mapping[str, str]) -> list[Any]:
    """Return the expected samples, which may name the alert or what was recorded."""
    return [
        {**sample, "labels": _renamed_series(str(sample["labels"]), alert, names)}
        for sample in asked.get("exp_samples") or ()
    ]


def _renamed_series(text: str, alert: str, names: Mapping[str, str]) -> str:
    return text if text == "{}" else renamed(text, names, {alert: alert + _OPEN})
