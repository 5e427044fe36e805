"""Every alert says what becomes of it when its measure has no value at all.

Why: a comparison with nothing is silent, so an alert whose metric is gone looks like one that is content.
Fix: `when_absent: {fires: 10m}`, `{covered_by: <an alert that watches the job>}` or `{silent: <reason>}`.
"""

from collections.abc import Iterator

from config.spec.alerting import WhenAbsent
from config.spec.duration import Duration
from config.spec.model import Alert, Project
from observability.checks.finding import Finding
from observability.promql import label_matchers, selectors, syntax_error
from observability.world import UP, metrics_of, queries_of


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        speaks = any(level.present is False for level in alert.levels.values())
        if alert.when_absent is None and not speaks:
            text = "say in when_absent what becomes of it without data: fires, covered_by or silent"
            yield Finding(alert.where(), text)
        elif alert.when_absent is not None and speaks:
            yield Finding(alert.when_absent.where(), "its levels say already that it fires when absent")
        elif alert.when_absent is not None:
            yield from _answer(project, alert, alert.when_absent)


def _answer(project: Project, alert: Alert, answer: WhenAbsent) -> Iterator[Finding]:
    given = (answer.fires, answer.covered_by, answer.silent)
    if sum(one is not None for one in given) != 1:
        yield Finding(answer.where(), "when_absent is exactly one of: fires, covered_by, silent")
    elif answer.fires == Duration(0):
        yield Finding(answer.where("fires"), "a scrape that is missed would fire at once; give it some time")
    elif answer.covered_by == alert.name:
        yield Finding(answer.where("covered_by"), f"{alert.name} cannot cover for itself")
    elif answer.covered_by in project.alerts and not _unreadable(project, alert):
        cover = project.alerts[answer.covered_by]
        for job in sorted({metric.job for metric in metrics_of(project, alert)}):
            if not _unreadable(project, cover) and not _watches(project, cover, job):
                text = f"{cover.name} would not notice that job {job!r} is gone: it reads no `up` of it"
                yield Finding(
                    answer.where("covered_by"), f"{text} and does not fire when a metric of it is absent"
                )


def _unreadable(project: Project, alert: Alert) -> bool:
    """Whether another check has to speak first."""
    return alert.measure not in project.measures or any(
        syntax_error(measure.query) is not None for measure in project.measures.values()
    )


def _watches(project: Project, cover: Alert, job: str) -> bool:
    """Whether an alert speaks when this job is gone: it reads its `up`, or fires when a metric is gone."""
    for query in queries_of(project, cover.measure):
        for name, selector in selectors(query):
            if name == UP and dict(label_matchers(selector)).get("job", job) == job:
                return True
    speaks = cover.absent_for is not None or any(level.present is False for level in cover.levels.values())
    return speaks and any(metric.job == job for metric in metrics_of(project, cover))
