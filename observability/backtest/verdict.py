"""What comes of each rule before a change and after it, beside what really fired."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from config.spec.duration import Duration
from config.spec.problem import Problem
from observability.backtest.history import History, Labels, Spans
from observability.backtest.raw import Raw, RawError, reads
from observability.live.prometheus import QueryError
from observability.rules import Rule

Key = tuple[str, Labels]
# Each rule runs at its own moment of the interval, after the rules that it reads, and so may speak later.
_SLACK = 4  # evaluations
_NONE = Duration(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firings:
    """How often a rule fires, counted for each set of labels; how long any of them does, and the longest."""

    times: int = 0
    total: Duration = _NONE
    longest: Duration = _NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A rule before and after, None where there is no such rule; and what Prometheus recorded of it.

    `differs` is for how long what was recorded and what is computed of the rule before disagree.
    """

    alert: str
    labels: Mapping[str, str]
    before: Firings | None
    after: Firings | None
    recorded: Firings
    differs: Duration

    @property
    def is_changed(self) -> bool:
        return self.before != self.after

    @property
    def is_quiet(self) -> bool:
        return not any(one and one.times for one in (self.before, self.after, self.recorded))


def asked_of(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Yield the alerts whose answer depends on anything; the others always fire."""
    return (rule for rule in rules if rule.is_alert and reads(rule.expr))


def verdicts(
    history: History,
    before: Sequence[Rule],
    after: Sequence[Rule],
    names: Collection[str],
    problems: list[Problem],
) -> Iterator[Verdict]:
    """Yield what comes of the rules with these names; one that cannot be asked is a problem instead."""
    old, new = (_fired(history, rules, names, problems) for rules in (before, after))
    recorded = _recorded(history, [*old, *new])
    for key in {**old, **new}:
        alert, labels = key
        spans = recorded.get(key, {})
        yield Verdict(
            alert=alert,
            labels=dict(labels),
            before=_counted(history, old[key]) if key in old else None,
            after=_counted(history, new[key]) if key in new else None,
            recorded=_counted(history, spans),
            differs=_differs(history, old.get(key, {}), spans),
        )


def _fired(
    history: History, rules: Sequence[Rule], names: Collection[str], problems: list[Problem]
) -> dict[Key, Spans]:
    raw = Raw(rules, history.period.step)
    found: dict[Key, Spans] = {}
    for rule in asked_of(rules):
        if rule.name not in names:
            continue
        key = rule.name, frozenset(rule.labels.items())
        try:
            fired = history.fired(rule, raw)
        except (RawError, QueryError) as error:
            text = f"{rule.name} cannot be asked: {error}"
            problems.append(Problem(rule.where("expr"), text, "backtest/query"))
            continue
        spans = found.setdefault(key, {})
        for labels, fired_too in fired.items():
            spans.setdefault(labels, []).extend(fired_too)
    return found


def _recorded(history: History, keys: Sequence[Key]) -> dict[Key, Spans]:
    """Return what really fired by the rule that it was: the one that gives most of its labels."""
    ticks: dict[Key, dict[Labels, set[int]]] = {}
    for alert, labels, fired in history.recorded():
        fitting = [key for key in keys if key[0] == alert and key[1] <= labels]
        if fitting:
            key = max(fitting, key=lambda one: len(one[1]))
            ticks.setdefault(key, {}).setdefault(labels, set()).update(fired)
    return {key: {one: list(_runs(fired)) for one, fired in found.items()} for key, found in ticks.items()}


def _counted(history: History, spans: Spans) -> Firings:
    step = history.period.step.milliseconds
    every = list(chain.from_iterable(spans.values()))
    return Firings(
        times=len(every),
        total=Duration(len(_ticks(every)) * step),
        longest=Duration(max(map(len, every), default=0) * step),
    )


def _differs(history: History, computed: Spans, recorded: Spans) -> Duration:
    """Return how long one of them alone fires, but for the little that rules speak sooner or later."""
    alone = (
        _ticks(computed.get(labels, ())) ^ _ticks(recorded.get(labels, ()))
        for labels in {**computed, **recorded}
    )
    runs = (run for ticks in alone for run in _runs(ticks) if len(run) > _SLACK)
    return Duration(len(_ticks(runs)) * history.period.step.milliseconds)


def _ticks(spans: Iterable[range]) -> set[int]:
    return set(chain.from_iterable(spans))


def _runs(ticks: Collection[int]) -> Iterator[range]:
    """Yield the stretches of ticks that follow each other."""
    begun = last = None
    for tick in sorted(ticks):
        if begun is None or last is None or tick != last + 1:
            if begun is not None and last is not None:
                yield range(begun, last + 1)
            begun = tick
        last = tick
    if begun is not None and last is not None:
        yield range(begun, last + 1)
