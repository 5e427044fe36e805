"""What a Prometheus has recorded: when it ran, and when each rule had an answer, by labels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from config.spec.duration import Duration
from observability.backtest.firing import Ticks, firing
from observability.backtest.raw import Raw
from observability.live.prometheus import Prometheus
from observability.rules import Rule
from observability.service import UnreachableError, ask

Labels = frozenset[tuple[str, str]]
Spans = dict[Labels, list[range]]
_MISSED = 4  # scrapes in a row that every target missed: no Prometheus ran
_OLDEST = "prometheus_tsdb_lowest_timestamp_seconds"
_OF_ALERTS = frozenset({"__name__", "alertname", "alertstate"})
_FIRING = 'ALERTS{alertstate="firing"}'
_NONE = Duration(0)


class NoDataError(Exception):
    """Nothing was recorded in the range; the message says what was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time that is looked at; `longest` is by how much sooner the first evaluation may be asked for."""

    end: int  # milliseconds since 1970
    lasts: Duration
    longest: Duration
    step: Duration
    scrape: Duration
    grace: Duration

    @property
    def count(self) -> int:
        """How many evaluations there are."""
        return self.lasts.milliseconds // self.step.milliseconds

    def before(self, length: Duration) -> int:
        """Return how many evaluations cover a length of time, rounded up, and one more."""
        return -(-length.milliseconds // self.step.milliseconds) + 1


class History:
    """One Prometheus, asked for one period; the same question is asked once."""

    def __init__(self, prometheus: Prometheus, period: Period) -> None:
        self._prometheus, self.period = prometheus, period
        self._answers: dict[tuple[str, int], dict[Labels, set[int]]] = {}

    @cached_property
    def ticks(self) -> Ticks:
        """All evaluations, the early ones included, and whether a Prometheus ran; raises NoDataError."""
        period = self.period
        early = period.before(period.longest)
        newest = _MISSED * period.scrape.seconds
        found = self._ask(f"time() - max(timestamp(up)) <= {newest:g}", early)
        watched = set().union(*found.values())
        if not any(tick >= early for tick in watched):
            text = f"{self._prometheus.url} has recorded no target within {period.lasts}"
            raise NoDataError(text + self._since())
        return Ticks(
            start=period.end - (early + period.count - 1) * period.step.milliseconds,
            step=period.step.milliseconds,
            watched=[tick in watched for tick in range(early + period.count)],
            grace=period.grace,
        )

    @property
    def watched(self) -> list[bool]:
        """Whether a Prometheus ran, at each evaluation of the period."""
        return list(self.ticks.watched[-self.period.count :])

    def fired(self, rule: Rule, raw: Raw) -> Spans:
        """Return when an alert would have fired, by the labels of what it is about, within the period."""
        for_, keep = rule.for_ or _NONE, rule.keep_firing_for or _NONE
        early = self.period.before(Duration(for_.milliseconds + keep.milliseconds))
        ticks = replace(self.ticks, watched=self.ticks.watched[-(early + self.period.count) :])
        merged: dict[Labels, set[int]] = {}
        for labels, active in self._ask(raw.expression(rule.expr), early).items():
            merged.setdefault(frozenset({**dict(labels), **rule.labels}.items()), set()).update(active)
        return {
            labels: spans
            for labels, active in merged.items()
            if (spans := list(_within(early, firing(active, ticks, for_, keep))))
        }

    def recorded(self) -> Iterator[tuple[str, Labels, set[int]]]:
        """Yield what really fired: the alert, its labels, and when the series ALERTS had it."""
        watched = {tick for tick, is_watched in enumerate(self.watched) if is_watched}
        start, step = self._start(0), self.period.step.milliseconds
        for one in self._prometheus.query_range(_FIRING, start, step, self.period.count):
            labels = frozenset((name, value) for name, value in one.labels.items() if name not in _OF_ALERTS)
            yield one.labels["alertname"], labels, watched.intersection(one.ticks)

    def _ask(self, query: str, early: int) -> dict[Labels, set[int]]:
        """Return when an expression has an answer, by its labels; `early` ticks lie before the period."""
        if (query, early) not in self._answers:
            found = self._answers[query, early] = {}
            step, count = self.period.step.milliseconds, early + self.period.count
            for one in self._prometheus.query_range(query, self._start(early), step, count):
                labels = frozenset((name, value) for name, value in one.labels.items() if name != "__name__")
                found.setdefault(labels, set()).update(one.ticks)
        return self._answers[query, early]

    def _start(self, early: int) -> int:
        return self.period.end - (early + self.period.count - 1) * self.period.step.milliseconds

    def _since(self) -> str:
        """Say since when there is data at all, as the server tells it among its own metrics."""
        try:
            lines = ask(f"{self._prometheus.url}/metrics").splitlines()
            oldest = next(float(line.split()[-1]) for line in lines if line.startswith(f"{_OLDEST} "))
            return f"; what it has begins {datetime.fromtimestamp(oldest, UTC):%Y-%m-%d %H:%M} UTC"
        except (UnreachableError, StopIteration, ValueError, OverflowError):
            return ""  # some other server that speaks the same language, or one that has nothing at all


def _within(early: int, spans: Iterator[range]) -> Iterator[range]:
    """Yield the spans without what lies before the period, which begins at tick `early`."""
    for span in spans:
        if span.stop > early:
            yield range(max(span.start - early, 0), span.stop - early)
