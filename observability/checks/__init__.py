"""The checks, each a module of its own: its name is the check's id, its docstring the documentation.

Add one: write the module with `check(project)`, name it here, add `tests/cases/<id>.txt`.
"""

from types import ModuleType

from observability.checks import (
    absent_sound,
    aggregation_known,
    alert_absent,
    alert_quiet,
    alert_tested,
    counter_as_gauge,
    division_guarded,
    gauge_in_rate,
    level_bound,
    measure_labels,
    metric_known,
    name_unique,
    operands_match,
    panel_drawn,
    placeholder_known,
    query_syntax,
    rate_first,
    receiver_address,
    reference_known,
    routing_sound,
    sms_length,
    stall_found,
    story_sound,
    window_short,
)

CHECKS: tuple[ModuleType, ...] = (
    absent_sound,
    aggregation_known,
    alert_absent,
    alert_quiet,
    alert_tested,
    counter_as_gauge,
    division_guarded,
    gauge_in_rate,
    level_bound,
    measure_labels,
    metric_known,
    name_unique,
    operands_match,
    panel_drawn,
    placeholder_known,
    query_syntax,
    rate_first,
    receiver_address,
    reference_known,
    routing_sound,
    sms_length,
    stall_found,
    story_sound,
    window_short,
)
