"""What an expression is worth at each step of a world of series: a small PromQL of our own.

It says beforehand what must fire when; promtool then says whether Prometheus agrees. A form that it does not
know it names, and never guesses.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import promql_parser as promql

from config.spec.model import Project
from observability.edges.functions import OVER, Line, predict_linear, quantile_of
from observability.infer import COMPARISONS
from observability.names import recorded
from observability.promql import admits, metric_name, parse, shown

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, Line]
World = Mapping[tuple[str, Labels], Line]
NOTHING: Labels = frozenset()


class UnknownFormError(Exception):
    """A form of expression that cannot be reckoned here."""


def _divided(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
}
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_EACH: dict[str, Callable[[float], float]] = {"abs": abs, "ceil": math.ceil, "floor": math.floor}
_TOGETHER: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "min": min,
    "max": max,
    "count": len,
    "group": lambda _: 1.0,
    "avg": lambda values: math.fsum(values) / len(values),
}


class Evaluator:
    """Expressions over one world; `steps` samples from 0 on, one every `step` seconds."""

    def __init__(self, project: Project, world: World, steps: int, step: int) -> None:
        self._prefix = recorded(project, "")
        self._measures = project.measures
        self._world = world
        self._steps = range(steps)
        self._step = step
        self._recorded: dict[str, Vector] = {}

    def measure(self, name: str) -> Vector:
        """Return what the rule of a measure records."""
        if name not in self._recorded:
            self._recorded[name] = self.vector(parse(self._measures[name].query))
        return self._recorded[name]

    def vector(self, node: promql.Expr) -> Vector:
        """Return the series of an expression; a scalar is one without labels."""
        match node:
            case promql.NumberLiteral():
                return {NOTHING: [node.val for _ in self._steps]}
            case promql.ParenExpr():
                return self.vector(node.expr)
            case promql.UnaryExpr():
                return _each(self.vector(node.expr), operator.neg)
            case promql.VectorSelector():
                return self._selected(node)
            case promql.AggregateExpr():
                return _aggregated(node, self.vector(node.expr), self._steps)
            case promql.BinaryExpr():
                return self._binary(node)
            case promql.Call():
                return self._called(node)
        raise UnknownFormError(f"`{shown(node)}` is a form that is not reckoned")

    def _selected(self, node: promql.VectorSelector) -> Vector:
        if node.at is not None:
            raise UnknownFormError(f"`{shown(node)}` is pinned to a time")
        name, wanted = metric_name(node), [m for m in node.matchers.matchers if m.name != "__name__"]
        if name.startswith(self._prefix) and name.removeprefix(self._prefix) in self._measures:
            found = self.measure(name.removeprefix(self._prefix))
        else:
            found = {labels: line for (one, labels), line in self._world.items() if one == name}
        chosen = {
            labels: line
            for labels, line in found.items()
            if all(admits(matcher, dict(labels).get(matcher.name, "")) for matcher in wanted)
        }
        return _shifted(chosen, self._in_steps(node.offset)) if node.offset else chosen

    def _in_steps(self, length: timedelta | None) -> int:
        steps = (length or timedelta(0)) / timedelta(seconds=self._step)
        if steps != int(steps) or steps < 0:
            raise UnknownFormError(f"{length} is no whole number of steps")
        return int(steps)

    def _windowed(self, node: promql.Expr) -> tuple[Vector, int]:
        match node:
            case promql.ParenExpr():
                return self._windowed(node.expr)
            case promql.MatrixSelector():
                return self.vector(node.vector_selector), self._in_steps(node.range)
            case promql.SubqueryExpr():
                if node.step is None or self._in_steps(node.step) != 1 or node.offset:
                    raise UnknownFormError(f"`{shown(node)}` looks at other times than those of the samples")
                return self.vector(node.expr), self._in_steps(node.range)
        raise UnknownFormError(f"`{shown(node)}` is no window")

    def _called(self, node: promql.Call) -> Vector:
        name, arguments = str(node.func.name), node.args
        match name:
            case "time":
                return {NOTHING: [float(step * self._step) for step in self._steps]}
            case "vector":
                return self.vector(arguments[0])
            case "absent":
                return _absent(arguments[0], self.vector(arguments[0]), self._steps)
            case "predict_linear":
                lines, width = self._windowed(arguments[0])
                return {
                    labels: predict_linear(line, width, self._step, _number(arguments[1]))
                    for labels, line in lines.items()
                }
            case "histogram_quantile":
                return _quantiles(_number(arguments[0]), self.vector(arguments[1]), self._steps)
            case "label_replace":
                return self._replaced(node)
            case "clamp_min" | "clamp_max":
                pick, limit = (max, min)[name == "clamp_max"], _number(arguments[1])
                return _each(self.vector(arguments[0]), lambda value: float(pick(value, limit)))
        if name in OVER:
            lines, width = self._windowed(arguments[0])
            return {labels: OVER[name](line, width, self._step) for labels, line in lines.items()}
        if name in _EACH:
            return _each(self.vector(arguments[0]), _EACH[name])
        raise UnknownFormError(f"`{name}()` is not reckoned")

    def _replaced(self, node: promql.Call) -> Vector:
        target, template, source, pattern = (str(one.val) for one in node.args[1:])
        told: Vector = {}
        for labels, line in self.vector(node.args[0]).items():
            found = re.fullmatch(pattern, dict(labels).get(source, ""), re.DOTALL)
            if found:
                text = found.expand(re.sub(r"\$\{?(\d+)\}?", r"\\g<\1>", template))
                labels = frozenset({**dict(labels), target: text}.items()) if text else labels
            told[labels] = line
        return told

    def _binary(self, node: promql.BinaryExpr) -> Vector:
        operation, left, right = str(node.op), self.vector(node.lhs), self.vector(node.rhs)
        if operation in ("and", "or", "unless"):
            return self._of_sets(node, left, right)
        reckon = _reckoning(node)
        if _is_number(node.lhs) or _is_number(node.rhs):
            is_filter = operation in COMPARISONS and not (node.modifier and node.modifier.return_bool)
            return {
                a or b: _joined(x, y, reckon, swapped=is_filter and _is_number(node.lhs))
                for a, x in left.items()
                for b, y in right.items()
            }
        if node.modifier is not None and node.modifier.card != promql.VectorMatchCardinality.OneToOne:
            raise UnknownFormError(f"`{shown(node)}` matches many series with one")
        told: Vector = {}
        for a, x in left.items():
            for b, y in right.items():
                if (key := _key(node, a)) == _key(node, b):
                    labels = key if node.modifier is not None and node.modifier.matching else a
                    _merge(told, labels, _joined(x, y, reckon), node)
        return told

    def _of_sets(self, node: promql.BinaryExpr, left: Vector, right: Vector) -> Vector:
        """`and` and `unless` keep of the left what the right has or has not; `or` adds of the right."""
        operation = str(node.op)
        kept, asked = (right, left) if operation == "or" else (left, right)
        has: dict[Labels, list[bool]] = {}
        for labels, line in asked.items():
            seen = has.setdefault(_key(node, labels), [False for _ in self._steps])
            for step, value in enumerate(line):
                seen[step] = seen[step] or value is not None
        never, wanted = [False for _ in self._steps], operation == "and"
        told = dict(left) if operation == "or" else {}
        for labels, line in kept.items():
            seen = has.get(_key(node, labels), never)
            mine = [value if there is wanted else None for value, there in zip(line, seen, strict=True)]
            _merge(told, labels, mine, node)
        return told


def _number(node: promql.Expr) -> float:
    if isinstance(node, promql.NumberLiteral):
        return float(node.val)
    raise UnknownFormError(f"`{shown(node)}` is not a plain number")


def _is_number(node: promql.Expr) -> bool:
    """Whether an expression is a scalar, which goes with every series."""
    match node:
        case promql.NumberLiteral():
            return True
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_number(node.expr)
        case promql.Call():
            return str(node.func.name) == "time"
        case promql.BinaryExpr():
            return _is_number(node.lhs) and _is_number(node.rhs)
    return False


Reckoning = Callable[[float, float], float | None]


def _reckoning(node: promql.BinaryExpr) -> Reckoning:
    operation = str(node.op)
    if operation in COMPARISONS:
        holds = _COMPARED[operation]
        if node.modifier is not None and node.modifier.return_bool:
            return lambda a, b: float(holds(a, b))
        return lambda a, b: a if holds(a, b) else None
    if operation not in _ARITHMETIC:
        raise UnknownFormError(f"`{operation}` is not reckoned")
    return _ARITHMETIC[operation]


def _joined(x: Line, y: Line, reckon: Reckoning, *, swapped: bool = False) -> Line:
    """Reckon step by step; a comparison with a number on its left keeps the value of its right."""
    told: Line = []
    for a, b in zip(x, y, strict=True):
        value = None if a is None or b is None else reckon(a, b)
        told.append(b if swapped and value is not None else value)
    return told


def _key(node: promql.BinaryExpr, labels: Labels) -> Labels:
    """Return the labels by which series of both sides are matched."""
    modifier = node.modifier
    if modifier is None or modifier.matching is None:
        return labels
    named = set(map(str, modifier.matching.labels))
    is_on = modifier.matching.type == promql.LabelModifierType.Include
    return frozenset(one for one in labels if (one[0] in named) is is_on)


def _merge(told: Vector, labels: Labels, line: Line, node: promql.Expr) -> None:
    """Put a series to the others; two of the same labels may take turns, and never speak at once."""
    before = told.get(labels)
    if before is None:
        told[labels] = line
        return
    if any(a is not None and b is not None for a, b in zip(before, line, strict=True)):
        raise UnknownFormError(f"`{shown(node)}` has two series of the same labels")
    told[labels] = [b if a is None else a for a, b in zip(before, line, strict=True)]


def _each(vector: Vector, change: Callable[[float], float]) -> Vector:
    return {
        labels: [None if value is None else change(value) for value in line]
        for labels, line in vector.items()
    }


def _shifted(vector: Vector, steps: int) -> Vector:
    return {
        labels: [*[None] * min(steps, len(line)), *line[: max(len(line) - steps, 0)]]
        for labels, line in vector.items()
    }


def _aggregated(node: promql.AggregateExpr, inner: Vector, steps: Iterable[int]) -> Vector:
    operation = str(node.op)
    if operation not in _TOGETHER:
        raise UnknownFormError(f"`{operation}` is not reckoned")
    groups: dict[Labels, list[Line]] = {}
    for labels, line in inner.items():
        groups.setdefault(_group(node, labels), []).append(line)
    return {
        labels: [_of_present(_TOGETHER[operation], [line[step] for line in lines]) for step in steps]
        for labels, lines in groups.items()
    }


def _of_present(together: Callable[[list[float]], float], values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return float(together(present)) if present else None


def _group(node: promql.AggregateExpr, labels: Labels) -> Labels:
    if node.modifier is None:
        return NOTHING
    named = set(map(str, node.modifier.labels))
    is_by = node.modifier.type == promql.AggModifierType.By
    return frozenset(one for one in labels if (one[0] in named) is is_by)


def _absent(node: promql.Expr, inner: Vector, steps: Iterable[int]) -> Vector:
    if not isinstance(node, promql.VectorSelector):
        raise UnknownFormError(f"`absent({shown(node)})` is not of a plain selector")
    equal = [m for m in node.matchers.matchers if m.op == promql.MatchOp.Equal and m.name != "__name__"]
    labels = frozenset((str(m.name), str(m.value)) for m in equal)
    lines = list(inner.values())
    return {labels: [None if any(line[step] is not None for line in lines) else 1.0 for step in steps]}


def _quantiles(q: float, buckets: Vector, steps: Iterable[int]) -> Vector:
    groups: dict[Labels, list[tuple[float, Line]]] = {}
    for labels, line in buckets.items():
        bound = float(dict(labels).get("le", "nan"))
        groups.setdefault(frozenset(one for one in labels if one[0] != "le"), []).append((bound, line))
    told: Vector = {}
    for labels, lines in groups.items():
        told[labels] = []
        for step in steps:
            present = [(bound, value) for bound, line in lines if (value := line[step]) is not None]
            told[labels].append(quantile_of(q, present) if present else None)
    return told
