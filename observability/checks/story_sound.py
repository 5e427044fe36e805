"""A story of a test says what it seems to say: each stretch does one thing, at whole minutes, and lasts.

Why: an event without `every`, or one that ends before it begins, does nothing, and silence is then no proof.
Fix: give each stretch an event with `every`, or a gauge with a value, or `down`; use whole minutes.
"""

import re
from collections.abc import Iterator

from config.spec.duration import Duration
from config.spec.model import Alert, Measure, Project
from config.spec.names import did_you_mean
from config.spec.problem import Place
from config.spec.story import Expectation, Happening, Observation, Story
from observability.checks.finding import Finding
from observability.names import gravest
from observability.world import ENVIRONMENT, STEP

INSTANCE = "instance"
_NUMBER = re.compile(r"[1-9][0-9]?", re.ASCII)
LONGEST = Duration(31 * 86_400_000)


def check(project: Project) -> Iterator[Finding]:
    for event in project.catalogue.events.values():
        if not event.adds and not event.observes:
            yield Finding(event.where(), f"event {event.name!r} moves nothing: give it adds or observes")
        for observation in event.observes:
            yield from _observation(project, observation)
    for alert in project.alerts.values():
        for story in alert.tests:
            yield from _story(project, alert, story)


def _observation(project: Project, observation: Observation) -> Iterator[Finding]:
    metrics, name, place = project.catalogue.metrics, observation.metric, observation.where("metric")
    if name not in metrics:
        yield Finding(place, f"no metric named {name!r} in metrics.yaml{did_you_mean(name, metrics)}")
    elif metrics[name].type != "histogram":
        yield Finding(place, f"only a histogram observes, and {name!r} is a {metrics[name].type}")
    else:
        labels = metrics[name].labels
        if wrong := sorted(set(labels) ^ set(observation.labels)):
            yield Finding(place, f"the labels of {name!r} are to be given, and no others: see {wrong[0]!r}")
        for label, value in observation.labels.items():
            if labels.get(label) and value not in labels[label]:
                near = did_you_mean(value, labels[label])
                yield Finding(observation.where("labels", label), f"{label!r} is never {value!r}{near}")


def _story(project: Project, alert: Alert, story: Story) -> Iterator[Finding]:
    for happening in story.world:
        yield from _happening(project, happening)
        yield from _labels(project, happening)
    begins = [happening.from_ for happening in story.world if not happening.down]
    valued = {expectation.at for expectation in story.expect if expectation.value is not None}
    for expectation in story.expect:
        yield from _whole(expectation.at, expectation.where("at"))
        if expectation.at > LONGEST:
            yield Finding(expectation.where("at"), f"a story may last {LONGEST} at most")
        if begins and expectation.at <= min(begins):
            yield Finding(expectation.where("at"), "nothing has happened yet at this time")
        if expectation.absent:
            yield from _absent(project, alert, expectation)
        elif expectation.firing and expectation.value is None and expectation.at in valued:
            text = "another expectation of this time has a value, and texts are tested all at once: give one"
            yield Finding(expectation.where("at"), text)
        if alert.measure in project.measures:
            yield from _series(project.measures[alert.measure], expectation)


def _series(measure: Measure, expectation: Expectation) -> Iterator[Finding]:
    kept = ", ".join(measure.by) or "none"
    for label in expectation.labels:
        if label not in measure.by:
            place = expectation.where.key("labels", label)
            yield Finding(place, f"{measure.name} has no label {label!r}; it keeps {kept}")
    if expectation.value is not None and (missing := set(measure.by) - set(expectation.labels)):
        text = f"which series has this value? give its labels: {', '.join(sorted(missing))}"
        yield Finding(expectation.where("value"), text)


def _absent(project: Project, alert: Alert, expectation: Expectation) -> Iterator[Finding]:
    if alert.absent_for is None:
        text = f"{alert.name} does not fire when its measure is absent; see when_absent"
        yield Finding(expectation.where("absent"), text)
    elif set(alert.levels) & set(project.routing.severities):
        wanted = gravest(project, alert)
        if expectation.firing != (wanted,):
            text = f"when it is absent, {wanted} fires and nothing else"
            yield Finding(expectation.where.key("absent"), text)
    if expectation.labels or expectation.value is not None:
        yield Finding(expectation.where.key("absent"), "what is absent has neither labels nor a value")


def _happening(project: Project, happening: Happening) -> Iterator[Finding]:
    kinds = (happening.event is not None, happening.gauge is not None, happening.down)
    if sum(kinds) != 1:
        yield Finding(
            happening.where(), "a stretch is one of: an event with every, a gauge with a value, down"
        )
    elif (happening.every is not None) != kinds[0] or (happening.value is not None) != kinds[1]:
        yield Finding(happening.where(), "an event needs every, and a gauge needs value")
    elif happening.per_minute and happening.gauge is None:
        yield Finding(happening.where("per_minute"), "only a gauge rises or falls")
    if happening.from_ >= happening.until:
        yield Finding(happening.where("until"), f"it ends at {happening.until}, before it begins")
    for field, length in (("from", happening.from_), ("until", happening.until), ("every", happening.every)):
        if length is not None:
            yield from _whole(length, happening.where(field))
    if happening.every is not None and happening.every.milliseconds == 0:
        yield Finding(happening.where("every"), "every must be longer than nothing")


def _labels(project: Project, happening: Happening) -> Iterator[Finding]:
    """Which series a stretch means: by a label of the gauge, by `instance`, or a whole job that is down."""
    metric = project.catalogue.metrics.get(happening.gauge or "")
    known: dict[str, tuple[str, ...]] = {INSTANCE: (), ENVIRONMENT: (), **(metric.labels if metric else {})}
    if happening.down:
        known["job"] = tuple(project.scrape.jobs)
    jobs = (metric.job,) if metric else tuple(project.scrape.jobs)
    for label, value in happening.labels.items():
        place = happening.where("labels", label)
        if label not in known:
            of = f"gauge {metric.name!r} has no label" if metric else "a stretch like this is not told by"
            yield Finding(place, f"{of} {label!r}{did_you_mean(label, known)}")
        elif known[label] and value not in known[label]:
            near = did_you_mean(value, known[label])
            yield Finding(place, f"label {label!r} is never {value!r} here{near}")
        elif label == INSTANCE:
            job, _, number = value.rpartition(":")
            if job not in jobs or not _NUMBER.fullmatch(number):
                yield Finding(place, f"instances are called {jobs[0]}:1 to {jobs[0]}:99, not {value!r}")


def _whole(length: Duration, place: Place) -> Iterator[Finding]:
    if length.milliseconds % STEP.milliseconds:
        yield Finding(place, f"{length} is not a multiple of {STEP}, the step of the tests")
