"""Scripts and pages of runbooks, made from a shop's specs and run by bash."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from observability.compile import Outcome, Request, compile_bundle
from observability.render.scripts import indented
from observability.verify import scripts
from observability.write import lay_out as write_out
from observability.write import write
from tests.bundle_of import lay_out

OPERATIONS = "platforms: {here: this machine, there: another one}\nsecrets: [SHOP_TOKEN]\n"
PLATFORM = """
# Where the shop runs.
platform_detect() { echo here; }
platform_enter() { export SHOP=open; }
platform_identity() { echo "shop: $SHOP"; }
"""
RUNBOOK = """
title: "Too many errors: what's wrong?"
alerts: [ManyErrors]
symptoms: [customers complain]
meaning: Many calls fail.
impact: Customers go away.
parameters:
  shelf: {about: the shelf to look at, default: A1, pattern: "[A-Z][0-9]"}
resolved: {attempts: 2, every: 1s, note: It looks back five minutes.}
steps:
  - id: look
    title: Is the shop open?
    kind: probe
    why: A closed one sells nothing.
    run: |
      echo "shelf $SHELF
      is 'there'"
      if [[ $SHOP == open ]]; then
          echo open
      fi
    timeout: 1500ms
    expect: {matches: "^open$", finding: the shop is closed}
  - id: sweep
    title: Sweep
    kind: action
    run_on: {here: "touch swept"}
    timeout: 5s
    verify: {run: test -e swept, timeout: 1s}
    undo: rm -f swept
