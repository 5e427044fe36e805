"""What a change of a part is, and the changes of the smallest parts: names, labels, bounds, lengths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import promql_parser as promql

from config.spec.model import Unit
from observability.infer import Lookup, infer
from observability.promql import label_matchers, metric_name

MINUTE = timedelta(minutes=1)  # stories go in steps of a minute, so less than that nothing can tell apart
_MANY = 20  # from here on nobody counts one by one
_A_TENTH = Decimal("0.1")
_NEXT_TO_NOTHING: Mapping[Unit, Decimal] = {
    "ratio": Decimal("0.01"),
    "seconds": Decimal(1),
    "per_second": Decimal("0.01"),
    "bytes": Decimal(1_000_000),
    "usdt": Decimal(1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """What stands in the place of a part, and which test would notice."""

    kind: str
    now: str
    wanted: str


def of_selector(
    node: promql.VectorSelector, lookup: Lookup, names: Mapping[str, tuple[str, ...]]
) -> Iterator[Idea]:
    name, matchers = metric_name(node), list(node.matchers.matchers)
    offset = f" offset {written(node.offset)}" if node.offset else ""
    for place, matcher in enumerate(matchers):
        others = [str(one) for one in (*matchers[:place], *matchers[place + 1 :])]
        rest = f"{name}{{{', '.join(others)}}}{offset}"
        wanted = f"a series without {matcher}, which must not count"
        yield Idea(kind="matcher", now=rest, wanted=wanted)
        opposite = promql.Matcher(_NEGATED[str(matcher.op)], matcher.name, matcher.value)
        yield Idea(
            kind="matcher", now=f"{name}{{{', '.join([*others, str(opposite)])}}}{offset}", wanted=wanted
        )
        values = sorted(lookup(name).values.get(str(matcher.name), ()))
        other = next((one for one in values if one != matcher.value), None)
        if other is not None and (matcher.name, matcher.value) in label_matchers(node):
            changed = promql.Matcher(matcher.op, matcher.name, other)
            now = f"{name}{{{', '.join([*others, str(changed)])}}}{offset}"
            wanted = f"a series with {changed}, which must not count"
            yield Idea(kind="matcher", now=now, wanted=wanted)
    inside = str(node.matchers) if matchers else ""
    if node.offset:
        for now_offset in ("", *(f" offset {written(length)}" for length in lengths(node.offset))):
            wanted = f"a story that is other {written(node.offset)} ago than now, and than a half of it ago"
            yield Idea(kind="offset", now=f"{name}{inside}{now_offset}", wanted=wanted)
    for sibling in names.get(name, ()):
        wanted = f"a story in which {name} and {sibling} differ"
        yield Idea(kind="metric", now=f"{sibling}{inside}{offset}", wanted=wanted)


_NEGATED = {
    str(promql.MatchOp.Equal): promql.MatchOp.NotEqual,
    str(promql.MatchOp.NotEqual): promql.MatchOp.Equal,
    str(promql.MatchOp.Re): promql.MatchOp.NotRe,
    str(promql.MatchOp.NotRe): promql.MatchOp.Re,
}


def siblings(parts: list[promql.Expr], lookup: Lookup) -> dict[str, tuple[str, ...]]:
    """Return for each metric of an expression those others of it that could stand in its place."""
    names = list(dict.fromkeys(metric_name(one) for one in parts if isinstance(one, promql.VectorSelector)))
    return {
        name: tuple(other for other in names if other != name and lookup(other).type == lookup(name).type)
        for name in names
    }


def moved(number: float, beside: promql.Expr, lookup: Lookup) -> list[str]:
    """Return the bounds that somebody might have meant who compares with a number."""
    return steps(Decimal(str(number)), infer(beside, lookup).unit)


def steps(number: Decimal, unit: Unit | None) -> list[str]:
    """Return the next smaller and larger number: by one of what is counted, else by a tenth."""
    step = abs(number) * _A_TENTH
    if unit in ("count", None) and abs(number) < _MANY:
        step = Decimal(1)
    elif not number and unit is not None:
        step = _NEXT_TO_NOTHING[unit]
    return [f"{(number + move).normalize():f}" for move in (-step, step)]


def lengths(length: timedelta) -> list[timedelta]:
    """Return the half, of whole minutes, and the double."""
    half = length / 2 // MINUTE * MINUTE
    return [one for one in (half, length * 2) if one and one != length]


def written(length: timedelta) -> str:
    return str(promql.display_duration(length))
