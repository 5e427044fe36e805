"""The mutants of an alert: every change of the rules that it consists of, each at its place in the spec."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import promql_parser as promql
import yaml

from config.spec.alerting import Equivalent, Level
from config.spec.duration import Duration
from config.spec.model import Alert, Measure, Project
from config.spec.problem import Place
from observability.checks.queries import known_of
from observability.mutate.expressions import changes
from observability.names import ABSENT, recorded
from observability.promql import metric_names, names_in
from observability.verify.needed_rules import folder_of
from observability.world import STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the files that ship; `group` is the name of its group, `data` what Prometheus reads of it."""

    group: str
    data: Mapping[str, Any] = field(hash=False)

    @property
    def name(self) -> str:
        return str(self.data.get("record") or self.data["alert"])

    @property
    def expr(self) -> str:
        return str(self.data["expr"])

    def changed(self, **parts: str | None) -> "Rule":
        """Return the rule with other parts; one that is None is left out."""
        data = {key: value for key, value in {**self.data, **parts}.items() if value is not None}
        return replace(self, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one rule of an alert. `says` names it among those of `of`, an alert or a measure.

    `excuse` is what people wrote if nothing can tell it from the rule itself.
    """

    kind: str
    of: Alert | Measure
    place: Place
    says: str
    wanted: str
    rules: tuple[Rule, ...] = field(repr=False)
    changed: int
    excuse: Equivalent | None = None


def rules_of(alert: str, files: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules that an alert needs, in the order of their evaluation: what it reads comes first."""
    folder = f"{folder_of(alert)}/rules/"
    groups = [
        group
        for path, text in files.items()
        if path.startswith(folder)
        for group in yaml.load(text, yaml.CSafeLoader)["groups"]
    ]
    rules = [Rule(group=group["name"], data=rule) for group in groups for rule in group["rules"] or ()]
    return tuple(sorted(rules, key=lambda rule: "alert" in rule.data))


def judged_by(project: Project) -> dict[str, str]:
    """Return for each measure that an alert reads the one whose tests judge it.

    It is the first that has it as its own, through other measures too, and else the first that has it as a
    condition: one test of a measure is enough, wherever it is read.
    """
    judges: dict[str, str] = {}
    own = [(alert.name, [alert.measure]) for alert in project.alerts.values()]
    for alert in project.alerts.values():
        own.append((alert.name, [one.measure for one in alert.conditions]))
    for name, measures in own:
        for measure in _all_read(project, measures):
            judges.setdefault(measure, name)
    return judges


def mutants_of(project: Project, alert: Alert, rules: tuple[Rule, ...]) -> Iterator[Mutant]:
    """Yield every mutant of the alert's own rules and of the measures that it judges, each with its name."""
    judges = judged_by(project)
    named: dict[tuple[str, str], int] = {}
    for mutant in _mutants(project, alert, rules, judges):
        key = (mutant.of.name, mutant.says)
        count = named[key] = named.get(key, 0) + 1
        says = mutant.says if count == 1 else f"{mutant.says} ({count})"
        excuses = [one for one in mutant.of.equivalent if one.mutant == says]
        yield replace(mutant, says=says, excuse=excuses[0] if excuses else None)


def _mutants(
    project: Project, alert: Alert, rules: tuple[Rule, ...], judges: Mapping[str, str]
) -> Iterator[Mutant]:
    prefix = recorded(project, "")
    for number, rule in enumerate(rules):
        if "record" in rule.data:
            measure = project.measures[rule.name.removeprefix(prefix)]
            if judges.get(measure.name) == alert.name:
                place = measure.where("query")
                yield from _of_expression(project, measure, rules, number, "", lambda _, at=place: at)
        else:
            yield from _of_alert(project, alert, rules, number)


def _of_alert(project: Project, alert: Alert, rules: tuple[Rule, ...], number: int) -> Iterator[Mutant]:
    rule = rules[number]
    labels = rule.data["labels"]
    is_absent = ABSENT.items() <= labels.items()
    severity = "absent" if is_absent else str(labels["severity"])
    absent = alert.where("when_absent", "fires")
    bound = absent if is_absent else _bound_of(alert.levels[severity])
    lasts = absent if is_absent else alert.levels[severity].where("for")
    said = f"{severity}: "

    def place(node: promql.Expr) -> Place:
        read = names_in(node)
        conditions = [one for one in alert.conditions if recorded(project, one.measure) in read]
        if conditions:
            return max((one.where("measure") for one in conditions), key=lambda at: at.line)
        return bound

    yield from _of_expression(project, alert, rules, number, said, place)
    yield from _of_time(alert, rules, number, said, "for", lasts)
    if severity == next(iter(alert.levels)):
        # One word in the spec, so it is changed in all rules of the alert at once.
        yield from _of_time(alert, rules, number, "", "keep_firing_for", alert.where("keep_firing_for"))


def _bound_of(level: Level) -> Place:
    for key in ("above", "below", "present"):
        if getattr(level, key) is not None:
            return level.where(key)
    return level.where()


def _of_expression(
    project: Project, of: Alert | Measure, rules: tuple[Rule, ...], number: int, said: str, place: Any
) -> Iterator[Mutant]:
    rule = rules[number]
    for change in changes(rule.expr, known_of(project).lookup):
        yield Mutant(
            kind=change.kind,
            of=of,
            place=place(change.at),
            says=f"{said}{change.was} -> {change.now}",
            wanted=change.wanted,
            rules=_with(rules, number, rule.changed(expr=change.expr)),
            changed=number,
        )


def _of_time(
    alert: Alert, rules: tuple[Rule, ...], number: int, said: str, key: str, place: Place
) -> Iterator[Mutant]:
    if key not in rules[number].data:
        return
    was = Duration.parse(str(rules[number].data[key]))
    half = Duration(was.milliseconds // 2 // STEP.milliseconds * STEP.milliseconds)
    for now in dict.fromkeys((Duration(0), half, Duration(2 * was.milliseconds))):
        if now == was:
            continue
        changed = {
            place: rule.changed(**{key: str(now) if now.milliseconds or key == "for" else None})
            for place, rule in enumerate(rules)
            if place == number or (key == "keep_firing_for" and rule.name == alert.name)
        }
        least, most = sorted((was, now))
        after = "it is over" if key == "keep_firing_for" else "it began"
        yield Mutant(
            kind=key,
            of=alert,
            place=place,
            says=f"{said}{key} {was} -> {now}",
            wanted=f"an expectation between {least} and {most} after {after}",
            rules=tuple(changed.get(place, rule) for place, rule in enumerate(rules)),
            changed=min(changed),
        )


def _with(rules: tuple[Rule, ...], number: int, rule: Rule) -> tuple[Rule, ...]:
    return (*rules[:number], rule, *rules[number + 1 :])


def _all_read(project: Project, names: list[str]) -> list[str]:
    """Return these measures and those that they read, again and again."""
    prefix = recorded(project, "")
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            read = metric_names(project.measures[name].query)
            waiting += [one.removeprefix(prefix) for one in read if one.startswith(prefix)]
    return list(found)
