"""Rules for the queries of panels, and for the legends that name their lines."""

import re
from collections.abc import Callable, Iterator

from config.spec.names import did_you_mean
from observability.verify.board import Board, Bundle, Found, Target
from observability.verify.linter_rules import uses_variable

_LABEL = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*\}?")


def target_datasource_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every query goes to the data source of the variable."""
    for target in _targets(board):
        if not uses_variable(target.data):
            yield target.place, "the query does not use ${datasource}"


def target_window_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """A window is fixed, as it is in alerts; one that follows the zoom shows another number at each."""
    for target in _targets(board):
        # In a pattern a dollar ends the text, and in label_replace() it names a group.
        if target.tree is None and (found := _VARIABLE.search(target.expr)):
            yield target.place, f"{found[0]} stands for another window at each zoom; write a fixed one"


def target_legend_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every line has a name, and no two queries of a panel give the same one."""
    for panel in board.panels:
        seen: set[str] = set()
        for target in panel.targets:
            if not target.legend:
                yield target.place, f"a query of {panel.title!r} has no legend"
            elif target.legend in seen:
                yield target.place, f"two queries of {panel.title!r} have the legend {target.legend!r}"
            seen.add(target.legend)


def target_legend_label_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """A legend uses labels that the query keeps, and tells apart the lines that it gives."""
    for target in _targets(board, with_tables=False):
        if target.tree is None:
            continue
        shape = bundle.known.shape(target.tree)
        if shape.labels is None:
            continue
        used = _LABEL.findall(target.legend)
        for label in used:
            if label not in shape.labels and label != "__name__":
                near = did_you_mean(label, shape.labels)
                yield target.place, f"the legend uses {{{{{label}}}}}, which the query does not keep{near}"
        if not used and shape.series != 1 and (unsaid := sorted(shape.labels - shape.pinned)):
            yield target.place, f"the legend {target.legend!r} is that of every line; use {{{{{unsaid[0]}}}}}"


def target_column_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """A table asks once, for now; it has labels as columns, and legends as titles of the values' columns."""
    for panel in board.panels:
        for target in panel.targets if panel.is_table else ():
            if not target.data.get("instant") or target.data.get("format") != "table":
                yield target.place, f"the table {panel.title!r} asks for more than the values of now"
            if used := _LABEL.search(target.legend):
                yield target.place, f"{used[0]} in the title of a column; labels are columns of their own"


def _targets(board: Board, *, with_tables: bool = True) -> Iterator[Target]:
    for panel in board.panels:
        if with_tables or not panel.is_table:
            yield from panel.targets


RULES: tuple[Callable[[Board, Bundle], Iterator[Found]], ...] = (
    target_datasource_rule,
    target_window_rule,
    target_legend_rule,
    target_legend_label_rule,
    target_column_rule,
)
