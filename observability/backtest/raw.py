"""Rules asked of raw metrics alone: what a rule records stands in its place, so it need never have run."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise

import promql_parser as promql

from config.spec.duration import Duration
from observability.promql import (
    as_duration,
    children,
    exactly,
    label_matchers,
    metric_name,
    names_in,
    parse,
    walk,
)
from observability.rules import Rule

_MARK = "recorded_by_rule_"  # with a number and a final _, so that no mark is the beginning of another


class RawError(Exception):
    """An expression cannot be asked of raw metrics; the message says why."""


class Raw:
    """Writes expressions without recorded names; `step` is the time between two evaluations of a rule."""

    def __init__(self, rules: Iterable[Rule], step: Duration) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            if not rule.is_alert:
                self._rules.setdefault(rule.name, []).append(rule)
        self._step = step
        self._known: dict[str, str] = {}

    def expression(self, text: str, reading: tuple[str, ...] = ()) -> str:
        """Return the expression over raw metrics; `reading` are the recorded names that lead to it."""
        root = promql.parse(text)
        texts: dict[str, str] = {}
        for above, node in pairwise([None, *walk(root)]):
            if isinstance(node, promql.VectorSelector) and (name := metric_name(node)) in self._rules:
                query = self._recorded(name, reading)
                mark = f"{_MARK}{len(texts)}_"
                texts[mark] = self._selected(node, query, is_range=isinstance(above, promql.MatrixSelector))
                node.name, node.matchers = mark, promql.Matchers([])

        def written(node: promql.Expr, field: str, length: timedelta) -> str:
            exact = str(as_duration(length))
            is_range = field == "range" and isinstance(node, promql.MatrixSelector)
            is_recorded = is_range and any(getattr(one, "name", None) in texts for one in children(node))
            return f"{exact}:{self._step}" if is_recorded else exact

        printed = exactly(root, written)
        for mark, query in texts.items():
            printed = printed.replace(f"{mark}{{}}", query).replace(mark, query)
        return printed

    def _recorded(self, name: str, reading: tuple[str, ...]) -> str:
        if name in reading:
            raise RawError(f"{name} reads itself")
        if name not in self._known:
            parts = [self._labelled(rule, (*reading, name)) for rule in self._rules[name]]
            self._known[name] = " or ".join(parts)
        return self._known[name]

    def _labelled(self, rule: Rule, reading: tuple[str, ...]) -> str:
        query = f"({self.expression(rule.expr, reading)})"
        for label, value in rule.labels.items():
            query = f'label_replace({query}, "{label}", {_quoted(value)}, "", "")'
        return query

    def _selected(self, node: promql.VectorSelector, query: str, *, is_range: bool) -> str:
        """Return what a selector of a recorded name finds; an offset of a range stays where it stands."""
        if node.at is not None:
            raise RawError(f"{metric_name(node)} is read with @, which cannot be asked of an expression")
        query = f"({_matching(node, query)})"
        if is_range or node.offset is None:
            return query
        sign = "-" if node.offset < timedelta(0) else ""
        offset = f"{sign}{as_duration(abs(node.offset))}"
        node.offset = None
        return f"last_over_time({query}[{self._step}:{self._step}] offset {offset})"


def reads(text: str) -> bool:
    """Tell whether an expression reads any metric; one that reads none always says the same."""
    return bool(names_in(parse(text)))


def _matching(node: promql.VectorSelector, query: str) -> str:
    """Return the part of an expression whose labels a selector wants: a vector of one that has them."""
    wanted = dict(label_matchers(node))
    others = [one for one in node.matchers.matchers if one.name != "__name__" and one.name not in wanted]
    if others or node.matchers.or_matchers or "" in wanted.values():
        raise RawError(f"{node} selects by more than equal labels, which cannot be asked of an expression")
    if not wanted:
        return query
    one = "vector(1)"
    for label, value in wanted.items():
        one = f'label_replace({one}, "{label}", {_quoted(value)}, "", "")'
    return f"({query}) and on ({', '.join(wanted)}) {one}"


def _quoted(text: str) -> str:
    """Return a string of PromQL that label_replace takes word for word."""
    return '"' + "".join(_escaped(text)) + '"'


def _escaped(text: str) -> Iterator[str]:
    for char in text:
        yield {"\\": "\\\\", '"': '\\"', "\n": "\\n", "$": "$$"}.get(char, char)
