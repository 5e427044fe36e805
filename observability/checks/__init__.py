"""The checks, each a module of its own: its name is the check's id, its docstring the documentation.

Add one: write the module with `check(project)`, name it here, add `tests/cases/<id>.txt`.
"""

from types import ModuleType

from observability.checks import (
    alert_tested,
    level_bound,
    measure_labels,
    metric_known,
    name_unique,
    panel_drawn,
    placeholder_known,
    query_syntax,
    receiver_address,
    reference_known,
    routing_sound,
    sms_length,
    story_sound,
)

CHECKS: tuple[ModuleType, ...] = (
    alert_tested,
    level_bound,
    measure_labels,
    metric_known,
    name_unique,
    panel_drawn,
    placeholder_known,
    query_syntax,
    receiver_address,
    reference_known,
    routing_sound,
    sms_length,
    story_sound,
)
