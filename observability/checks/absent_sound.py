"""absent() is asked about a plain selector with equal signs.

Why: absent(sum(x)) has no labels and waits until all of it is gone, and a regular expression in a selector
becomes no label: nobody sees what is gone.
Fix: write absent(up{job="bot"}), one for each thing that must be there.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import nodes, shown


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.Call) and node.func.name in ("absent", "absent_over_time"):
            argument = node.args[0]
            selector = argument.vector_selector if isinstance(argument, promql.MatrixSelector) else argument
            if not isinstance(selector, promql.VectorSelector):
                yield Finding(
                    query.place, f"{node.func.name}() of {shown(argument)}: ask about a plain selector"
                )
            elif any(matcher.op != promql.MatchOp.Equal for matcher in selector.matchers.matchers):
                yield Finding(
                    query.place, f"{node.func.name}({shown(argument)}): only equal signs become labels"
                )
