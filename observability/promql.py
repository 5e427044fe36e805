"""Questions to a PromQL expression, answered from its syntax tree and never from its text."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache

import promql_parser as promql

from config.spec.duration import Duration

# What Prometheus itself adds to every scrape and every alert, so no catalogue lists it.
SYNTHETIC = frozenset(
    {"up", "scrape_duration_seconds", "scrape_samples_scraped", "ALERTS", "ALERTS_FOR_STATE"}
)
_MOST_PARTS = 5000
_MOST_KEPT = 1_000_000  # every check asks for every expression, so none may have been forgotten by then
_SECONDS_ARGUMENT = frozenset({"predict_linear"})  # their second argument is a time to come
_FIRST_MARK = 1_000_000_000  # seconds; no real window is thirty years long


@lru_cache(_MOST_KEPT)
def parse(text: str) -> promql.Expr:
    """Return the tree of a valid expression; whoever asks again gets the same one, so never change it."""
    return promql.parse(text)


@lru_cache(_MOST_KEPT)
def syntax_error(text: str) -> str | None:
    """Return what is wrong with the expression, or None."""
    try:
        depth = len(nodes(parse(text)))
    except ValueError as error:
        return str(error).strip().splitlines()[0]
    except RecursionError:
        return "nested too deeply"
    return f"{depth} parts are more than anybody can read" if depth > _MOST_PARTS else None


@lru_cache(_MOST_KEPT)
def nodes(expr: promql.Expr) -> tuple[promql.Expr, ...]:
    """Return the expression and everything below it; a change to a node changes the whole.

    The library's own walk hands out copies, so changes made there are lost.
    """
    return tuple(walk(expr))


def walk(expr: promql.Expr) -> Iterator[promql.Expr]:
    """Yield the expression and everything below it; `nodes` remembers what it was asked."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def children(expr: promql.Expr) -> Iterator[promql.Expr]:
    """Yield what stands right below an expression."""
    for field in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if isinstance(child := getattr(expr, field, None), promql.Expr):
            yield child
    yield from getattr(expr, "args", ())


def length_of(expr: promql.Expr) -> Duration | None:
    """Return the window of a range or subquery."""
    length = getattr(expr, "range", None)
    return as_duration(length) if isinstance(length, timedelta) else None


def shown(expr: promql.Expr) -> str:
    """Return an expression as people write it, without the empty braces that the library adds."""
    return str(expr).replace("{}", "")


def prettified(text: str) -> str:
    """Return a valid expression in the one form that all ways to write it have."""
    return str(parse(text).prettify())


def selectors(text: str) -> Iterator[tuple[str, promql.VectorSelector]]:
    """Yield every selector of a valid expression with its metric name, in order."""
    for node in nodes(parse(text)):
        if isinstance(node, promql.VectorSelector):
            yield metric_name(node), node


def metric_names(text: str) -> list[str]:
    """Return the metric names of a valid expression, each once, in order."""
    return list(dict.fromkeys(name for name, _ in selectors(text)))


def names_in(expr: promql.Expr) -> list[str]:
    """Return the metric names of a tree, in order."""
    return [metric_name(node) for node in nodes(expr) if isinstance(node, promql.VectorSelector)]


def label_matchers(selector: promql.VectorSelector) -> list[tuple[str, str]]:
    """Return the labels that the selector wants to equal a value."""
    equal = [m for m in selector.matchers.matchers if m.op == promql.MatchOp.Equal and m.name != "__name__"]
    return [(str(m.name), str(m.value)) for m in equal]


def admits(matcher: promql.Matcher, value: str) -> bool:
    """Tell whether a label with this value gets through, as all does where Python cannot read the pattern."""
    if matcher.op == promql.MatchOp.Equal:
        return bool(matcher.value == value)
    if matcher.op == promql.MatchOp.NotEqual:
        return bool(matcher.value != value)
    try:
        matches = re.fullmatch(matcher.value, value, re.DOTALL) is not None
    except re.error:
        return True
    return matches is bool(matcher.op == promql.MatchOp.Re)


def scaled(text: str, factor: float) -> str:
    """Return the expression with every window, step and offset divided by `factor`."""
    root = promql.parse(text)
    for node in walk(root):
        if isinstance(node, promql.Call) and node.func.name in _SECONDS_ARGUMENT:
            _scale_seconds(node.args[1], factor)
    return exactly(root, lambda _node, _field, length: str(_shorter(length, factor)))


def exactly(root: promql.Expr, written: Callable[[promql.Expr, str, timedelta], str]) -> str:
    """Return the text of a tree that nobody else has, with each range, step and offset as it is written.

    The library prints whole seconds only and loses the colon of a subquery without a step. So each length is
    printed as a mark of its own first, which then gives way to the exact text.
    """
    texts: dict[str, str] = {}
    for node in walk(root):
        for field in ("range", "step", "offset"):
            if isinstance(length := getattr(node, field, None), timedelta):
                mark = timedelta(seconds=_FIRST_MARK + len(texts))
                exact = written(node, field, abs(length))
                without_step = (
                    field == "range" and isinstance(node, promql.SubqueryExpr) and node.step is None
                )
                texts[promql.display_duration(mark)] = exact + ":" if without_step else exact
                setattr(node, field, mark if length >= timedelta(0) else -mark)
    printed = str(root)
    # The longest first: one mark may be the beginning of another.
    for mark_text in sorted(texts, key=len, reverse=True):
        printed = printed.replace(mark_text, texts[mark_text])
    return printed


def _scale_seconds(argument: promql.Expr, factor: float) -> None:
    """Divide a number of seconds; one that is not written as a number cannot be scaled."""
    if not isinstance(argument, promql.NumberLiteral):
        raise ValueError(f"{argument} is not a plain number of seconds, so it cannot be scaled")
    argument.val /= factor


def metric_name(selector: promql.VectorSelector) -> str:
    """Return the name that a selector asks for, or nothing."""
    if selector.name:
        return str(selector.name)
    matchers = selector.matchers.matchers
    named = [m.value for m in matchers if m.name == "__name__" and m.op == promql.MatchOp.Equal]
    return str(named[0]) if named else ""


def _shorter(length: timedelta, factor: float) -> Duration:
    return as_duration(length).scaled(factor)


def as_duration(length: timedelta) -> Duration:
    return Duration(round(length / timedelta(milliseconds=1)))
