"""The table of every alert at every hour of the day: who is told, how late at worst, what was promised."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

import yaml

from config.spec.duration import Duration
from config.spec.model import Project
from observability.compile import Outcome
from observability.dispatch.hours import Played, played
from observability.latency import budgets

_HEADINGS = ("", "alert", "severity", "told by", "played", "computed", "promised", "fired at", "environments")


def rows(project: Project, outcome: Outcome, begin: datetime) -> list[tuple[str, ...]]:
    """Return a row for each alert and level; environments in which all is alike share one."""
    found: list[tuple[tuple[str, ...], str]] = []
    every = list(budgets(project, outcome.files))
    for environment in project.environments:
        config = yaml.safe_load(outcome.files[f"{environment}/alertmanager.yml"])
        ours = [one for one in every if one.environment == environment]
        found += [(_row(one), environment) for one in played(config, ours, begin, range(24))]
    found.sort()
    return [
        (*row, ", ".join(sorted({environment for _, environment in same})))
        for row, same in groupby(found, key=lambda one: one[0])
    ]


def lines(table: list[tuple[str, ...]]) -> Iterator[str]:
    every = [_HEADINGS, *table]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for row in every:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def this_year() -> datetime:
    """Return the begin of the year, a little after the full hour, as nothing in life is on it."""
    return datetime(datetime.now(UTC).year, 1, 1, 0, 2, 13, tzinfo=UTC)


def _row(one: Played) -> tuple[str, ...]:
    deliver = one.budget.deliver
    severity = one.budget.severity + (f" ({one.budget.because})" if one.budget.because else "")
    ways = ", ".join(dict.fromkeys(way.split("/")[1] for way in one.to))
    worst = Duration(round(one.worst / timedelta(seconds=1)) * 1000)
    is_daily = deliver.promise.seconds > timedelta(hours=24).total_seconds()
    return (
        "ok" if one.holds else "LATE",
        one.budget.alert.name,
        severity,
        ways,
        str(worst),
        str(deliver.worst),
        str(deliver.promise),
        # What is told at once is told alike at every hour.
        f"{one.fired:%d %b %H:%M}" if is_daily else "any hour",
    )
