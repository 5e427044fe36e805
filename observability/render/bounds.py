"""The bounds of alerts as the steps of colour of a panel that shows them."""

from itertools import accumulate

from grafana_foundation_sdk.models.dashboard import Threshold

from config.spec.model import Panel, Project

_GOOD = "green"
_NEITHER = "text"  # as the letters around it: without a bound nothing is said to be well
_COLOURS = ("red", "orange", "yellow")  # from the gravest severity on
_UNTOLD = "blue"  # nobody is told of it at once


def steps(project: Project, panel: Panel) -> list[Threshold]:
    """Return the colour steps of the alerts that the panel shows, from the lowest bound up.

    Where alerts share a bound the gravest gives the colour, and nothing beyond a bound is less grave. A line
    has the colour of its step, so there a bound has that of what lies beyond it.
    """
    ranks = list(project.routing.severities)
    sides: dict[str, dict[float, int]] = {">": {}, "<": {}}
    for alert in (project.alerts[name] for name in panel.alerts):
        for severity, level in alert.levels.items():
            if not level.has_bound:
                continue
            side, bound, rank = sides[level.operator], float(level.bound), ranks.index(severity)
            side[bound] = min(rank, side.get(bound, rank))
    below, above = sorted(sides["<"]), sorted(sides[">"])
    under = list(accumulate((sides["<"][bound] for bound in reversed(below)), min))[::-1]
    over = list(accumulate((sides[">"][bound] for bound in above), min))
    low, high = ([severity_colour(project, ranks[rank]) for rank in side] for side in (under, over))
    # Below a bound is its colour, so a step takes the colour of the next bound above it.
    good = _GOOD if below or above else _NEITHER
    colours = [good, *low, *high] if panel.kind == "timeseries" else [*low, good, *high]
    return [
        Threshold(value=bound, color=colour)
        for bound, colour in zip([None, *below, *above], colours, strict=True)
    ]


def severity_colour(project: Project, severity: str) -> str:
    """Return the colour of a severity."""
    if severity in project.told_by_digest:
        return _UNTOLD
    return _COLOURS[min(list(project.routing.severities).index(severity), len(_COLOURS) - 1)]
