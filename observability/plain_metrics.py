"""What is known of metrics that no catalogue lists: by /metrics, by their names, by the rules on them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import promql_parser as promql

from config.spec.model import Unit
from observability.infer import Lookup, Shape, infer
from observability.promql import metric_name, nodes, parse, syntax_error
from observability.rules import Rule
from observability.wholes import words_of

# By the naming rules of Prometheus these are counters; but `disks_total` is many an exporter's gauge.
_COUNTER_SUFFIXES = ("_total", "_bucket")
_RATES = frozenset({"rate", "irate", "increase"})
# So one of these events must be counted, or some rule must read the speed of it.
_EVENT_NAMES = """
    error errors failure failures failed request requests response responses restart restarts retry retries
    exception exceptions drop drops dropped rejected refused timeout timeouts evicted evictions attempts
    messages packets operations ops queries calls hits misses received sent transmitted processed handled
    completed done started aborted discarded expired deadlocks collisions kills panics conflicts
"""
_EVENTS = frozenset(_EVENT_NAMES.split())
# What is there now goes up and down, whatever it is called.
_NOW = frozenset({"pending", "active", "current", "queued", "open", "inflight"})
# And this is what the end of a name says of the unit; the first that fits.
_UNIT_SUFFIXES: tuple[tuple[str, Unit], ...] = (
    ("_seconds_total", "seconds"),
    ("_bytes_total", "bytes"),
    ("_seconds_sum", "seconds"),
    ("_bytes_sum", "bytes"),
    ("_total", "count"),
    ("_count", "count"),
    ("_bucket", "count"),
    ("_seconds", "seconds"),
    ("_bytes", "bytes"),
    ("_ratio", "ratio"),
)


def lookup_of(rules: Sequence[Rule], exported: Mapping[str, Shape]) -> Lookup:
    """Return what knows the metrics; a recording rule has the shape of its expression."""
    recorded: dict[str, list[Rule]] = {}
    readable = [rule for rule in rules if syntax_error(rule.expr) is None]
    for rule in readable:
        if not rule.is_alert:
            recorded.setdefault(rule.name, []).append(rule)
    rated = {name for rule in readable for name in _rated(rule)}
    known = dict(exported)

    def lookup(name: str) -> Shape:
        if name in recorded and name not in known:
            known[name] = Shape()  # a rule that reads itself ends here
            known[name] = _agreed([_recorded(rule, lookup) for rule in recorded[name]])
        shape = known.get(name, Shape())
        if name in recorded:
            return shape
        is_counter = name not in exported and _is_counter(name, rated)
        unit = next((unit for suffix, unit in _UNIT_SUFFIXES if name.endswith(suffix)), None)
        return replace(shape, type="counter" if is_counter else shape.type, unit=shape.unit or unit)

    return lookup


def _is_counter(name: str, rated: set[str]) -> bool:
    words = words_of(name)
    is_event = not words.isdisjoint(_EVENTS) and words.isdisjoint(_NOW)
    return name.endswith(_COUNTER_SUFFIXES) and (name in rated or is_event)


def _rated(rule: Rule) -> Iterator[str]:
    for node in nodes(parse(rule.expr)):
        if isinstance(node, promql.Call) and node.func.name in _RATES:
            for inner in nodes(node.args[0]):
                if isinstance(inner, promql.VectorSelector):
                    yield metric_name(inner)


def _recorded(rule: Rule, lookup: Lookup) -> Shape:
    shape = infer(parse(rule.expr), lookup)
    labels = None if shape.labels is None else shape.labels | set(rule.labels)
    return Shape(type="gauge", labels=labels, unit=shape.unit)


def _agreed(shapes: Sequence[Shape]) -> Shape:
    """Return what is known of a name that several rules record: what all of them say."""
    labels, units = {shape.labels for shape in shapes}, {shape.unit for shape in shapes}
    return Shape(
        type="gauge",
        labels=shapes[0].labels if len(labels) == 1 else None,
        unit=shapes[0].unit if len(units) == 1 else None,
    )
