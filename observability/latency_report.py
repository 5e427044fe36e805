"""Budgets of alerts as a table for people, as data for machines, as problems where a promise is broken."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Project
from config.spec.problem import Place, Problem
from observability.latency import Budget, Clock

_HEADINGS = ("alert", "severity", "told by", "fault to firing", "firing to told", "environments")
_PROBLEM = {"detect_within": "latency/detect", "deliver_within": "latency/deliver"}


def as_table(budgets: Iterable[Budget], *, with_steps: bool = False) -> Iterator[str]:
    """Yield a line per alert, severity and route, where equal ones of several environments are one."""
    ordered = sorted(budgets, key=lambda one: (one.alert.name, one.severity, one.because))
    grouped = [list(same) for _, same in groupby(ordered, _row)]
    rows = [_HEADINGS, *((*_row(same[0]), ", ".join(one.environment for one in same)) for same in grouped)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, same in zip(rows, [[], *grouped], strict=True):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for clock in same[0].clocks if with_steps and same else ():
            yield from _steps(clock)


def as_objects(budgets: Iterable[Budget]) -> list[dict[str, Any]]:
    """Return the budgets as data; lengths of time are seconds."""
    return [
        {
            "alert": budget.alert.name,
            "severity": budget.severity,
            "because": budget.because or "bound",
            "environment": budget.environment,
            "told_by": list(budget.to),
            **{clock.promised_as: _object(clock) for clock in budget.clocks},
        }
        for budget in budgets
    ]


def problems(project: Project, budgets: Iterable[Budget]) -> list[Problem]:
    """Return a problem per broken promise; where environments break it alike it is one."""
    found = [
        Problem(_place(project, budget, clock), _sentence(budget, clock), _PROBLEM[clock.promised_as])
        for budget in budgets
        for clock in budget.clocks
        if not clock.holds
    ]
    return list(dict.fromkeys(found))


def _row(budget: Budget) -> tuple[str, str, str, str, str]:
    severity = f"{budget.severity} ({budget.because})" if budget.because else budget.severity
    detect, deliver = map(_short, budget.clocks)
    return budget.alert.name, severity, ", ".join(budget.to) or "nobody", detect, deliver


def _short(clock: Clock) -> str:
    return f"{clock.worst} of {clock.promise}" + ("" if clock.holds else ": too late")


def _steps(clock: Clock) -> Iterator[str]:
    lengths = [str(step.lasts) for step in clock.steps] + [str(clock.worst)]
    width = max(map(len, lengths))
    for step, length in zip(clock.steps, lengths, strict=False):
        yield f"    {length.rjust(width)}  {step.what}"
    yield f"    {lengths[-1].rjust(width)}  at worst; {clock.promised_as} is {clock.promise}"


def _object(clock: Clock) -> dict[str, Any]:
    return {
        "promise": clock.promise.seconds,
        "worst": clock.worst.seconds,
        "holds": clock.holds,
        "steps": [{"what": step.what, "lasts": step.lasts.seconds} for step in clock.steps],
    }


def _place(project: Project, budget: Budget, clock: Clock) -> Place:
    if clock.promised_as == "detect_within":
        return budget.alert.where("detect_within")
    return project.routing.severities[budget.severity].where("deliver_within")


def _sentence(budget: Budget, clock: Clock) -> str:
    late = Duration(clock.worst.milliseconds - clock.promise.milliseconds)
    parts = " + ".join(f"{step.lasts} ({step.what})" for step in clock.steps)
    what = "fires" if clock.promised_as == "detect_within" else "is told"
    since = "the fault" if clock.promised_as == "detect_within" else "it fired"
    severity = f"{budget.severity} ({budget.because})" if budget.because else budget.severity
    return (
        f"{budget.alert.name} as {severity} {what} {clock.worst} after {since} at worst, "
        f"{late} later than promised: {parts}"
    )