"""


def files(**changed: str) -> dict[str, str]:
    return {
        "config/operations.yaml": OPERATIONS,
        "config/runbooks/lib/platform.sh": PLATFORM,
        "config/runbooks/many_errors.yaml": RUNBOOK,
        **changed,
    }


def made(folder: Path, laid: Mapping[str, str]) -> Outcome:
    (lay_out(folder, laid).parent / "runbooks" / "many_errors.md").unlink()
    return compile_bundle(Request(config_dir=folder / "config"))


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    outcome = made(tmp_path, files())
    assert outcome.problems == ()
    return outcome


def test_a_script_holds_its_own_hash(outcome: Outcome) -> None:
    text = outcome.files["runbooks/many_errors.sh"]
    found = re.search(r"^readonly RUNBOOK_HASH='(\w{64})'$", text, re.MULTILINE)
    assert found is not None
    assert hashlib.sha256(text.replace(f"'{found[1]}'", "").encode()).hexdigest() == found[1]


def test_the_data_reaches_bash_as_it_was_written(outcome: Outcome, tmp_path: Path) -> None:
    text = outcome.files["runbooks/many_errors.sh"].removesuffix('main "$@"\n')
    asked = (
        'printf "%s\\n" "$RUNBOOK_ID" "$RUNBOOK_TITLE" "${RUNBOOK_STEPS[*]}" "${RUNBOOK_PLATFORMS[*]}" '
        '"${RUNBOOK_SECRETS[*]}" "${STEP_TIMEOUT[look]}" "${STEP_MATCHES[look]}" '
        '"${STEP_VERIFY_EVERY[resolved]}"'
    )
    done = subprocess.run(
        ["bash", "-c", f"{text}\nIFS=' '\n{asked}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "many_errors",
        "Too many errors: what's wrong?",
        "measure look sweep resolved",
        "here there",
        "SHOP_TOKEN",
        "1.5",
        "^open$",
        "1",
    ]


def test_a_script_runs_its_steps(outcome: Outcome, tmp_path: Path) -> None:
    write(tmp_path, outcome.files)
    done = subprocess.run(
        [tmp_path / "runbooks/many_errors.sh", "--step", "look", "--run-dir", tmp_path / "runs"],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 0, done
    assert "shelf A1" in done.stdout
    assert "is 'there'" in done.stdout


def test_the_last_step_asks_for_every_rule_of_the_alert(outcome: Outcome) -> None:
    text = outcome.files["runbooks/many_errors.sh"]
    rules = outcome.files["rules/web.yml"]
    asked = re.findall(r"^    alert_is_over (\w+) (\w+) '(.*)'$", text, re.MULTILINE)
    assert [(name, severity) for name, severity, _ in asked] == [
        ("ManyErrors", "warning"),
        ("ManyErrors", "critical"),
    ]
    assert all(f"expr: {expression}" in rules for *_, expression in asked)


def test_a_page_has_what_a_person_needs(outcome: Outcome) -> None:
    page = outcome.files["runbooks/many_errors.md"]
    for text in (
        "# Too many errors: what's wrong?",
        "runbooks/many_errors.sh --only-probes",
        "## Meaning\n\nMany calls fail.",
        "## Impact\n\nCustomers go away.",
        "Seen as: customers complain.",
        "### 1. Is the shop open?",
        "`look`, a probe, changes nothing, at most 1s500ms",
        "Expected: a line matches `^open$`. Else: the shop is closed.",
        "On here:\n\n```bash\ntouch swept\n```",
        "Undone by:\n\n```bash\nrm -f swept\n```",
        "Has no form on there.",
        "| `shelf` | the shelf to look at | `A1` |",
        "It looks back five minutes.",
    ):
        assert text in page
    assert page.index("## Diagnosis") < page.index("Is the shop open?") < page.index("## Mitigation")


def test_the_index_finds_a_runbook_by_alert_and_by_symptom(outcome: Outcome) -> None:
    index = outcome.files["runbooks/README.md"]
    command = "`runbooks/many_errors.sh` [page](many_errors.md)"
    assert f"| ManyErrors | warning, critical | {command} |" in index
    assert f"| customers complain | {command} |" in index


def test_a_bundle_may_keep_its_pages_by_hand(tmp_path: Path) -> None:
    outcome = compile_bundle(Request(config_dir=lay_out(tmp_path)))
    assert outcome.problems == ()
    assert [path for path in outcome.files if path.startswith("runbooks/")] == []


def test_what_is_written_can_be_run(outcome: Outcome, tmp_path: Path) -> None:
    write(tmp_path / "out", outcome.files)
    assert os.access(tmp_path / "out/runbooks/many_errors.sh", os.X_OK)
    assert not os.access(tmp_path / "out/runbooks/many_errors.md", os.X_OK)


def test_a_here_document_is_not_indented() -> None:
    text = "cat <<'A' - <<-B\none\nA\n two\n\tB\nc <<<d\ne $((1 << 2))\nf"
    assert indented(text) == "    cat <<'A' - <<-B\none\nA\n two\n\tB\n    c <<<d\n    e $((1 << 2))\n    f"


def test_lines_within_a_quote_are_not_indented() -> None:
    text = "a \"b\nc 'd\n\" e\nf 'g\n# \"h'\ni # it's\nj \\'\nk"
    assert indented(text) == ("    a \"b\nc 'd\n\" e\n    f 'g\n# \"h'\n    i # it's\n    j \\'\n    k")


@pytest.mark.parametrize(
    ("wrong", "step"), [("if true; then echo", "sweep"), ("fi", "sweep"), ("echo ')' )", "sweep")]
)
def test_shell_that_does_not_parse_is_told_at_its_step(tmp_path: Path, wrong: str, step: str) -> None:
    outcome = made(tmp_path, files())
    assert outcome.project is not None
    laid = {path: text for path, text in outcome.files.items() if path.startswith("runbooks/")}
    broken = {path: text.replace("    touch swept", f"    {wrong}") for path, text in laid.items()}
    for name, texts in {"good": laid, "broken": broken}.items():
        write_out(tmp_path / name, texts)
    assert list(scripts.verify(outcome.project, laid, tmp_path / "good")) == []
    [problem] = scripts.verify(outcome.project, broken, tmp_path / "broken")
    assert problem.check == "bash/syntax"
    line = RUNBOOK.splitlines().index(f"  - id: {step}") + 1
    assert (Path(problem.place.path).name, problem.place.line) == ("many_errors.yaml", line)
