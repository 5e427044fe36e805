"""bash on the scripts of the runbooks: each must parse."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.spec.model import Project
from config.spec.problem import Problem
from observability.names import RUNBOOKS
from observability.verify.tool import run_all

_SAID = re.compile(r"^\S+: line (\d+): (.*)$", re.MULTILINE)
_FUNCTION = re.compile(r"^step_(\w+?)(?:__\w+)?\(\) \{$")


def verify(project: Project, files: Mapping[str, str], out: Path) -> Iterator[Problem]:
    """Yield a problem for each script that is no bash, at the step whose shell is wrong if it is one's."""
    scripts = [path for path in files if path.startswith(RUNBOOKS) and path.endswith(".sh")]
    told = run_all((("bash", "-n", path) for path in scripts), cwd=out)
    for path, (good, said) in zip(scripts, told, strict=True):
        if not good:
            name = path.removeprefix(RUNBOOKS).removesuffix(".sh")
            yield _problem(project, name, files[path].splitlines(), said)


def _problem(project: Project, name: str, lines: list[str], said: str) -> Problem:
    """Return what bash says of a script; it often notices only behind the piece that is wrong."""
    runbook, place = project.runbooks[name], project.runbooks[name].where()
    found = _SAID.search(said)
    if found:
        above = (match for line in reversed(lines[: int(found[1])]) if (match := _FUNCTION.match(line)))
        step = next(above, None)
        place = next((one.where("id") for one in runbook.steps if step and one.id == step[1]), place)
    return Problem(place, f"the shell does not parse: {found[2] if found else said}", "bash/syntax")
