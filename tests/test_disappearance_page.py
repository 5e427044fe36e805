"""docs/disappearance.md says which alert notices that a metric or a target is gone, as promtool found out.

`make test ARGS="tests/test_disappearance_page.py --update"` asks for every row and writes it anew; that takes
minutes. DISAPPEARANCE_COUNT=999 asks for every row; else a few are, and the rest is held to its form.
"""

import os
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from config.spec.duration import Duration
from config.spec.model import Project
from observability.compile import Outcome, Request, compile_bundle
from tests import disappearance
from tests.disappearance import LATE, SOON, Disappearance, Noticed, NotQuietError, all_noticed

COUNT, SEED = int(os.environ.get("DISAPPEARANCE_COUNT", "0")), int(os.environ.get("FUZZ_SEED", "1"))
BACKUP = "backup_last_verified_timestamp_seconds"  # its absence has a rule of its own
NOBODY = "nobody"
_MINUTE = 60_000
_ROW = re.compile(r"\| `(\w+)` \| (.+?) \|")
_HEAD = """\
# What notices that a metric is gone

A comparison with nothing is silent. So each row takes one thing out of a quiet world, in which all that the
catalogue has is there and well, and lets promtool evaluate the generated rules that read it: which alert
fires then, and after how long? It is looked for {soon} and, of one metric alone, where nothing fired for
{late}, in a world that was quiet for a day before. `tests/disappearance.py` has that world, and
`tests/test_disappearance_page.py` makes this page.
"""
_ITSELF = """\
That is how it is while rules are evaluated. A Prometheus that is gone evaluates none, and its Watchdog is
silent: whoever hears the heartbeat tells of that."""
Rows = Mapping[str, str]


@pytest.fixture(scope="module")
def outcome(root: Path) -> Outcome:
    outcome = compile_bundle(Request(config_dir=root / "config"))
    assert outcome.project is not None, outcome.problems
    assert not outcome.failed, outcome.problems
    return outcome


def project_of(outcome: Outcome) -> Project:
    assert outcome.project is not None
    return outcome.project


def row(noticed: Sequence[Noticed]) -> str:
    """Say who notices: each alert at its first severity, the soonest first."""
    first = {one.alert: one for one in sorted(noticed, reverse=True)}
    told = sorted(first.values())
    return (
        ", ".join(f"{one.alert} ({one.severity}) after {Duration(one.after * _MINUTE)}" for one in told)
        or NOBODY
    )


def page(project: Project, asked: Disappearance, rows: Rows) -> str:
    lengths = (Duration((look.end - look.gone) * _MINUTE) for look in (SOON, LATE))
    soon, late = map(str, lengths)
    return "\n".join(
        [_HEAD.format(soon=soon, late=late), *_targets(project, rows), *_metrics(project, asked, rows)]
    )


def _targets(project: Project, rows: Rows) -> Iterator[str]:
    yield "## Every target of a job\n"
    yield "| job | noticed by |\n|---|---|"
    yield from (f"| `{job}` | {rows[job]} |" for job in project.scrape.jobs)
    yield f"\n{_ITSELF}\n"


def _metrics(project: Project, asked: Disappearance, rows: Rows) -> Iterator[str]:
    for job in project.scrape.jobs.values():
        mine = [metric for metric in project.catalogue.metrics.values() if metric.job == job.name]
        yield f"## One metric of {job.name} alone\n"
        if any(rows[metric.name] == NOBODY for metric in mine):
            yield f"Why nobody is told of most: {job.unnoticed}\n"
        yield "| metric | noticed by | read by |\n|---|---|---|"
        for metric in mine:
            readers = ", ".join(asked.readers(metric)) or "panels alone"
            yield f"| `{metric.name}` | {rows[metric.name]} | {readers} |"
        yield ""


def test_the_page_of_disappearances_is_fresh(
    root: Path,
    outcome: Outcome,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    project, file = project_of(outcome), root / "docs" / "disappearance.md"
    asked = Disappearance(project, outcome.files)
    metrics, jobs = list(project.catalogue.metrics), list(project.scrape.jobs)
    if request.config.getoption("--update"):
        found = {**{job: asked.of_job(job) for job in jobs}, **all_noticed(asked, project, metrics)}
        file.write_text(page(project, asked, {name: row(one) for name, one in found.items()}), "utf-8")
    text = file.read_text("utf-8")
    rows = dict(_ROW.findall(text))
    assert rows.keys() == {*metrics, *jobs}, "make test ARGS='tests/test_disappearance_page.py --update'"
    assert text == page(project, asked, rows), "make test ARGS='tests/test_disappearance_page.py --update'"
    taken = random.Random(SEED).sample(metrics, min(COUNT, len(metrics)))
    record_property("sampled", f"{len(taken)} of {len(metrics)} metrics, DISAPPEARANCE_COUNT=999 for all")
    told = {name: row(one) for name, one in all_noticed(asked, project, [BACKUP, *taken]).items()}
    assert told == {name: rows[name] for name in told}
    if len(taken) == len(metrics):
        assert {job: row(asked.of_job(job)) for job in jobs} == {job: rows[job] for job in jobs}


def test_what_nobody_is_told_of_has_a_reason(root: Path, outcome: Outcome) -> None:
    rows = dict(_ROW.findall((root / "docs" / "disappearance.md").read_text("utf-8")))
    project = project_of(outcome)
    silent = {metric.job for metric in project.catalogue.metrics.values() if rows[metric.name] == NOBODY}
    assert {job.name for job in project.scrape.jobs.values() if job.unnoticed} == silent
    assert [job for job in project.scrape.jobs if rows[job] == NOBODY] == []


def test_without_the_rules_for_absence_nobody_notices(outcome: Outcome) -> None:
    """The control: it is the rule that notices, and not the way of looking."""
    files = {
        path: _without_absence(text) for path, text in outcome.files.items() if path.startswith("rules/")
    }
    metric = project_of(outcome).catalogue.metrics[BACKUP]
    assert Disappearance(project_of(outcome), files).of_metric(metric) == []


def _without_absence(text: str) -> str:
    data = yaml.safe_load(text)
    for group in data["groups"]:
        group["rules"] = [rule for rule in group["rules"] if "absent(" not in rule["expr"]]
    return yaml.safe_dump(data)


def test_a_world_that_is_not_quiet_is_told(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(disappearance.QUIET, "pg_up", 0)
    metric = project_of(outcome).catalogue.metrics["pg_up"]
    with pytest.raises(NotQuietError, match="DatabaseDown"):
        Disappearance(project_of(outcome), outcome.files).of_metric(metric)
