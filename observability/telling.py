"""The commands that prove that people are told: that a page comes in time, and that it arrives."""

import argparse
import getpass
import json
import socket
from collections.abc import Iterable, Iterator
from functools import partial

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability import latency_report
from observability.commands import CLEAN, PROBLEMS, UsageError, not_left_out, number, report, request_of
from observability.compile import compile_bundle
from observability.latency import budgets
from observability.page_test import Alertmanager, Outcome, hear_heartbeat, page_all
from observability.service import UnreachableError

_RUNBOOK = "page_test"  # the page that explains the page, where a bundle has it


def latency(options: argparse.Namespace) -> int:
    """Print both clocks of every alert, or of those that are named; fail where one breaks its promise."""
    outcome = not_left_out(options, compile_bundle(request_of(options), tests=False))
    if outcome.project is None or outcome.failed:
        return report(outcome.problems, outcome.sources)
    for name in options.alert:
        if name not in outcome.project.alerts:
            raise UsageError(f"no alert named {name!r}{did_you_mean(name, outcome.project.alerts)}")
    found = [
        budget
        for budget in budgets(outcome.project, outcome.files)
        if not options.alert or budget.alert.name in options.alert
    ]
    if options.format == "json":
        print(json.dumps(latency_report.as_objects(found), indent=2))
    else:
        print("\n".join(latency_report.as_table(found, with_steps=bool(options.alert))))
    return report(latency_report.problems(outcome.project, found), outcome.sources)


def page_test(options: argparse.Namespace) -> int:
    """Send a marked page through every receiver of an Alertmanager; fail where one does not take it."""
    project = compile_bundle(request_of(options), tests=False).project
    if project is None:
        raise UsageError(f"{options.config} has problems; see `tradewatch check`")
    severities = [name for name, route in project.routing.severities.items() if route.receivers]
    for name in options.severity:
        if name not in severities:
            text = f"--severity: nobody is told at once of {name!r}; one of: {', '.join(severities)}"
            raise UsageError(text)
    alertmanager = Alertmanager(options.alertmanager)
    tell = partial(print, flush=True)
    try:
        outcomes = list(
            _shown(page_all(alertmanager, options.severity or severities, _marked(project), tell))
        )
        if not options.severity:
            outcomes += _shown(hear_heartbeat(alertmanager, tell))
            tell("not asked: the daily digest, which goes out in its window alone")
    except UnreachableError as error:
        raise UsageError(str(error)) from None
    lost = sum(not outcome.took for outcome in outcomes)
    took = f"{len(outcomes) - lost} of {number(len(outcomes), 'receiver')} took it"
    print(took if lost else f"{took}; what each person must do: look whether it arrived, and say so")
    return PROBLEMS if lost or not outcomes else CLEAN


def _shown(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    for outcome in outcomes:
        said = f"took it after {outcome.after:.1f} s" if outcome.took else f"DID NOT TAKE IT: {outcome.why}"
        print(f"  {outcome.integration}: {said}", flush=True)
        yield outcome


def _marked(project: Project) -> dict[str, str]:
    """Return what the page says: that it is a test, who asked for it, and where to read what to do."""
    asked_by = f"{getpass.getuser()} on {socket.gethostname()}"
    texts = {
        "summary": f"TEST of paging by {asked_by}; nothing is wrong",
        "description": "If you can read this, this way to you works. Tell whoever asked for it.",
    }
    return {**texts, "runbook": _RUNBOOK} if _RUNBOOK in project.runbook_ids else texts
