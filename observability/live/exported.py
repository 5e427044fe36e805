"""Compares the catalogue with what the exporters export, as Prometheus has scraped it last."""

from collections.abc import Iterator

from config.spec.model import Job, Project
from config.spec.problem import Problem
from observability.contract import Exported, breaches
from observability.exposition import Sample
from observability.infer import exported_names
from observability.live.prometheus import Prometheus
from observability.promql import SYNTHETIC

_OF_SCRAPES = ("scrape_", ":")  # a part of each name that Prometheus and its rules make


def metric_problems(project: Project, prometheus: Prometheus) -> Iterator[Problem]:
    """Yield what the catalogue says of each metric and the latest scrape does not show."""
    for job in project.scrape.jobs.values():
        names = "|".join(
            name
            for metric in project.catalogue.metrics.values()
            if metric.job == job.name
            for name in exported_names(metric)
        )
        if names or job.ours:
            yield from breaches(project, job, _exported(job, names, prometheus), "live/metric")


def _exported(job: Job, names: str, prometheus: Prometheus) -> Exported:
    """Ask for all that a job of ours exports, of another one for what is read of it."""
    found: dict[str, list[Sample]] = {}
    selector = f'{{job="{job.name}"}}' if job.ours else f'{{job="{job.name}",__name__=~"{names}"}}'
    for one in prometheus.query(selector):
        name = one.labels["__name__"]
        if name not in SYNTHETIC and not any(part in name for part in _OF_SCRAPES):
            found.setdefault(name, []).append(Sample(name=name, labels=one.labels, value=one.value))
    told = prometheus.told(job.name)
    return Exported(
        samples=found,
        types={name: kind for name, (kind, _) in told.items()},
        helps={name: text for name, (_, text) in told.items()},
    )
