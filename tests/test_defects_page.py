"""docs/defects.md shows each planted mistake with what is said of it, and what lint finds in the guide's.

`make test ARGS=--update` writes it anew, and the outputs in tests/defects/guide.txt.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.test_cases import split
from tests.test_defects import DEFECTS, FILES, PROBLEM, SOUND, Defect, read

GUIDE = DEFECTS / "guide.txt"
CALLS = {
    "output": ("lint", "rules.yml"),
    "output with metrics": ("lint", "--metrics", "metrics.txt", "rules.yml"),
}
_ALERT = re.compile(r"^ *- alert: (\w+)$")
_HEAD = """\
# Mistakes, planted

Known mistakes in alerts and dashboards, each planted in a copy of the real `config/`, with the very lines
that `tradewatch check` then prints. The page is made from `tests/defects/`; tests plant each mistake and
compare every word. Checks are explained in [checks.md](checks.md).

The numbers are those of a list of mistakes that public collections of alerts are known for; `+` marks what
belongs to a bundle of specs beyond it.
An id with a slash is of no check: `schema/…` and `yaml/…` are of the reader, which lets the mistake not be
written at all, and `dashboard/…` are rules for what is rendered. Overlapping panels and doubled ids of panels
cannot come from a spec, because both are computed; tests of those rules plant them in the rendered files.
"""
_PLANTED = """\
## The mistakes

An alert without a mistake, its measure and its dashboard are planted first, so that each mistake stands alone
and in a place that nobody moves:
"""
_LINTED = """\
## The alerts of the guide

The nine alerts that the monitoring guide proposes, as they stand there, given to `tradewatch lint` as a plain
rule file. Promtool finds nothing in them. What they became is in `config/alerts/`.

| Alert | Found in the expression alone | Found also with `--metrics` | What is wrong with it |
|---|---|---|---|
"""


def page() -> str:
    defects = [read(file) for file in FILES]
    table = "\n".join(_row(defect) for defect in defects)
    head = "| | Mistake | Found by | What is said |\n|---|---|---|---|"
    return "\n".join(
        [_HEAD, head, table, "", _PLANTED, *_diffs(read(SOUND)), *map(_section, defects), *_guide()]
    )


def _row(defect: Defect) -> str:
    checks = ", ".join(dict.fromkeys(f"`{problem['check']}`" for problem in defect.problems))
    said = "<br>".join(f"`` {_cell(problem[0])} ``" for problem in defect.problems)
    return f"| {defect.number} | {_cell(defect.name)} | {checks} | {said} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(defect: Defect) -> str:
    number = "" if defect.number == "+" else f"{defect.number}: "
    head, said = f"### {number}{defect.name}\n\n{defect.effect}\n", defect.output.rstrip()
    return "\n".join([head, *_diffs(defect), f"```text\n{said}\n```\n"])


def _diffs(defect: Defect) -> Iterator[str]:
    for key, text in defect.plants.items():
        kind, _, path = key.partition(" ")
        if kind == "edit":
            yield f"In `{path}`:\n\n```diff\n{text.rstrip()}\n```\n"
        else:
            yield f"New, `{path}`:\n\n```yaml\n{text.rstrip()}\n```\n"


def _guide() -> Iterator[str]:
    _, blocks = split(GUIDE.read_text("utf-8"))
    notes = dict(line.split(": ", 1) for line in blocks["notes"].splitlines())
    alone, more = (_by_alert(blocks["new rules.yml"], blocks[key]) for key in CALLS)
    rows = (
        f"| {alert} | {_ids(alone[alert])} | {_ids(more[alert] - alone[alert])} | {notes[alert]} |"
        for alert in alone
    )
    yield _LINTED + "\n".join(rows) + "\n"
    for key, call in CALLS.items():
        yield f"`tradewatch {' '.join(call)}`:\n\n```text\n{blocks[key].rstrip()}\n```\n"


def _by_alert(rules: str, output: str) -> dict[str, frozenset[str]]:
    """Return by the name of each alert, in order, which checks found something in it."""
    begins = {n: match[1] for n, line in enumerate(rules.splitlines(), 1) if (match := _ALERT.match(line))}
    found: dict[str, frozenset[str]] = dict.fromkeys(begins.values(), frozenset())
    for problem in PROBLEM.finditer(output):
        line = int(problem[0].split(":")[1])
        alert = begins[max(begin for begin in begins if begin <= line)]
        found[alert] |= {problem["check"]}
    return found


def _ids(checks: frozenset[str]) -> str:
    return ", ".join(f"`{check}`" for check in sorted(checks)) or "nothing"


def test_what_lint_says_of_the_alerts_of_the_guide(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text("utf-8")
    _, blocks = split(text)
    for name in ("rules.yml", "metrics.txt"):
        (tmp_path / name).write_text(blocks[f"new {name}"], "utf-8")
    said = {}
    for key, call in CALLS.items():
        main(call)
        said[key] = capsys.readouterr().err
    if request.config.getoption("--update"):
        kept = text.partition("-- output --\n")[0]
        GUIDE.write_text(kept + "".join(f"-- {key} --\n{output}" for key, output in said.items()), "utf-8")
    else:
        assert said == {key: blocks[key] for key in CALLS}


def test_the_page_of_the_planted_mistakes_is_fresh(root: Path, request: pytest.FixtureRequest) -> None:
    file, wanted = root / "docs" / "defects.md", page()
    if request.config.getoption("--update"):
        file.write_text(wanted, "utf-8")
    assert file.read_text("utf-8") == wanted, "make test ARGS=--update writes it anew"
