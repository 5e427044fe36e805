"""The renderers: each makes `{path: text}` of a Project and does nothing else.

Add one: write the module with `render(project)`, name it here. Paths are below the output folder: rules and
tests are the same everywhere, what differs stands in a folder per environment. Those below `runbooks/` are
written beside the specs, where people look for them.
"""

from types import ModuleType

from observability.render import (
    alertmanager,
    dashboards,
    edge_tests,
    notifications,
    pages,
    prometheus,
    rule_tests,
    rules,
    scripts,
)

RENDERERS: tuple[ModuleType, ...] = (
    alertmanager,
    dashboards,
    edge_tests,
    notifications,
    pages,
    prometheus,
    rule_tests,
    rules,
    scripts,
)
# Made for promtool alone, and dearer than all the rest together.
TESTS = (edge_tests, rule_tests)
