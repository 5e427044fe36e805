"""The world of a story as time series in the notation of promtool: what a rule would have seen."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby, product

from config.spec.duration import Duration
from config.spec.model import Alert, Metric, Project
from config.spec.story import Event, Happening, Observation, Story
from observability.infer import exported_names
from observability.names import recorded
from observability.promql import metric_names, syntax_error

STEP = Duration(60_000)
UP = "up"  # Prometheus' own word about each target
ENVIRONMENT = "environment"
# Where a story takes place unless it says otherwise; no environment needs to be called so.
SOMEWHERE = "test"
Labels = dict[str, str]
Values = list[Decimal | None]


def series_of(project: Project, alert: Alert, story: Story) -> Iterator[dict[str, str]]:
    """Yield every series that the alert looks at; a counter has all its label values from the start."""
    steps = max(expectation.at.milliseconds for expectation in story.expect) // STEP.milliseconds + 1
    read = _read(project, alert.measure, *(condition.measure for condition in alert.conditions))
    for metric in _metrics(project, read):
        for labels in _children(project, story, metric):
            for name, le, values in _exported(project, story, metric, labels, steps):
                yield written(name, {**le, **labels}, values)
    for job in project.scrape.jobs if UP in read else ():
        for instance in instances(story, job):
            labels = {"job": job, "instance": instance, ENVIRONMENT: environment(story)}
            yield written(UP, labels, [Decimal(not down) for down in _down(story, labels, steps)])


def instances(story: Story, job: str) -> list[str]:
    """Return the instances of a job in a story: `web:1` up to the highest that the story names."""
    named = (happening.labels.get("instance", "").partition(":") for happening in story.world)
    highest = max((int(number) for name, _, number in named if name == job), default=1)
    return [f"{job}:{number}" for number in range(1, highest + 1)]


def environment(story: Story) -> str:
    """Return the environment in which a story takes place."""
    named = (happening.labels.get(ENVIRONMENT) for happening in story.world)
    return next((name for name in named if name), SOMEWHERE)


def queries_of(project: Project, *names: str) -> list[str]:
    """Return the queries of these measures, and of those that they read; what cannot be read has none."""
    waiting = list(names)
    prefix = recorded(project, "")
    found: dict[str, str] = {}
    while waiting:
        measure = project.measures.get(waiting.pop())
        if measure and measure.name not in found and not syntax_error(measure.query):
            found[measure.name] = measure.query
            read = metric_names(measure.query)
            waiting += [name.removeprefix(prefix) for name in read if name.startswith(prefix)]
    return list(found.values())


def metrics_of(project: Project, alert: Alert) -> list[Metric]:
    """Return the metrics that the measure of an alert reads, through other measures too."""
    return _metrics(project, _read(project, alert.measure))


def jobs_of(project: Project, alert: Alert) -> set[str]:
    """Return the jobs whose metrics the measure of an alert reads."""
    return {metric.job for metric in metrics_of(project, alert)}


def _read(project: Project, *names: str) -> set[str]:
    return {name for query in queries_of(project, *names) for name in metric_names(query)}


def _metrics(project: Project, read: set[str]) -> list[Metric]:
    named = _by_exported_name(project)
    wanted = {named[name].name for name in read if name in named}
    return [one for one in project.catalogue.metrics.values() if one.name in wanted]


@lru_cache(1)
def _by_exported_name(project: Project) -> dict[str, Metric]:
    return {name: one for one in project.catalogue.metrics.values() for name in exported_names(one)}


def _children(project: Project, story: Story, metric: Metric) -> Iterator[Labels]:
    """Yield the labels of each series; values that no catalogue can know are those that the story names."""
    possible = {
        label: values or _named(project, story, metric, label) for label, values in metric.labels.items()
    }
    possible["job"] = (metric.job,)
    possible["instance"] = tuple(instances(story, metric.job))
    possible[ENVIRONMENT] = (environment(story),)
    for values in product(*possible.values()):
        yield dict(zip(possible, values, strict=True))


def _named(project: Project, story: Story, metric: Metric, label: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for happening in story.world:
        told = [happening.labels] if happening.gauge == metric.name else []
        if happening.event is not None:
            event = project.catalogue.events[happening.event]
            told += [one.labels for one in event.adds if one.metric == metric.name]
            told += [one.labels for one in event.observes if one.metric == metric.name]
        found.update((labels[label], None) for labels in told if label in labels)
    return tuple(found)


def _exported(
    project: Project, story: Story, metric: Metric, labels: Labels, steps: int
) -> Iterator[tuple[str, Labels, Values]]:
    """Yield what one child of a metric exports: one series, or those of a histogram."""
    if metric.type == "gauge":
        yield metric.name, {}, _gauged(story, metric.name, labels, steps)
    elif metric.type == "counter":
        yield metric.name, {}, _counted(story, labels, steps, _increments(project, story, metric, labels))
    else:
        seen = _observations(project, story, metric, labels)
        for bucket in metric.buckets:
            under = _amounts(seen, partial(_is_under, bucket))
            yield f"{metric.name}_bucket", {"le": str(float(bucket))}, _counted(story, labels, steps, under)
        count = _amounts(seen, lambda _: Decimal(1))
        yield f"{metric.name}_bucket", {"le": "+Inf"}, _counted(story, labels, steps, count)
        yield f"{metric.name}_count", {}, _counted(story, labels, steps, count)
        total = _amounts(seen, lambda value: value)
        yield f"{metric.name}_sum", {}, _counted(story, labels, steps, total)


def _events(project: Project, story: Story) -> Iterator[tuple[str, Event]]:
    for name in dict.fromkeys(happening.event for happening in story.world):
        if name is not None:
            yield name, project.catalogue.events[name]


def _increments(project: Project, story: Story, metric: Metric, labels: Labels) -> dict[str, Decimal]:
    """Return by how much each event of the story moves this series of a counter."""
    return {
        name: Decimal(sum(one.by for one in event.adds if _is_of(one.metric, one.labels, metric, labels)))
        for name, event in _events(project, story)
    }


def _observations(
    project: Project, story: Story, metric: Metric, labels: Labels
) -> dict[str, list[Observation]]:
    return {
        name: [one for one in event.observes if _is_of(one.metric, one.labels, metric, labels)]
        for name, event in _events(project, story)
    }


def _amounts(
    seen: Mapping[str, list[Observation]], amount: Callable[[Decimal], Decimal]
) -> dict[str, Decimal]:
    """Return by how much each event moves a series of a histogram."""
    return {name: sum((amount(one.value) for one in ones), Decimal(0)) for name, ones in seen.items()}


def _is_under(bucket: Decimal, value: Decimal) -> Decimal:
    return Decimal(value <= bucket)


def _is_of(name: str, given: Mapping[str, str], metric: Metric, labels: Labels) -> bool:
    return name == metric.name and dict(given) == {label: labels[label] for label in metric.labels}


def _gauged(story: Story, metric: str, labels: Labels, steps: int) -> Values:
    """Return the gauge at each step: the value of its latest stretch, and no sample outside of any."""
    values: Values = [None] * steps
    for happening in story.world:
        if happening.gauge == metric and _is_meant(happening, labels) and happening.value is not None:
            for passed, step in enumerate(_stretch(happening, steps)):
                values[step] = happening.value + passed * happening.per_minute
    down = _down(story, labels, steps)
    return [None if is_down else value for is_down, value in zip(down, values, strict=True)]


def _counted(story: Story, labels: Labels, steps: int, amounts: Mapping[str, Decimal]) -> Values:
    """Return the counter at each step; None while its job is down, and counting from 0 after that."""
    down = _down(story, labels, steps)
    moving = [one for one in story.world if one.event and amounts[one.event] and _is_meant(one, labels)]
    if not moving and not any(down):
        return [Decimal(0)] * steps
    added = [Decimal(0)] * steps
    for happening in moving:
        for step in _times(happening, steps):
            added[step] += amounts[happening.event or ""]
    values: Values = []
    total = Decimal(0)
    for is_down, more in zip(down, added, strict=True):
        total = Decimal(0) if is_down else total + more
        values.append(None if is_down else total)
    return values


def _down(story: Story, labels: Labels, steps: int) -> list[bool]:
    """Return at which steps the target with these labels exports nothing."""
    down = [False] * steps
    for happening in story.world:
        for step in _stretch(happening, steps) if happening.down and _is_meant(happening, labels) else ():
            down[step] = True
    return down


def _is_meant(happening: Happening, labels: Labels) -> bool:
    """Whether a stretch speaks of the series with these labels."""
    return happening.labels.items() <= labels.items()


def _times(happening: Happening, steps: int) -> range:
    """Return the steps at which an event counts: at the end of its interval, so that step 0 is a base."""
    every = (happening.every or STEP).milliseconds // STEP.milliseconds
    stretch = _stretch(happening, steps + 1)
    return range(stretch.start + every, min(stretch.stop + 1, steps), every)


def _stretch(happening: Happening, steps: int) -> range:
    first = happening.from_.milliseconds // STEP.milliseconds
    return range(first, min(happening.until.milliseconds // STEP.milliseconds, steps))


def written(name: str, labels: Labels, values: Values) -> dict[str, str]:
    selector = ", ".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"{name}{{{selector}}}", "values": _notation(values)}


def _notation(values: Values) -> str:
    """Write values the way promtool reads them: `3+1x4` is 3 and four steps of 1, `_x2` two gaps."""
    parts: list[str] = []
    position = 0
    while position < len(values):
        value = values[position]
        if value is None:
            gap = sum(1 for _ in next(groupby(values[position:]))[1])
            # Prometheus marks the end of a series at the scrape that misses it; only what began can end.
            seen = position > 0
            parts += ["stale"] * seen + [f"_x{gap - seen}"] * (gap > seen)
            position += gap
            continue
        step, count = _run(values, position)
        parts.append(f"{value:f}{step:+f}x{count}")
        position += count + 1
    return " ".join(parts)


def _run(values: Values, start: int) -> tuple[Decimal, int]:
    """Return the common difference from `start` on, and how many steps keep it."""
    step, count, previous = Decimal(0), 0, values[start]
    for value in values[start + 1 :]:
        if value is None or previous is None or (count and value - previous != step):
            break
        step, count, previous = value - previous, count + 1, value
    return step, count
