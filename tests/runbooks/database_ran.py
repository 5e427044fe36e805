"""Runs a shipped runbook, and keeps what it found."""

import re
import subprocess
from pathlib import Path

from tests.runbooks.databases import BOUND, ROOT

EVERY = ("connection", "performance", "maintenance", "corruption")
FINDING = re.compile(r"^  finding: (.*)$", re.MULTILINE)


class Ran:
    """How a script ended; findings without those of alerts, which look back for minutes."""

    def __init__(self, script: Path, variables: dict[str, str], *flags: str) -> None:
        words = [str(script), "--platform", "local", "--run-dir", str(script.parent / "runs"), *flags]
        if script.parent == ROOT / "runbooks":
            words[4] = str(Path(variables["TRADEWATCH_HOME"]) / "runs")
        done = subprocess.run(
            words, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=BOUND * 3, start_new_session=True,
        )  # fmt: skip
        self.code, self.out = done.returncode, done.stdout + done.stderr
        self.findings = [one for one in FINDING.findall(self.out) if "is still true" not in one]
