"""An aggregation keeps only labels that there are.

Why: `sum by (sourse) (x)` is one series without labels; alerts and legends that use the label show nothing.
Fix: correct the label's name.
"""

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
        if not isinstance(node, promql.AggregateExpr) or node.modifier is None:
            continue
        labels = query.known.shape(node.expr).labels
        if labels is None:
            continue
        word = "by" if node.modifier.type == promql.AggModifierType.By else "without"
        for label in map(str, node.modifier.labels):
            if label not in labels:
                near = did_you_mean(label, labels)
                yield Finding(query.place, f"{word} ({label}): {shown(node.expr)} has no such label{near}")
