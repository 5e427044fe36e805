"""The pages of the runbooks, and the index that finds the right one by alert and by symptom."""

from collections.abc import Iterator
from typing import Any

from config.spec.model import Alert, Project
from config.spec.runbook import Runbook, Step
from observability.names import MEASURE, RESOLVED, RUNBOOKS, runbook_file
from observability.render.rules import conditions
from observability.render.scripts import environment, platforms

_INDEX = f"{RUNBOOKS}README.md"
_KIT = {
    "contacts": "call",
    "support": "ask",
    "dashboards": "look at",
    "credentials": "credentials",
    "templates": "template",
}
_LABELS = {"unless": "Not needed if this succeeds:", "verify.run": "Has worked if:", "undo": "Undone by:"}


def render(project: Project) -> dict[str, str]:
    if not project.runbooks:
        return {}
    pages = {
        runbook_file(name, "md"): page(project, name, runbook) for name, runbook in project.runbooks.items()
    }
    return {**pages, _INDEX: _index(project)}


def page(project: Project, name: str, runbook: Runbook) -> str:
    """Return what explains a runbook: what it means, what it does, step by step."""
    text = (
        environment()
        .get_template("runbook.md.jinja")
        .render(
            made_from=f"config/runbooks/{name}.yaml",
            kit=_kit(project, "contacts", "support"),
            title=runbook.title,
            rules=[rule for alert in runbook.alerts for rule in _rules(project, project.alerts[alert])],
            commands=_commands(name, runbook),
            symptoms=runbook.symptoms,
            meaning=runbook.meaning.strip(),
            impact=runbook.impact.strip(),
            sections=list(_sections(project, runbook)),
            parameters=[
                {
                    "name": one.name,
                    "about": one.about,
                    "default": f"`{one.default}`" if one.default else "none",
                }
                for one in runbook.parameters.values()
            ],
        )
    )
    return f"{text.rstrip()}\n"


def _rules(project: Project, alert: Alert) -> Iterator[dict[str, str]]:
    """Yield a row for each rule of the alert, with how long its condition lasts before it speaks."""
    lasts = [level.for_ for level in alert.levels.values()]
    if alert.absent_for is not None:
        lasts.append(alert.absent_for)
    for (severity, expression), length in zip(conditions(project, alert), lasts, strict=True):
        condition = f"`{expression}`".replace("|", "\\|")
        yield {"alert": alert.name, "severity": severity, "condition": condition, "lasts": str(length)}


def _command(name: str, runbook: Runbook) -> str:
    """Return what to type: the script, and the parameters that nobody can guess."""
    needed = [f" --set {one.name}=…" for one in runbook.parameters.values() if one.default is None]
    return runbook_file(name, "sh") + "".join(needed)


def _commands(name: str, runbook: Runbook) -> list[str]:
    script = _command(name, runbook)
    if runbook.script:
        return [f"{script} --help"]
    lines = [f"{script} --only-probes   # looks, and changes nothing"]
    if any(step.kind == "action" for step in runbook.steps):
        lines.append(f"{script}{' ' * len(' --only-probes')}   # mends, and asks before each action")
    return lines


def _sections(project: Project, runbook: Runbook) -> Iterator[dict[str, Any]]:
    """Yield the steps up to the first that is for changing something, and those from there on."""
    steps = runbook.steps
    first = next((index for index, step in enumerate(steps) if step.kind != "probe"), len(steps))
    shown = [_step(project, runbook, number, step) for number, step in enumerate(steps, 1)]
    text = f"Before them the step `{MEASURE}` shows what the alert looks at now." if runbook.alerts else ""
    if first:
        yield {"title": "Diagnosis", "text": text, "steps": shown[:first]}
    text = runbook.how.strip() if runbook.how else _last_word(runbook)
    if shown[first:] or text:
        yield {"title": "Mitigation", "text": text, "steps": shown[first:]}


def _last_word(runbook: Runbook) -> str:
    if not runbook.alerts:
        return ""
    note = runbook.resolved.note.strip() if runbook.resolved else ""
    asked = f"The last step, `{RESOLVED}`, asks Prometheus whether the rules above are still true."
    return f"{asked} {note}".strip()


def _step(project: Project, runbook: Runbook, number: int, step: Step) -> dict[str, Any]:
    return {
        "number": number,
        "id": step.id,
        "title": step.title,
        "about": _about(step),
        "why": step.why.strip(),
        "instructions": (step.instructions or "").strip(),
        "because": step.because,
        "pieces": [{"label": _label(key), "text": text.strip()} for key, text in step.shell.items()],
        "notes": list(_notes(project, runbook, step)),
    }


def _about(step: Step) -> str:
    if step.kind == "manual":
        return "for a person"
    kind = "a probe, changes nothing" if step.kind == "probe" else "an action"
    danger = ", of high danger" if step.danger == "high" else ""
    return f"{kind}{danger}, at most {step.timeout}"


def _label(key: str) -> str:
    _, _, platform = key.partition("run_on.")
    return f"On {platform}:" if platform else _LABELS.get(key, "Runs:")


def _notes(project: Project, runbook: Runbook, step: Step) -> Iterator[str]:
    if expect := step.expect:
        wanted = [f"a line matches `{expect.matches}`"] if expect.matches else []
        wanted += [f"no line matches `{expect.lacks}`"] if expect.lacks else []
        yield f"Expected: {' and '.join(wanted)}. Else: {expect.finding}."
    if step.confirm:
        yield f"Has to be typed: `{step.confirm}`."
    if step.undo_not:
        yield f"Is not undone: {step.undo_not}."
    if step.run is None and step.run_on:
        lacking = [name for name in platforms(project, runbook) if name not in step.run_on]
        if lacking:
            yield f"Has no form on {', '.join(lacking)}."


def _index(project: Project) -> str:
    runbooks = project.runbooks
    text = (
        environment()
        .get_template("runbooks.md.jinja")
        .render(
            title=project.bundle.title,
            kit=_kit(project, *_KIT),
            alerts=[
                {
                    "name": name,
                    "severities": ", ".join(alert.levels),
                    "command": _linked(project, alert.runbook),
                }
                for name, alert in sorted(project.alerts.items())
            ],
            symptoms=[
                {"text": symptom, "command": _linked(project, name)}
                for name, runbook in sorted(runbooks.items())
                for symptom in runbook.symptoms
            ],
            runbooks=[
                {
                    "command": _linked(project, name),
                    "title": runbooks[name].title if name in runbooks else name,
                }
                for name in sorted(project.runbook_ids)
            ],
        )
    )
    return f"{text.rstrip()}\n"


def _kit(project: Project, *sections: str) -> dict[str, Any] | None:
    """Return what has to be at hand in an incident, of these sections."""
    kit = project.operations.kit if project.operations else None
    if kit is None:
        return None
    entries = [(_KIT[name], one.what, one.at) for name in sections for one in kit.sections[name]]
    return {"examples": kit.examples, "entries": entries}


def _linked(project: Project, name: str) -> str:
    """Return the command of a runbook beside the link to its page; one by hand is a page alone."""
    link = f"[page]({name}.md)"
    return f"`{_command(name, project.runbooks[name])}` {link}" if name in project.runbooks else link
