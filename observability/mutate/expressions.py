"""The small changes of a PromQL expression that a good test notices, made on its syntax tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import promql_parser as promql

from observability.infer import COMPARISONS, Lookup, infer
from observability.mutate.ideas import Idea, lengths, moved, of_selector, siblings, steps, written
from observability.promql import parse, shown

_EDGES = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}
_OPPOSITES = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "!=", "!=": "=="}
_SETS = frozenset({"and", "or", "unless"})
_SWAPPED = {"and": "unless", "unless": "and"}
_INVERSES = {"+": "-", "-": "+", "*": "/", "/": "*"}
_ONE_SIDED = frozenset({"-", "/"})
_AGGREGATIONS = {
    "sum": ("max",),
    "max": ("min", "sum"),
    "min": ("max",),
    "avg": ("max", "min"),
    "count": ("sum",),
}
_FUNCTIONS = {
    "rate": "increase",
    "increase": "rate",
    "delta": "increase",
    "changes": "resets",
    "min_over_time": "max_over_time",
    "max_over_time": "min_over_time",
    "sum_over_time": "max_over_time",
    "avg_over_time": "max_over_time",
    "last_over_time": "max_over_time",
    "count_over_time": "sum_over_time",
}
# Their last argument is a length of time, which is no bound.
_HORIZONS = frozenset({"predict_linear"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of an expression: what stood there, what stands there now, and the whole that it makes.

    `at` is the changed part's place among the parts, so that it can be told where it is in the spec; `wanted`
    says which test would notice.
    """

    kind: str
    was: str
    now: str
    expr: str
    at: promql.Expr = field(compare=False, repr=False)
    wanted: str


def changes(text: str, lookup: Lookup) -> Iterator[Change]:
    """Yield every change of a valid expression; none gives the expression itself, and none comes twice."""
    parts: list[promql.Expr] = []
    promql.transform(parse(text), post_visit=lambda node: parts.append(node))
    seen = {_normal(text)}
    names, guards = siblings(parts, lookup), _guards(parts)
    for index, node in enumerate(parts):
        for idea in _ideas(node, lookup, names, is_guard=index in guards):
            expr = _with(text, index, idea.now)
            if expr is not None and _normal(expr) not in seen:
                seen.add(_normal(expr))
                now = shown(parse(idea.now))
                yield Change(kind=idea.kind, was=shown(node), now=now, expr=expr, at=node, wanted=idea.wanted)


def renamed(text: str, names: Mapping[str, str], alerts: Mapping[str, str]) -> str:
    """Return an expression that reads other series: those of these names, and ALERTS of these alerts."""

    def rename(node: promql.Expr) -> promql.Expr | None:
        if not isinstance(node, promql.VectorSelector):
            return None
        node.name = names.get(str(node.name), node.name)
        matchers = node.matchers.matchers
        for matcher in matchers:
            if matcher.name == "alertname" and matcher.op == promql.MatchOp.Equal:
                matcher.value = alerts.get(matcher.value, matcher.value)
        node.matchers = promql.Matchers(matchers)
        # What was set is in the text of the node alone, until it is read again.
        return promql.parse(str(node))

    return shown(promql.transform(parse(text), post_visit=rename))


def _normal(text: str) -> str:
    return shown(parse(text))


def _with(text: str, index: int, new: str) -> str | None:
    """Return the expression with another part in the place of one, or None where it would not be valid."""
    left = iter(range(index + 1))

    def put(_: promql.Expr) -> promql.Expr | None:
        return promql.parse(new) if next(left, None) == index else None

    try:
        made = shown(promql.transform(parse(text), post_visit=put))
        parse(made)
    except ValueError:
        return None
    return made


def _ideas(
    node: promql.Expr, lookup: Lookup, names: Mapping[str, tuple[str, ...]], *, is_guard: bool
) -> Iterator[Idea]:
    match node:
        case promql.BinaryExpr() if str(node.op) in _SETS:
            yield from _branches(node)
        case promql.BinaryExpr() if str(node.op) in COMPARISONS:
            yield from _guard(node) if is_guard else _comparison(node, lookup)
        case promql.BinaryExpr():
            yield from _arithmetic(node, lookup)
        case promql.UnaryExpr():
            yield Idea(kind="sign", now=shown(node.expr), wanted="a story with a value of either sign")
        case promql.AggregateExpr():
            yield from _aggregation(node, lookup)
        case promql.Call():
            yield from _call(node)
        case promql.MatrixSelector():
            selected = shown(node.vector_selector)
            for length in lengths(node.range):
                yield _window(_ranged(selected, length), node.range)
        case promql.SubqueryExpr() if node.range is not None:
            inner, step = shown(node.expr), written(node.step) if node.step else ""
            for length in lengths(node.range):
                yield _window(f"{inner}[{written(length)}:{step}]", node.range)
        case promql.VectorSelector():
            yield from of_selector(node, lookup, names)


