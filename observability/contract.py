"""What an exporter exports against what the catalogue says of it, both ways, wherever it was read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product

from config.spec.model import Job, Metric, Project
from config.spec.problem import Problem
from observability.exposition import Sample
from observability.infer import TARGET_LABELS, exported_names

_UNTOLD = frozenset({"unknown", "untyped", ""})  # some exporters tell no type
# What client libraries export of the process by themselves, in their own words.
_LIBRARY = ("process_", "python_", "go_", "promhttp_")
_MOST_SECONDS = 1e11  # since 1970, in the year 5138; in milliseconds it was 1973
_TIMESTAMP = "_timestamp_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """All that an exporter exports, by name. Types and helps are also of what has no series yet."""

    samples: Mapping[str, Sequence[Sample]]
    types: Mapping[str, str] = field(default_factory=dict)
    helps: Mapping[str, str] = field(default_factory=dict)
    may_wait: bool = False  # whether what is told by its type alone may get its first series later

    def family(self, metric: Metric) -> str:
        """Return the name that type and help are told by: a counter's may lack its end."""
        return metric.name if metric.name in self.types else metric.name.removesuffix("_total")

    def waiting(self, metric: Metric) -> bool:
        """Tell whether a metric is announced without any series."""
        return self.family(metric) in self.types and not any(map(self.samples.get, exported_names(metric)))


def breaches(project: Project, job: Job, exported: Exported, check: str) -> Iterator[Problem]:
    """Yield what the catalogue says of a job and is not so; of one that is ours also the reverse."""
    metrics = [metric for metric in project.catalogue.metrics.values() if metric.job == job.name]
    for metric in metrics:
        for text in _of_metric(metric, job, exported):
            yield Problem(metric.where(), f"{metric.name} {text}", check)
    if not job.ours:
        return
    known = {name for metric in metrics for name in (metric.name, *exported_names(metric))}
    told = {*exported.samples, *(_full(name, exported) for name in exported.types)}
    for name in sorted(told - known):
        if not name.startswith(_LIBRARY):
            text = f"{job.name} exports {name}, which metrics.yaml lacks; add it there, or take it away"
            yield Problem(job.where(), text, check)


def _full(name: str, exported: Exported) -> str:
    """Return the name with the end that OpenMetrics tells the type of a counter without."""
    is_short = name not in exported.samples and not name.endswith("_total")
    return f"{name}_total" if is_short and exported.types[name] == "counter" else name


def _of_metric(metric: Metric, job: Job, exported: Exported) -> Iterator[str]:
    missing = [name for name in exported_names(metric) if name not in exported.samples]
    if metric.planned:
        if not missing:
            yield f"is exported by {metric.job} although it is `planned`; take that away"
        return
    if missing and not (exported.may_wait and exported.waiting(metric)):
        yield f"is not exported by {metric.job}; correct the name, or say `planned: true`"
        return
    yield from _told(metric, job, exported)
    if not missing:
        samples = list(chain.from_iterable(exported.samples[name] for name in exported_names(metric)))
        yield from _labels(metric, samples)
        yield from _values(metric, samples)
        yield from _buckets(metric, exported.samples)
        yield from _from_the_start(metric, samples) if job.ours else ()


def _told(metric: Metric, job: Job, exported: Exported) -> Iterator[str]:
    family = exported.family(metric)
    kind, told = exported.types.get(family, ""), exported.helps.get(family, "")
    if kind not in _UNTOLD and kind != metric.type:
        yield f"is a {kind} of {metric.job}, not a {metric.type}"
    if job.ours and told and told != metric.help and not metric.name.startswith(_LIBRARY):
        yield f"says of itself {told!r}, and not what the catalogue says"


def _labels(metric: Metric, samples: Sequence[Sample]) -> Iterator[str]:
    own = {"__name__", "le"} if metric.type == "histogram" else {"__name__"}
    real = {label for one in samples for label in one.labels} - TARGET_LABELS - own
    for label in sorted(real - metric.labels.keys()):
        yield f"has the label {label!r}, which the catalogue lacks"
    for label, values in metric.labels.items():
        if label not in real:
            yield f"has no label {label!r}"
        seen = {one.labels[label] for one in samples if label in one.labels}
        if values and (unknown := sorted(seen - set(values))):
            yield f"has {label}={unknown[0]!r}, which is not among the values of the catalogue"


def _values(metric: Metric, samples: Sequence[Sample]) -> Iterator[str]:
    if metric.name.endswith(_TIMESTAMP) and any(one.value > _MOST_SECONDS for one in samples):
        yield "is in milliseconds, not in seconds"
    if metric.type != "gauge" and any(one.value < 0 for one in samples):
        yield f"is less than 0, which no {metric.type} is"


def _buckets(metric: Metric, samples: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
    if metric.type != "histogram":
        return
    wanted = {*map(float, metric.buckets), float("inf")}
    real = {float(one.labels.get("le", "nan")) for one in samples[f"{metric.name}_bucket"]}
    for bound in sorted(wanted - real):
        yield f"has no bucket le={bound:g}"
    for bound in sorted(real - wanted):
        yield f"has a bucket le={bound:g}, which the catalogue lacks"


def _from_the_start(metric: Metric, samples: Sequence[Sample]) -> Iterator[str]:
    """A counter whose labels are known has all its series at once: its first event must be an increase."""
    if metric.type == "gauge" or not all(metric.labels.values()):
        return
    real = {tuple(one.labels.get(label, "") for label in metric.labels) for one in samples}
    for values in product(*metric.labels.values()):
        if values not in real:
            told = ", ".join(f'{label}="{one}"' for label, one in zip(metric.labels, values, strict=True))
            yield f"lacks the series {{{told}}}, which must begin at 0"
            return
