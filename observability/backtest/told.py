"""Verdicts as a table for people and as data for machines."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from config.spec.duration import Duration
from observability.backtest.history import History
from observability.backtest.verdict import Firings, Verdict

_HEADINGS = ("alert", "severity", "before: times, total (longest)", "after", "recorded", "")


def as_table(history: History, found: Sequence[Verdict], *, every: bool) -> Iterator[str]:
    """Yield what was looked at, a line for each rule that fires or changes, or for every one, and counts."""
    yield _period(history)
    shown = [one for one in found if every or one.is_changed or not one.is_quiet]
    if shown:
        rows = [_HEADINGS, *map(_row, shown)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    quiet = sum(one.is_quiet for one in found)
    changed = sum(one.is_changed for one in found)
    rules = f"{len(found)} rules" if len(found) != 1 else "1 rule"
    yield f"{rules}: {quiet} quiet before and after, {changed} changed"
    yield _agreement(found)


def as_data(history: History, found: Sequence[Verdict]) -> dict[str, Any]:
    """Return all as data; lengths of time are seconds."""
    begin, end = _ends(history)
    return {
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "watched": _watched(history).seconds,
        "rules": [
            {
                "alert": one.alert,
                "labels": one.labels,
                "before": _firings(one.before),
                "after": _firings(one.after),
                "changed": one.is_changed,
                "recorded": _firings(one.recorded),
                "differs": one.differs.seconds,
            }
            for one in found
        ],
    }


def _period(history: History) -> str:
    begin, end = _ends(history)
    period = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC"
    watched = _watched(history)
    lacking = history.period.lasts.milliseconds - watched.milliseconds
    gap = f"; no Prometheus ran for {Duration(lacking)} of it, which is left out" if lacking > 0 else ""
    return f"{period}, every {history.period.step}{gap}"


def _row(one: Verdict) -> tuple[str, ...]:
    rest = [f"{label}={value}" for label, value in sorted(one.labels.items()) if label != "severity"]
    severity = one.labels.get("severity", "")
    return (
        one.alert,
        f"{severity} ({', '.join(rest)})" if rest else severity,
        _cell(one.before),
        _cell(one.after),
        _cell(one.recorded) + (f", {one.differs} otherwise" if one.differs.milliseconds else ""),
        "changed" if one.is_changed else "",
    )


def _cell(one: Firings | None) -> str:
    if one is None:
        return "no rule"
    return f"{one.times}, {one.total} ({one.longest})" if one.times else "-"


def _agreement(found: Sequence[Verdict]) -> str:
    """Say whether what really fired is what is computed of the rules before."""
    known = [one for one in found if one.before is not None]
    fired = [one for one in known if one.recorded.times]
    if not fired:
        return "ALERTS has nothing of these rules, so nothing really fired, or other rules ran"
    wrong = [one for one in known if one.differs.milliseconds]
    if not wrong:
        return f"ALERTS agrees with `before` on each of the {len(known)} rules, {len(fired)} of which fired"
    names = ", ".join(dict.fromkeys(one.alert for one in wrong))
    return f"ALERTS agrees with `before` on {len(known) - len(wrong)} of {len(known)} rules, not on {names}"


def _firings(one: Firings | None) -> dict[str, float] | None:
    if one is None:
        return None
    return {"times": one.times, "total": one.total.seconds, "longest": one.longest.seconds}


def _ends(history: History) -> tuple[datetime, datetime]:
    period = history.period
    moments = (period.end - period.count * period.step.milliseconds, period.end)
    begin, end = (datetime.fromtimestamp(moment / 1000, UTC) for moment in moments)
    return begin, end


def _watched(history: History) -> Duration:
    return Duration(sum(history.watched) * history.period.step.milliseconds)
