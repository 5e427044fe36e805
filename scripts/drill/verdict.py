"""What a drill found, step by step, and how it is shown."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

_LINES_SHOWN = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that had to be so. `seconds` is since the fault, in drill time; `allowed` is the promise."""

    what: str
    good: bool
    seen: str
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


@dataclass(slots=True, kw_only=True)
class Drill:
    """A drill's steps in the order in which they were judged, and what people were told."""

    alert: str
    severity: str
    time_scale: float
    steps: list[Step] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.alert} ({self.severity})"

    @property
    def passed(self) -> bool:
        return bool(self.steps) and all(step.good for step in self.steps)

    def judge(self, what: str, good: bool, seen: str) -> None:
        """Add a step that has no clock."""
        self.steps.append(Step(what=what, good=good, seen=seen))

    def judge_time(self, what: str, seconds: float | None, allowed: float | None, seen: str = "") -> None:
        """Add a step that had to happen, within `allowed` if that is given."""
        good = seconds is not None and (allowed is None or seconds <= allowed)
        self.steps.append(Step(what=what, good=good, seen=seen, seconds=seconds, allowed=allowed))


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
    data = [{**asdict(drill), "passed": drill.passed} for drill in drills]
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _row(step: Step, scale: float) -> tuple[str, ...]:
    drill = "" if step.seconds is None else f"{step.seconds:.2f} s"
    life = "" if step.seconds is None else _span(step.seconds * scale)
    promise = "" if step.allowed is None else f"≤ {_span(step.allowed * scale)}"
    return ("ok" if step.good else "FAILED", step.what, drill, life, promise, step.seen)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*padded, row[-1]]).rstrip()


def _span(seconds: float) -> str:
    whole = round(seconds)
    minutes, rest = divmod(abs(whole), 60)
    # Below zero: somebody was told before the drill had asked.
    return ("-" if whole < 0 else "") + (f"{minutes}m {rest:02d}s" if minutes else f"{rest}s")
