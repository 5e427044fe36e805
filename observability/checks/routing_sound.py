"""The heartbeat and the digest have receivers of their own kind, and the digest leaves out nothing of a day.

Why: a pager that the heartbeat pages every minute is switched off, and a missed window is silence.
Fix: send the heartbeat to a webhook and the digest to a mail; open the window for 10 minutes to 19 hours; let
the digest cover the longest time between two of them.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.spec.duration import Duration
from config.spec.model import Digest, Project
from observability.checks.finding import Finding
from observability.render.alertmanager import DIGEST_LOOK, DIGEST_REPEAT

_MINUTE = 60_000
_YEAR = date(2026, 1, 1)  # any: clocks change every year, where they do
_DAY, _CLOCK_CHANGE = Duration(86_400_000), Duration(3_600_000)


def check(project: Project) -> Iterator[Finding]:
    routing = project.routing
    for what, receiver, place, kind in (
        ("heartbeat", routing.heartbeat.receiver, routing.heartbeat.where("receiver"), "webhook"),
        ("digest", routing.digest.receiver, routing.digest.where("receiver"), "email"),
    ):
        known = routing.receivers.get(receiver)
        if known is not None and known.kind != kind:
            wrong = f"the {what} goes to a receiver of kind {kind}; {receiver!r} is {known.kind}"
            yield Finding(place, wrong)
    opens, closes = _minutes(routing.digest.opens), _minutes(routing.digest.closes)
    window = Duration((closes - opens) * _MINUTE) if closes > opens else Duration(0)
    if not 2 * DIGEST_LOOK.milliseconds <= window.milliseconds < DIGEST_REPEAT.milliseconds:
        shown = window if closes > opens else "nothing"
        yield Finding(
            routing.digest.where("closes"), f"the window lasts {shown}; it needs 10m to 19h of one day"
        )
    elif (day := _without_window(routing.digest)) is not None:
        text = f"the clocks leave less than 10m of this window on days like {day}, which then have no digest"
        yield Finding(routing.digest.where("opens"), text)
    between = _between_digests(routing.digest)
    if routing.digest.covers < between:
        text = f"two digests can be {between} apart: what ended just after one would be told by none"
        yield Finding(routing.digest.where("covers"), text)
    for severity in routing.severities.values():
        if severity.receivers and severity.repeat_interval <= severity.group_interval:
            # Alertmanager repeats at the first look after repeat_interval: an equal one is every second look.
            message = f"repeat_interval {severity.repeat_interval} must be longer than group_interval"
            yield Finding(severity.where("repeat_interval"), message)


def _between_digests(digest: Digest) -> Duration:
    """Return the longest time between two: a day, the look that came late, and the change of the clocks."""
    change = 0 if digest.timezone == "UTC" else _CLOCK_CHANGE.milliseconds
    return Duration(_DAY.milliseconds + change + DIGEST_LOOK.milliseconds)


def _without_window(digest: Digest) -> date | None:
    """Return a day on which the clocks leave too little of the window; amtool tells of an unknown zone."""
    try:
        zone = ZoneInfo(digest.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    opens, closes = _minutes(digest.opens), _minutes(digest.closes)
    needed = 2 * DIGEST_LOOK.milliseconds / _MINUTE
    for day in (_YEAR + timedelta(days=number) for number in range(365)):
        begin, end = (_midnight(one, zone) for one in (day, day + timedelta(days=1)))
        if end - begin != timedelta(days=1):
            minutes = ((begin + timedelta(minutes=m)).astimezone(zone) for m in range(25 * 60))
            if (
                sum(one.date() == day and opens <= one.hour * 60 + one.minute < closes for one in minutes)
                < needed
            ):
                return day
    return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
