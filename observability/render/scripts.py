"""The scripts of the runbooks: data, the steps as functions, the words that they use, and the prelude."""

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.spec.duration import Duration
from config.spec.model import Alert, Level, Project
from config.spec.runbook import Kit, Runbook, Step
from observability.names import MEASURE, RESOLVED, recorded, runbook_file
from observability.render.rules import conditions

TEMPLATES = Path(__file__).parent.parent / "templates"
_NO_HASH = "readonly RUNBOOK_HASH="
_PATIENCE = "20"  # seconds for Prometheus' answers
_FACTS_OF_MEASURE = {
    "TITLE": "What does Prometheus measure now?",
    "KIND": "probe",
    "TIMEOUT": _PATIENCE,
    "ON_FAILURE": "continue",
}
PLATFORM = "platform"  # the library that every script has: where the stack runs, and how to reach it
_KIT = "RUNBOOK_KIT"  # only in scripts that have a word which reads it
_OPEN = ("'", '"')
# `<<WORD`, which is neither a here-string nor a shift.
_HERE_DOCUMENT = re.compile(r"""(?<!<)<<-?(?!<)[ \t]*(?P<quote>['"\\]?)(?P<end>[A-Za-z_]\w*)""")


def render(project: Project) -> dict[str, str]:
    return {
        runbook_file(name, "sh"): script(project, name, runbook) for name, runbook in project.runbooks.items()
    }


def script(project: Project, name: str, runbook: Runbook) -> str:
    """Return the script of a runbook; its hash is that of everything but the line that holds it."""
    template = environment().get_template("program.sh.jinja" if runbook.script else "runbook.sh.jinja")
    parts = {
        "title": runbook.title,
        "made_from": f"config/runbooks/{name}.yaml",
        "libraries": [_embedded(project.libraries[one]) for one in libraries(runbook)],
        "json": _template("json.sh"),
    }
    if runbook.script:
        return template.render(parts)
    parts |= {
        "data": list(_data(project, name, runbook)),
        "steps": list(_functions(project, runbook)),
        "prelude": _template("prelude.sh"),
    }
    without = template.render(parts)
    found = hashlib.sha256(without.encode()).hexdigest()
    return without.replace(_NO_HASH, f"{_NO_HASH}'{found}'", 1)


def libraries(runbook: Runbook) -> tuple[str, ...]:
    """Return the libraries that a script embeds, in order; the last of a `script` is the program."""
    if runbook.script:
        return (*runbook.uses, runbook.script)
    return (PLATFORM, *(name for name in runbook.uses if name != PLATFORM))


def steps(runbook: Runbook) -> tuple[str, ...]:
    """Return the ids of all steps in order; for alerts, the first and the last look at what they measure."""
    own = tuple(step.id for step in runbook.steps)
    return (MEASURE, *own, RESOLVED) if runbook.alerts else own


def platforms(project: Project, runbook: Runbook) -> tuple[str, ...]:
    """Return where a runbook can run."""
    everywhere = tuple(project.operations.platforms) if project.operations else ()
    return runbook.platforms or everywhere