def _window(now: str, was: timedelta) -> Idea:
    text = f"a story in which what counts happened more than {written(was / 2)}, and more than"
    return Idea(kind="window", now=now, wanted=f"{text} {written(was)}, before it is asked")


def _branches(node: promql.BinaryExpr) -> Iterator[Idea]:
    left, right, word = shown(node.lhs), shown(node.rhs), str(node.op)
    if word == "or":
        yield Idea(kind="branch", now=left, wanted=f"a story in which only {right} has a value")
        yield Idea(kind="branch", now=right, wanted=f"a story in which only {left} has a value")
        return
    silent = "has no value" if word == "and" else "has a value"
    wanted = f"a story in which it would speak and {right} {silent}"
    yield Idea(kind="condition", now=left, wanted=wanted)
    now = f"{left} {_SWAPPED[word]}{_modifier(node)} {right}"
    yield Idea(
        kind="condition", now=now, wanted=f"a story in which it speaks, {wanted.removeprefix('a story ')}"
    )
    yield from _matching(node)


def _guard(node: promql.BinaryExpr) -> Iterator[Idea]:
    left, word = shown(node.lhs), str(node.op)
    wanted = f"a story in which {left} is 0, and the rest would speak"
    yield Idea(kind="guard", now=left, wanted=wanted)
    now = f"{left} {_OPPOSITES[word]}{_modifier(node)} {shown(node.rhs)}"
    yield Idea(kind="guard", now=now, wanted=f"a story in which {left} is {word} {shown(node.rhs)}")


def _comparison(node: promql.BinaryExpr, lookup: Lookup) -> Iterator[Idea]:
    left, right, word, how = shown(node.lhs), shown(node.rhs), str(node.op), _modifier(node)
    if word in _EDGES:
        wanted = f"a story with the value exactly at {right}"
        yield Idea(kind="comparison", now=f"{left} {_EDGES[word]}{how} {right}", wanted=wanted)
    wanted = f"a story with the value on either side of {right}"
    yield Idea(kind="comparison", now=f"{left} {_OPPOSITES[word]}{how} {right}", wanted=wanted)
    if node.modifier is not None and node.modifier.return_bool:
        wanted = f"a story in which it matters that {left} {word} {right} is 0 or 1, and never absent"
        yield Idea(kind="comparison", now=f"{left} {word}{how.replace(' bool', '')} {right}", wanted=wanted)
    elif isinstance(node.rhs, promql.NumberLiteral):
        wanted = f"a story in which {left} is there, and not {word} {right}"
        yield Idea(kind="comparison", now=left, wanted=wanted)
    if isinstance(node.rhs, promql.NumberLiteral):
        for number in moved(node.rhs.val, node.lhs, lookup):
            wanted = f"a story with the value between {right} and {number}"
            yield Idea(kind="threshold", now=f"{left} {word}{how} {number}", wanted=wanted)
    else:
        yield from _matching(node)


def _arithmetic(node: promql.BinaryExpr, lookup: Lookup) -> Iterator[Idea]:
    left, right, word, how = shown(node.lhs), shown(node.rhs), str(node.op), _modifier(node)
    if word in _INVERSES:
        wanted = f"a story in which {right} is neither 0 nor 1"
        yield Idea(
            kind="arithmetic",
            now=f"{_wrapped(node.lhs)} {_INVERSES[word]}{how} {_wrapped(node.rhs)}",
            wanted=wanted,
        )
    if word in _ONE_SIDED:
        wanted = f"a story in which {left} and {right} differ"
        yield Idea(
            kind="swapped", now=f"{_wrapped(node.rhs)} {word}{how} {_wrapped(node.lhs)}", wanted=wanted
        )
    for number, other in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
        if isinstance(number, promql.NumberLiteral) and not isinstance(other, promql.NumberLiteral):
            for near in moved(number.val, other, lookup):
                now = f"{near} {word} {right}" if number is node.lhs else f"{left} {word} {near}"
                wanted = f"a story in which {shown(node)} decides closely"
                yield Idea(kind="number", now=now, wanted=wanted)
    yield from _matching(node)


def _matching(node: promql.BinaryExpr) -> Iterator[Idea]:
    """Two sides that are matched by fewer labels."""
    modifier = node.modifier
    if modifier is None or modifier.matching is None:
        return
    labels = [str(label) for label in modifier.matching.labels]
    for dropped in labels:
        kept = ", ".join(label for label in labels if label != dropped)
        word = "on" if modifier.matching.type == promql.LabelModifierType.Include else "ignoring"
        how = str(modifier).replace(f"{word} ({', '.join(labels)})", f"{word} ({kept})")
        now = f"{shown(node.lhs)} {node.op} {how} {shown(node.rhs)}"
        wanted = f"a story with two values of {dropped}, of which one has no match"
        yield Idea(kind="matching", now=now, wanted=wanted)


