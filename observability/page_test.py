"""Sends a marked page through every receiver of a running Alertmanager, and tells which of them took it.

Nothing is simulated: the alert goes in like one of Prometheus', and what Alertmanager counts of its requests
says what became of it. It is resolved at the end, also when the test is stopped: no incident stays open.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from observability.names import HEARTBEAT_SEVERITY, WATCHDOG
from observability.routes import integrations, routes_of
from observability.service import UnreachableError, ask

ALERT = "PageTest"
_ATTEMPT = 15.0  # seconds that a receiver has, beyond group_wait; one that is tried again later has failed
_LOOK = 0.2  # seconds between two looks at the counters
_STAYS = timedelta(hours=1)  # should nobody resolve it
_TRIED, _FAILED = (
    "alertmanager_notification_requests_total",
    "alertmanager_notification_requests_failed_total",
)
Counts = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a page at one integration of a receiver; `of` is the severity, or the heartbeat."""

    of: str
    integration: str
    took: bool
    after: float
    why: str = ""


class Alertmanager:
    """The three things that are asked of it: its configuration, its counters, and to take an alert."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def config(self) -> Mapping[str, Any]:
        status = json.loads(ask(f"{self.url}/api/v2/status"))
        config = yaml.safe_load(status["config"]["original"])
        if not isinstance(config, dict):
            raise UnreachableError(f"{self.url} shows no configuration")
        return config

    def counts(self) -> Counts:
        """Return its requests to receivers, and those that failed, by counter and integration."""
        # Here, because it takes a tenth of a second that `check` need not wait for.
        from prometheus_client import parser

        found: dict[tuple[str, str], float] = {}
        for family in parser.text_string_to_metric_families(ask(f"{self.url}/metrics")):
            for sample in family.samples:
                if sample.name in (_TRIED, _FAILED):
                    key = sample.name, sample.labels["integration"]
                    found[key] = found.get(key, 0) + sample.value
        return found

    def send(self, alert: Mapping[str, Any]) -> None:
        ask(f"{self.url}/api/v2/alerts", json.dumps([alert]).encode())


def page_all(
    alertmanager: Alertmanager,
    severities: Sequence[str],
    annotations: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[Outcome]:
    """Yield what becomes of a marked page of each severity, one severity after the other.

    One after the other, because Alertmanager counts by integration, whoever asked it; where two severities
    share one, the word that the first is over is waited for.
    """
    config = alertmanager.config()
    asked_before: set[str] = set()
    longest_before = 0.0
    for severity in severities:
        labels = {"alertname": ALERT, "severity": severity}
        for route in routes_of(config, labels):
            asked = integrations(config, route.receiver)
            if not asked:
                tell(f"{severity}: its receiver {route.receiver!r} tells nobody at once")
                continue
            # A test a moment ago has left a group, which is told of again when its interval is over.
            longest = max(route.group_wait, route.group_interval)
            takes = f"takes {route.group_wait}, or {longest} if asked again"
            tell(f"{severity}: asking {', '.join(asked)}; {takes}")
            if shared := asked_before & set(asked):
                over = alertmanager.counts()
                list(_outcomes(alertmanager, over, severity, sorted(shared), longest_before))
            asked_before, longest_before = asked_before | set(asked), longest.seconds + _ATTEMPT
            before = alertmanager.counts()
            with _firing(alertmanager, labels, annotations):
                yield from _outcomes(alertmanager, before, severity, asked, longest.seconds + _ATTEMPT)


def hear_heartbeat(alertmanager: Alertmanager, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """Yield whether the next beat leaves Alertmanager; it comes from Prometheus, and proves the whole way."""
    config = alertmanager.config()
    for route in routes_of(config, {"alertname": WATCHDOG, "severity": HEARTBEAT_SEVERITY}):
        longest = route.group_interval.seconds + route.repeat_interval.seconds
        asked = integrations(config, route.receiver)
        if others := _others(config, route.receiver) & set(asked):
            tell(f"heartbeat: not asked, because Alertmanager counts every {', '.join(others)} as one")
            continue
        tell(f"heartbeat: listening to {', '.join(asked)} for the next beat; takes up to {longest:.0f}s")
        before = alertmanager.counts()
        yield from _outcomes(alertmanager, before, "heartbeat", asked, longest + _ATTEMPT)


@contextmanager
def _firing(
    alertmanager: Alertmanager, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> Iterator[None]:
    since = datetime.now(UTC)
    alert = {"labels": labels, "annotations": annotations, "startsAt": since.isoformat()}
    alertmanager.send({**alert, "endsAt": (since + _STAYS).isoformat()})
    try:
        yield
    finally:
        alertmanager.send({**alert, "endsAt": datetime.now(UTC).isoformat()})


def _outcomes(
    alertmanager: Alertmanager, before: Counts, of: str, asked: Sequence[str], wait: float
) -> Iterator[Outcome]:
    began = time.monotonic()
    waiting = list(dict.fromkeys(asked))
    tried: set[str] = set()
    while waiting and time.monotonic() - began < wait:
        now = alertmanager.counts()
        after = time.monotonic() - began
        for integration in list(waiting):
            if _more(before, now, _FAILED, integration):
                why = "it refused, or could not be reached; see Alertmanager's log"
                yield Outcome(of=of, integration=integration, took=False, after=after, why=why)
                waiting.remove(integration)
            elif integration in tried:
                yield Outcome(of=of, integration=integration, took=True, after=after)
                waiting.remove(integration)
            elif _more(before, now, _TRIED, integration):
                # A failure is counted just after the request, so it is believed at the second look only.
                tried.add(integration)
        if waiting:
            time.sleep(_LOOK)
    for integration in waiting:
        why = f"was not asked within {wait:.0f} s"
        yield Outcome(of=of, integration=integration, took=False, after=wait, why=why)


def _others(config: Mapping[str, Any], receiver: str) -> set[str]:
    """Return the integrations of all receivers but this one."""
    names = [one["name"] for one in config["receivers"]]
    return {kind for name in names if name != receiver for kind in integrations(config, name)}


def _more(before: Counts, now: Counts, name: str, integration: str) -> float:
    key = name, integration
    return now.get(key, 0) - before.get(key, 0)
