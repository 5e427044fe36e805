"""The heartbeat and the digest have receivers of their own kind, and the digest a window that is met daily.

Why: a pager that the heartbeat pages every minute is switched off, and a missed window is silence.
Fix: let the heartbeat go to a webhook and the digest to a mail; open the window for 10 minutes to 19 hours.
"""

from collections.abc import Iterator

from config.spec.duration import Duration
from config.spec.model import Project
from observability.checks.finding import Finding
from observability.render.alertmanager import DIGEST_LOOK, DIGEST_REPEAT

_MINUTE = 60_000


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
    for severity in routing.severities.values():
        if severity.receivers and severity.repeat_interval <= severity.group_interval:
            # Alertmanager repeats at the first look after repeat_interval: an equal one is every second look.
            message = f"repeat_interval {severity.repeat_interval} must be longer than group_interval"
            yield Finding(severity.where("repeat_interval"), message)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
