"""A story of a test says what it seems to say: each stretch does one thing, at whole minutes, and lasts.

Why: an event without `every`, or one that ends before it begins, does nothing, and silence is then no proof.
Fix: give each stretch an event with `every`, or a gauge with a value, or `down`; use whole minutes.
"""

from collections.abc import Iterator

from config.spec.duration import Duration
from config.spec.model import Alert, Project
from config.spec.problem import Place
from config.spec.story import Happening, Story
from observability.checks.finding import Finding
from observability.world import STEP

LONGEST = Duration(31 * 86_400_000)


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        for story in alert.tests:
            yield from _story(project, alert, story)


def _story(project: Project, alert: Alert, story: Story) -> Iterator[Finding]:
    for happening in story.world:
        yield from _happening(project, happening)
    begins = [happening.from_ for happening in story.world if not happening.down]
    measure = project.measures.get(alert.measure)
    for expectation in story.expect:
        yield from _whole(expectation.at, expectation.where("at"))
        if expectation.at > LONGEST:
            yield Finding(expectation.where("at"), f"a story may last {LONGEST} at most")
        if begins and expectation.at <= min(begins):
            yield Finding(expectation.where("at"), "nothing has happened yet at this time")
        if expectation.value is not None and measure is not None and measure.by:
            kept = ", ".join(measure.by)
            yield Finding(
                expectation.where("value"), f"which series has this value? the measure keeps {kept}"
            )


def _happening(project: Project, happening: Happening) -> Iterator[Finding]:
    kinds = (happening.event is not None, happening.gauge is not None, happening.down)
    if sum(kinds) != 1:
        yield Finding(
            happening.where(), "a stretch is one of: an event with every, a gauge with a value, down"
        )
    elif (happening.every is not None) != kinds[0] or (happening.value is not None) != kinds[1]:
        yield Finding(happening.where(), "an event needs every, and a gauge needs value")
    elif happening.gauge is not None:
        metric = project.catalogue.metrics.get(happening.gauge)
        for label in happening.labels if metric else ():
            if metric and label not in metric.labels:
                yield Finding(
                    happening.where("labels", label), f"gauge {metric.name!r} has no label {label!r}"
                )
    if happening.from_ >= happening.until:
        yield Finding(happening.where("until"), f"it ends at {happening.until}, before it begins")
    for field, length in (("from", happening.from_), ("until", happening.until), ("every", happening.every)):
        if length is not None:
            yield from _whole(length, happening.where(field))
    if happening.every is not None and happening.every.milliseconds == 0:
        yield Finding(happening.where("every"), "every must be longer than nothing")


def _whole(length: Duration, place: Place) -> Iterator[Finding]:
    if length.milliseconds % STEP.milliseconds:
        yield Finding(place, f"{length} is not a multiple of {STEP}, the step of the tests")
