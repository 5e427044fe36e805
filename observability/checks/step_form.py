"""A step has the keys of its kind: shell with a timeout, or instructions where a person does it.

Why: a key that its kind does not have is a wish that nobody grants: an `undo` of a probe is never run; a step
without a timeout holds up all that follow it.
Fix: move the key to a step of the right kind, or change the kind; give each `run` a `timeout`.
"""

from collections.abc import Iterator, Mapping

from config.spec.model import Project
from config.spec.runbook import Step
from observability.checks.finding import Finding

_SHELL = ("run", "run_on", "timeout", "expect")
_MANUAL = ("instructions", "because")
_ACTION = ("verify", "undo", "undo_not", "danger", "confirm", "repeatable")
_FOREIGN: Mapping[str, tuple[str, ...]] = {
    "probe": (*_ACTION, *_MANUAL),
    "action": _MANUAL,
    "manual": (*_SHELL, *_ACTION),
}


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        for step in runbook.steps:
            given = _given(step)
            for key in _FOREIGN[step.kind]:
                if key in given:
                    yield Finding(step.where.key(key), f"{_a(step.kind)} has no {key}")
            yield from _lacking(step, given)


def _lacking(step: Step, given: Mapping[str, object]) -> Iterator[Finding]:
    if step.kind == "manual":
        for key in _MANUAL:
            if key not in given:
                yield Finding(step.where("id"), f"a manual step without {key}")
        return
    if "run" not in given and "run_on" not in given:
        yield Finding(step.where("id"), f"{_a(step.kind)} without run or run_on")
    if "timeout" not in given:
        yield Finding(step.where("id"), f"{_a(step.kind)} without a timeout")
    elif not step.timeout.milliseconds:
        yield Finding(step.where("timeout"), "a timeout of nothing")
    if step.verify and not step.verify.timeout.milliseconds:
        yield Finding(step.verify.where("timeout"), "a timeout of nothing")


def _given(step: Step) -> Mapping[str, object]:
    data: object = step.where.source.data
    for key in step.where.path:
        data = data[key]  # type: ignore[index]
    return data if isinstance(data, Mapping) else {}


def _a(kind: str) -> str:
    return "an action" if kind == "action" else f"a {kind}" if kind == "probe" else "a manual step"
