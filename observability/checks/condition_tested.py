"""Each condition of an alert decides in a test: two stories differ in it alone, and a level fires in one.

Why: an `unless` that never silenced anything in a test may never do so, or always.
Fix: tell a story twice, with the same events and gauges for the alert's own measure, and others for that of
the condition; at the same time let `expect` name the level in one of them, and not in the other. A condition
on nothing but the alert's own metrics cannot be told apart, and is not judged.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

from config.spec.alerting import Condition
from config.spec.model import Alert, Project
from config.spec.story import Expectation, Story
from observability.checks.finding import Finding
from observability.checks.queries import all_queries
from observability.checks.story_sound import LONGEST
from observability.promql import metric_names, syntax_error
from observability.world import queries_of, series_of

Moment = tuple[Story, Expectation]


def check(project: Project) -> Iterator[Finding]:
    alerts = [alert for alert in project.alerts.values() if alert.conditions]
    if alerts and any(syntax_error(text) is not None for text, _ in all_queries(project)):
        return
    for alert in alerts:
        try:
            untested = [
                one
                for one in alert.conditions
                if _reads_more(project, alert, one) and not _decides(project, alert, one)
            ]
        except (KeyError, ValueError):
            continue  # a name, or a stretch of a story, of which other checks tell
        for condition in untested:
            text = f"no two tests of {alert.name} differ in {condition.measure} alone"
            yield Finding(condition.where(), f"{text}, with a level firing in but one of them")


def _reads_more(project: Project, alert: Alert, condition: Condition) -> bool:
    """Tell whether the condition reads anything that the rest of the alert does not."""
    rest = _without(alert, condition)
    names = [rest.measure, *(one.measure for one in rest.conditions)]
    read = [
        {name for query in queries_of(project, *measures) for name in metric_names(query)}
        for measures in ([condition.measure], names)
    ]
    return not read[0] <= read[1]


def _decides(project: Project, alert: Alert, condition: Condition) -> bool:
    """Tell whether a level fires in one story and not in another, and only the condition can be the cause."""
    read = partial(_read, project, alert)
    read_without = partial(_read, project, _without(alert, condition))
    return any(
        read_without(*firing) == read_without(*silent) and read(*firing) != read(*silent)
        for firing, silent in _pairs(alert)
    )


def _pairs(alert: Alert) -> Iterator[tuple[Moment, Moment]]:
    """Yield what is expected of the same series at the same time, where a level fires in the first alone.

    Silence without labels is that of every series.
    """
    moments = [(story, one) for story in alert.tests for one in story.expect if one.at <= LONGEST]
    for first, second in product(moments, moments):
        one, other = first[1], second[1]
        are_of_one = one.at == other.at and other.labels.items() <= one.labels.items()
        if are_of_one and not one.absent and not set(one.firing) <= set(other.firing):
            yield first, second


def _without(alert: Alert, condition: Condition) -> Alert:
    only_while = None if alert.only_while is condition else alert.only_while
    return replace(alert, only_while=only_while, unless=tuple(c for c in alert.unless if c is not condition))


def _read(project: Project, alert: Alert, story: Story, expectation: Expectation) -> list[dict[str, str]]:
    """Return every series that the alert has seen until then."""
    return list(series_of(project, alert, replace(story, expect=(expectation,))))
