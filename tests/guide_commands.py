"""The commands of the monitoring guide, what became of each, and the table of them for docs/guide.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "guide" / "commands.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as the guide has it; the file itself says what the keys mean."""

    section: str
    command: str
    verdict: str
    step: str
    form: str
    because: str = ""
    shows: str | None = None
    code: int | str = 0
    not_run: str | None = None

    @property
    def runbook(self) -> str:
        return self.step.partition("/")[0]


def told() -> Any:
    return yaml.safe_load(FILE.read_text("utf-8"))


def commands() -> list[Command]:
    return [Command(**one) for one in told()["commands"]]


def table(every: Sequence[Command]) -> str:
    """Return the section of the page, with its counts."""
    works = sum(one.verdict == "works" for one in every)
    ran = sum(one.not_run is None for one in every)
    head = f"""
## Its commands

The guide has {len(every)} commands. {works} work as they are written, {len(every) - works} are corrected.
{ran} were run as they are written, in `make test ARGS=tests/runbooks`; of the others the table says why not.
Each has its step, and the step the better form.

| Section | Command | Step | As it is written |
|---|---|---|---|
"""
    return head + "\n".join(map(_row, every)) + "\n"


def _row(one: Command) -> str:
    runbook, _, step = one.step.partition("/")
    said = "works" if one.verdict == "works" else "corrected, because"
    cells = (
        one.section,
        f"`{one.command.strip()}`",
        f"[{runbook}](../runbooks/{runbook}.md), {step}",
        (f"{said}: {one.because}" if one.because else said)
        + (f" (not run: {one.not_run})" if one.not_run else ""),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
