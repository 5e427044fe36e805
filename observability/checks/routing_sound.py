"""The heartbeat and the digest have receivers of their own kind, and the digest leaves out nothing of a day.

Why: a pager that the heartbeat pages every minute is switched off, and a missed window is silence.
Fix: send the heartbeat to a webhook and the digest to a mail; open the window for 10 minutes to 19 hours; let
the digest cover the longest time between two of them.
"""

from collections.abc import Iterator

from config.spec.duration import Duration
from config.spec.model import Digest, Project
from observability.checks.finding import Finding
from observability.render.alertmanager import DIGEST_LOOK, DIGEST_REPEAT

_MINUTE = 60_000
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


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
