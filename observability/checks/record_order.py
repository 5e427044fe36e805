"""What reads a recorded series comes after the rule that records it, and looks back far enough.

Why: the rules of a group are evaluated one after the other, so one that stands above sees the value of the
last time; and a window shorter than the interval of the recording group is empty now and then: silence.
Fix: move the recording rule up; make the window longer, or the group's interval shorter.
"""

from collections.abc import Iterator, Sequence

import promql_parser as promql

from config.spec.duration import Duration
from config.spec.model import Project
from config.spec.problem import Related
from observability.checks.finding import Finding
from observability.promql import children, length_of, names_in, nodes, parse, syntax_error
from observability.rules import Group, Rule

SAMPLES = 2
_COMPARING = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"})


def check(project: Project) -> Iterator[Finding]:
    """Measures read no measures of their own file, and all are evaluated at one pace."""
    yield from ()


def check_groups(groups: Sequence[Group]) -> Iterator[Finding]:
    intervals: dict[str, list[Duration | None]] = {}
    for group in groups:
        for rule in group.rules:
            if not rule.is_alert:
                intervals.setdefault(rule.name, []).append(group.interval)
    for group in groups:
        yield from _order(group)
        for rule in group.rules:
            yield from _windows(rule, intervals)


def _order(group: Group) -> Iterator[Finding]:
    last: dict[str, int] = {rule.name: at for at, rule in enumerate(group.rules) if not rule.is_alert}
    for at, rule in enumerate(group.rules):
        for name in _read_now(parse(rule.expr)) if syntax_error(rule.expr) is None else ():
            if last.get(name, at) > at and name != rule.name:
                text = f"{name!r} is recorded further down in this group, so this reads its last value"
                related = (Related(group.rules[last[name]].place, "recorded here"),)
                yield Finding(rule.where("expr"), text, "warning", related)


def _read_now(tree: promql.Expr) -> list[str]:
    """Return the names that are read as they are; in a window one value more or less is nothing."""
    if isinstance(tree, promql.MatrixSelector):
        return []
    own = names_in(tree) if isinstance(tree, promql.VectorSelector) else []
    return own + [name for child in children(tree) for name in _read_now(child)]


def _windows(rule: Rule, intervals: dict[str, list[Duration | None]]) -> Iterator[Finding]:
    for node in nodes(parse(rule.expr)) if syntax_error(rule.expr) is None else ():
        read = next(
            (one for one in getattr(node, "args", ()) if isinstance(one, promql.MatrixSelector)), None
        )
        window = None if read is None else length_of(read)
        if not isinstance(node, promql.Call) or read is None or window is None:
            continue
        [name] = names_in(read)
        every = intervals.get(name, [])
        known = [interval for interval in every if interval is not None]
        if len(known) < len(every) or not known:
            continue  # recorded nowhere here, or at the pace of the server, which no rule file tells
        samples = SAMPLES if node.func.name in _COMPARING else 1
        least = Duration(samples * min(known).milliseconds)
        if window < least:
            text = f"{name!r} is recorded every {min(known)}, and a window of {window} holds too few of it"
            yield Finding(rule.where("expr"), f"{text}; make it {least} or longer")
