"""What a drill found, step by step, and how it is shown."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from scripts.drill.wording import span

_LINES_SHOWN = 9


class Verdict(Enum):
    """What a drill says of its alert; HARNESS says nothing of it, but that the machine could not keep up."""

    PASSED = "passed"
    FAILED = "failed"
    HARNESS = "harness error"


class Promise(Enum):
    """What a step shows; the first one that is broken names a failure."""

    SILENT = "silent while all is well"
    LIVE = "the fault is live"
    DETECTED = "fires in time"
    DELIVERED = "people are told in time"
    SAID = "what they are told is right"
    HOLDS = "fires on while nothing is done"
    RUNBOOK = "the runbook does what it should"
    RESOLVED = "ends once it is mended"
    TOLD = "people are told of the end in time"
    ALONE = "nothing else is told"
    ORDERS = "no order is lost or doubled"
    WATCHED = "Prometheus evaluated its rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that had to be so. `seconds` is since the fault, in drill time; `allowed` is the promise."""

    what: str
    good: bool
    seen: str
    promise: Promise
    seconds: float | None = None
    allowed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the sink holds of one notification: title and text as people read them."""

    received_at: str
    channel: str
    status: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that took place at a moment, or from there to `until`, for the picture of a drill."""

    what: str
    at: datetime
    until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Drill:
    """A drill's steps in the order in which they were judged, and what people were told.

    `harness` says why it says nothing, if so.
    """

    alert: str
    severity: str
    time_scale: float
    fault: str = ""
    runbook: str = ""
    mended_by: str = ""
    stand_in: str = ""
    harness: str = ""
    finished: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.alert} ({self.severity})"

    @property
    def passed(self) -> bool:
        return bool(self.steps) and not self.harness and all(step.good for step in self.steps)

    @property
    def verdict(self) -> Verdict:
        if self.harness:
            return Verdict.HARNESS
        return Verdict.PASSED if self.passed else Verdict.FAILED

    @property
    def broken(self) -> Promise | None:
        """The first promise that was broken, if one was."""
        return next((step.promise for step in self.steps if not step.good), None)

    @property
    def said(self) -> str:
        """The verdict in words, with what was broken or why there is none."""
        match self.verdict:
            case Verdict.HARNESS:
                return f"HARNESS ERROR: {self.harness}"
            case Verdict.FAILED:
                return f"FAILED: {self.broken.value if self.broken else 'nothing was judged'}"
        return "PASSED"

    def mark(self, what: str, at: datetime | None = None, until: datetime | None = None) -> None:
        self.marks.append(Mark(what=what, at=at or datetime.now(UTC), until=until))

    def moment(self, what: str) -> Mark | None:
        """Return the first mark of that name."""
        return next((mark for mark in self.marks if mark.what == what), None)

    def judge(self, what: str, good: bool, seen: str, promise: Promise = Promise.SAID) -> None:
        """Add a step that has no clock."""
        self.steps.append(Step(what=what, good=good, seen=seen, promise=promise))

    def judge_time(
        self,
        what: str,
        seconds: float | None,
        allowed: float | None,
        seen: str = "",
        promise: Promise = Promise.DETECTED,
    ) -> None:
        """Add a step that had to happen, within `allowed` if that is given."""
        good = seconds is not None and (allowed is None or seconds <= allowed)
        step = Step(what=what, good=good, seen=seen, promise=promise, seconds=seconds, allowed=allowed)
        self.steps.append(step)


def as_table(drill: Drill) -> str:
    """Return the steps as a table with drill time and real time side by side."""
    head = ("", "step", "drill", "in life", "promise", "seen")
    rows = [head, *(_row(step, drill.time_scale) for step in drill.steps)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    return "\n".join(_line(row, widths) for row in rows)


def as_read(drill: Drill) -> str:
    """Return a block for each thing that people were told: its first lines, of a resolved one its title."""
    blocks = [f"{drill.name}: what the sink holds"]
    for one in drill.told:
        lines = [] if one.status == "resolved" or one.text == one.title else one.text.splitlines()
        shown = [one.title, *lines[:_LINES_SHOWN], *(["…"] if len(lines) > _LINES_SHOWN else [])]
        body = "\n".join(f"    {line}".rstrip() for line in shown)
        blocks.append(f"  {one.channel}, {one.status}, {one.received_at}\n{body}")
    return "\n\n".join(blocks)


def save(drills: Iterable[Drill], file: Path) -> None:
    """Write the drills as JSON."""
    file.write_text(json.dumps(list(map(as_json, drills)), indent=2, ensure_ascii=False) + "\n", "utf-8")


def as_json(drill: Drill) -> dict[str, Any]:
    """Return a drill as it stands in the report: moments in ISO 8601, enums by their words."""
    data = asdict(drill)
    data["finished"] = drill.finished and drill.finished.isoformat()
    data["steps"] = [{**asdict(step), "promise": step.promise.value} for step in drill.steps]
    data["marks"] = [
        {"what": mark.what, "at": mark.at.isoformat(), "until": mark.until and mark.until.isoformat()}
        for mark in drill.marks
    ]
    broken = drill.broken and drill.broken.value
    return {**data, "passed": drill.passed, "verdict": drill.verdict.value, "broken": broken}


def _row(step: Step, scale: float) -> tuple[str, ...]:
    drill = "" if step.seconds is None else f"{step.seconds:.2f} s"
    life = "" if step.seconds is None else span(step.seconds * scale)
    promise = "" if step.allowed is None else f"≤ {span(step.allowed * scale)}"
    return ("ok" if step.good else "FAILED", step.what, drill, life, promise, step.seen)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*padded, row[-1]]).rstrip()
