"""label_replace() and label_join() read labels that are there, and can match.

Why: what reads a label that an aggregation has removed sees an empty text, copies nothing and says nothing;
a pattern that is no regular expression stops the whole query.
Fix: keep the label in the aggregation, or turn the two round: `sum by (new) (label_replace(...))`.
"""

import re
from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import nodes, shown


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if not isinstance(node, promql.Call) or node.func.name not in ("label_replace", "label_join"):
            continue
        texts = [str(one.val) if isinstance(one, promql.StringLiteral) else "" for one in node.args]
        labels = query.known.shape(node.args[0]).labels
        sources = texts[3:4] if node.func.name == "label_replace" else texts[3:]
        for label in sources:
            # Reading no label at all is how a fixed text is set.
            if label and labels is not None and label not in labels and not _sets_fixed(node, texts):
                text = f"{node.func.name}() reads label {label!r}, and {shown(node.args[0])} has none"
                yield Finding(query.place, text + did_you_mean(label, labels))
        if node.func.name == "label_replace" and (fault := _fault(texts[4])):
            yield Finding(query.place, f"label_replace(): {texts[4]!r} is no regular expression: {fault}")


def _sets_fixed(node: promql.Call, texts: list[str]) -> bool:
    """Tell whether the new text copies nothing, and is set although the label is empty."""
    is_fixed = node.func.name == "label_replace" and "$" not in texts[2]
    try:
        return is_fixed and re.fullmatch(texts[4], "") is not None
    except re.error:
        return False


def _fault(pattern: str) -> str | None:
    """Return what both Go and Python refuse; where only Python does, its words name its own syntax."""
    try:
        re.compile(pattern)
    except re.error as error:
        is_common = any(word in str(error) for word in ("unterminated", "missing )", "nothing to repeat"))
        return str(error) if is_common else None
    return None
