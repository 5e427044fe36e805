"""The places of the panels of a row on Grafana's grid: numbers are narrow, pictures wide, no line crowded."""

from collections.abc import Mapping, Sequence
from itertools import count, groupby

from config.spec.model import Panel, PanelKind

WIDTH = 24
_WIDE = 8  # a picture that is narrower has no room for its legend
# The least width of each kind, and its height.
_SIZES: Mapping[PanelKind, tuple[int, int]] = {
    "timeseries": (_WIDE, 8),
    "table": (_WIDE, 8),
    "alerts": (_WIDE, 7),
    "state": (_WIDE, 5),
    "gauge": (6, 5),
    "stat": (4, 5),
}


def places(panels: Sequence[Panel], top: int) -> list[dict[str, int]]:
    """Return the place of each panel of a row, from left to right in as few lines as they fit in."""
    found = []
    for line in _lines(panels):
        height = max(_SIZES[panel.kind][1] for panel in line)
        left = 0
        for width in _widths(line):
            found.append({"x": left, "y": top, "w": width, "h": height})
            left += width
        top += height
    return found


def _lines(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Share the panels out evenly: each goes to the line in which its middle lies when all stand in one."""
    widths = [_SIZES[panel.kind][0] for panel in panels]
    middles = [sum(widths[:index]) + width / 2 for index, width in enumerate(widths)]
    for lines in count(-(-sum(widths) // WIDTH)):
        ranks = [int(middle * lines / sum(widths)) for middle in middles]
        split = [
            [panels[index] for index in group] for _, group in groupby(range(len(panels)), ranks.__getitem__)
        ]
        if all(sum(_SIZES[panel.kind][0] for panel in line) <= WIDTH for line in split):
            return split
    raise AssertionError("a line of its own for each panel is always wide enough")


def _widths(line: Sequence[Panel]) -> list[int]:
    """Give what is left over to the pictures of a line, or to all where there is none."""
    least = [_SIZES[panel.kind][0] for panel in line]
    growing = [index for index, width in enumerate(least) if width >= _WIDE] or list(range(len(line)))
    left = WIDTH - sum(least)
    for rank, index in enumerate(growing):
        least[index] += left * (rank + 1) // len(growing) - left * rank // len(growing)
    return least