@cache
def environment() -> Environment:
    """Return what fills in the templates; what they are given is quoted already."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


@cache
def _template(name: str) -> str:
    return _embedded((TEMPLATES / name).read_text("utf-8"))


def _embedded(shell: str) -> str:
    """Return shell to stand in a script, which says in its first line what language it is."""
    return re.sub(r"\A(#!.*\n)?(# shellcheck shell=.*\n)?", "", shell).strip()


def _data(project: Project, name: str, runbook: Runbook) -> Iterator[str]:
    """Yield the assignments that the prelude works by."""
    yield _single("RUNBOOK_ID", name)
    yield _single("RUNBOOK_TITLE", runbook.title)
    yield _single("RUNBOOK_NAMESPACE", project.bundle.namespace)
    yield _single("RUNBOOK_LOCK", runbook.lock or name)
    secrets = project.operations.secrets if project.operations else ()
    for array, values in {
        "RUNBOOK_PLATFORMS": platforms(project, runbook),
        "RUNBOOK_ALERTS": runbook.alerts,
        "RUNBOOK_EVIDENCE": runbook.evidence,
        "RUNBOOK_SECRETS": secrets,
        "RUNBOOK_STEPS": steps(runbook),
        "RUNBOOK_PARAMETERS": tuple(runbook.parameters),
    }.items():
        yield f"readonly -a {array}=({' '.join(map(shlex.quote, values))})"
    for table, texts in _tables(runbook).items():
        yield from _table(table, texts)
    kit = project.operations.kit if project.operations else None
    if kit and any(_KIT in project.libraries[library] for library in libraries(runbook)):
        yield f"declare -rx {_KIT}={_quoted(kit_lines(kit))}"
    # What --set fills in; whatever the environment holds under this name is not meant.
    yield from (f"{parameter.upper()}=''" for parameter in runbook.parameters)


def kit_lines(kit: Kit) -> str:
    """Return the kit as lines of three columns, the first of them with what it is of."""
    lines = [("examples", "yes" if kit.examples else "no", "")]
    lines += [(name, one.what, one.at) for name, entries in kit.sections.items() for one in entries]
    return "\n".join(map("\t".join, lines))


def _single(name: str, value: str) -> str:
    return f"readonly {name}={_quoted(value)}"


def _tables(runbook: Runbook) -> dict[str, dict[str, str]]:
    """Return what the prelude looks up by the id of a step, or the name of a parameter."""
    tables: dict[str, dict[str, str]] = {}
    for step in runbook.steps:
        for key, value in _facts(step).items():
            tables.setdefault(f"STEP_{key}", {})[step.id] = value
    added = {MEASURE: _FACTS_OF_MEASURE, RESOLVED: _facts_of_resolved(runbook)} if runbook.alerts else {}
    for id_, facts in added.items():
        for key, value in facts.items():
            tables.setdefault(f"STEP_{key}", {})[id_] = value
    parameters = runbook.parameters.items()
    tables["PARAMETER_ABOUT"] = {name: one.about for name, one in parameters}
    tables["PARAMETER_PATTERN"] = {name: one.pattern for name, one in parameters}
    tables["PARAMETER_DEFAULT"] = {name: one.default for name, one in parameters if one.default is not None}
    return tables


def _facts(step: Step) -> dict[str, str]:
    """Return the facts of a step; one that it does not have is an empty text."""
    expect, verify = step.expect, step.verify
    return {
        "TITLE": step.title,
        "KIND": step.kind,
        "WHY": step.why.strip(),
        "TIMEOUT": _seconds(step.timeout),
        "MATCHES": (expect.matches if expect else None) or "",
        "LACKS": (expect.lacks if expect else None) or "",
        "FINDING": expect.finding if expect else "",
        "DANGER": step.danger,
        "CONFIRM": step.confirm or "",
        "ON_FAILURE": step.after_failure,
        "REPEATABLE": "yes" if step.repeatable else "",
        "UNDO_NOT": step.undo_not or "",
        "VERIFY_TIMEOUT": _seconds(verify.timeout) if verify else "",
        "VERIFY_ATTEMPTS": str(verify.attempts) if verify else "",
        "VERIFY_EVERY": _seconds(verify.every) if verify else "",
        "INSTRUCTIONS": (step.instructions or "").strip(),
        "BECAUSE": step.because or "",
    }


def _facts_of_resolved(runbook: Runbook) -> dict[str, str]:
    wait = runbook.resolved
    return {
        "TITLE": f"Is it over? Prometheus is asked for {', '.join(runbook.alerts)}",
        "KIND": RESOLVED,
        "WHY": wait.note.strip() if wait else "",
        "TIMEOUT": _PATIENCE,
        "VERIFY_ATTEMPTS": str(wait.attempts) if wait else "1",
        "VERIFY_EVERY": _seconds(wait.every) if wait else "2",
        "ON_FAILURE": "continue",
    }


def _table(name: str, texts: Mapping[str, str]) -> Iterator[str]:
    told = {key: text for key, text in texts.items() if text}
    if not told:
        yield f"declare -rA {name}=()"
        return
    yield f"declare -rA {name}=("
    for key, text in told.items():
        yield f"    [{key}]={_quoted(text)}"
    yield ")"


def _functions(project: Project, runbook: Runbook) -> Iterator[str]:
    """Yield a function for each piece of shell."""
    if runbook.alerts:
        shown = [_shown(project, project.alerts[alert]) for alert in runbook.alerts]
        yield _function(f"step_{MEASURE}", "\n".join(shown))
    for step in runbook.steps:
        for key, text in step.shell.items():
            yield _function(_function_name(step.id, key), text)
    if runbook.alerts:
        asked = [
            f"alert_is_over {alert} {severity} {_quoted(expression)}"
            for alert in runbook.alerts
            for severity, expression in conditions(project, project.alerts[alert])
        ]
        yield _function(f"step_{RESOLVED}", "\n".join(asked))


def _shown(project: Project, alert: Alert) -> str:
    """Return what prints the bounds of an alert beside what it looks at now."""
    bounds = [f"{severity} {_bound(level)}" for severity, level in alert.levels.items()]
    measure = recorded(project, alert.measure)
    text = f"{alert.name} looks at {measure}: {', '.join(bounds)}"
    return f'echo {_quoted(text)}\nnow=$(prometheus_query {_quoted(measure)})\necho "${{now:-no value now}}"'


def _bound(level: Level) -> str:
    if not level.has_bound:
        return f"when it is {'there' if level.present else 'absent'}"
    return f"{level.operator} {level.bound:f}"


def _function_name(step: str, key: str) -> str:
    """Return the name of a step's function; the prelude finds it by this."""
    part, _, platform = key.partition(".")
    match part:
        case "run":
            return f"step_{step}"
        case "run_on":
            return f"step_{step}__on_{platform}"
    return f"step_{step}__{part}"


def _function(name: str, body: str) -> str:
    return f"{name}() {{\n{indented(body.strip())}\n}}"


def indented(text: str) -> str:
    """Indent shell by four spaces; what goes on from an earlier line, quote or document, stays as it is."""
    lines, quote, documents = [], "", list[str]()
    for line in text.splitlines():
        inside = quote or documents
        lines.append(f"    {line}" if line and not inside else line)
        if documents:
            documents = documents[1:] if line.lstrip("\t") == documents[0] else documents
            continue
        quote, before = _open_quote(line, quote), quote
        if not before:
            documents = [found["end"] for found in _HERE_DOCUMENT.finditer(line)]
    return "\n".join(lines)


def _open_quote(line: str, quote: str) -> str:
    """Return the quote that is open at the end of a line, given that at its beginning."""
    escaped = False
    for index, letter in enumerate(line):
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in _OPEN:
            quote = letter
        elif letter == "#" and (index == 0 or line[index - 1] in " \t;(&|"):
            break
    return quote


def _quoted(text: str) -> str:
    """Quote a text for the shell, readable also where it holds quotes."""
    return shlex.quote(text) if text else "''"


def _seconds(length: Duration) -> str:
    return f"{length.seconds:.10g}" if length.milliseconds else ""