def _aggregation(node: promql.AggregateExpr, lookup: Lookup) -> Iterator[Idea]:
    word, inner = str(node.op), shown(node.expr)
    how = f" {node.modifier} " if node.modifier is not None else ""
    param = f"{shown(node.param)}, " if isinstance(node.param, promql.Expr) else ""
    shape = infer(node.expr, lookup)
    labels = [str(label) for label in node.modifier.labels] if node.modifier is not None else []
    # What can be one thing only, wherever the stories take place, tells no series from another.
    apart = (shape.labels or frozenset()) - (shape.pinned - {"instance"}) - set(labels)
    for other in _AGGREGATIONS.get(word, ()) if apart or word == "count" else ():
        wanted = f"a story with two series in {inner}, of which only one is beyond the bound"
        if "sum" in (word, other):
            wanted = f"a story with two series in {inner}, which are beyond the bound only together"
        yield Idea(kind="aggregation", now=f"{other}{how}({inner})", wanted=wanted)
    if node.modifier is not None and node.modifier.type != promql.AggModifierType.By:
        return
    for dropped in labels:
        kept = [label for label in labels if label != dropped]
        wanted = f"a story with two values of {dropped}, and what it says of one of them"
        yield Idea(kind="by", now=f"{_grouped(word, kept)}({param}{inner})", wanted=wanted)
    for added in sorted(apart):
        wanted = f"a story with two values of {added}, and what it says of them together, with a value"
        yield Idea(kind="by", now=f"{_grouped(word, [*labels, added])}({param}{inner})", wanted=wanted)


def _call(node: promql.Call) -> Iterator[Idea]:
    name, arguments = str(node.func.name), [shown(argument) for argument in node.args]
    if name in _FUNCTIONS:
        now = f"{_FUNCTIONS[name]}({', '.join(arguments)})"
        wanted = f"a story in which {name}() and {_FUNCTIONS[name]}() differ by more than the bound allows"
        yield Idea(kind="function", now=now, wanted=wanted)
    for place, argument in enumerate(node.args):
        if not isinstance(argument, promql.NumberLiteral) or name == "vector":
            continue
        if name in _HORIZONS:
            numbers = [f"{argument.val / 2:g}", f"{argument.val * 2:g}"]
        elif name == "histogram_quantile":
            numbers = ["0.9", "1"]
        else:
            numbers = steps(Decimal(str(argument.val)), None)
        for number in numbers:
            now = f"{name}({', '.join([*arguments[:place], number, *arguments[place + 1 :]])})"
            yield Idea(kind="number", now=now, wanted=f"a story that only {shown(node)} decides so")
    vectors = [one for one in node.args if not isinstance(one, promql.NumberLiteral | promql.StringLiteral)]
    if vectors and not isinstance(vectors[0], promql.MatrixSelector | promql.SubqueryExpr):
        if name == "vector":
            return
        wanted = f"a story in which {name}() changes what fires"
        yield Idea(kind="function", now=shown(vectors[0]), wanted=wanted)
    elif name == "vector" and isinstance(node.args[0], promql.NumberLiteral):
        for number in steps(Decimal(str(node.args[0].val)), None):
            yield Idea(kind="number", now=f"vector({number})", wanted=f"a story that {shown(node)} decides")


def _ranged(selected: str, length: timedelta) -> str:
    body, offset, rest = selected.partition(" offset ")
    return f"{body}[{written(length)}]{offset}{rest}"


def _wrapped(node: promql.Expr) -> str:
    """Return an operand that may stand on any side of any operator."""
    return f"({shown(node)})" if isinstance(node, promql.BinaryExpr | promql.UnaryExpr) else shown(node)


def _grouped(word: str, labels: Sequence[str]) -> str:
    return f"{word} by ({', '.join(labels)}) " if labels else word


def _guards(parts: Sequence[promql.Expr]) -> set[int]:
    """Return which parts keep a divisor from being 0; what is divided comes after both of its sides."""
    found: set[int] = set()
    for index, node in enumerate(parts):
        if (
            isinstance(node, promql.BinaryExpr)
            and str(node.op) == "/"
            and isinstance(node.rhs, promql.ParenExpr)
        ):
            inner = node.rhs.expr
            if isinstance(inner, promql.BinaryExpr) and str(inner.op) in COMPARISONS:
                found.add(index - 2)
    return found


def _modifier(node: promql.BinaryExpr) -> str:
    return f" {str(node.modifier).strip()}" if node.modifier is not None else ""
