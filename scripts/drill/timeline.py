"""The picture of one drill: what was broken, what fired, who was told and what mended it, along one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape

from scripts.drill.verdict import Drill, Mark
from scripts.drill.wording import span

_LEFT, _WIDTH, _ROW, _TOP = 92, 900, 30, 26
_ROWS = ("fault", "alert", "told", "mended")
_NAMES = {"fault": "Fault", "alert": "Alert", "told": "People", "mended": "Mending"}
_TICKS = 6
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800)
_LEAST_LETTERS = 6
_SHORT = 3.0  # pixels: a bar is never too thin to be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Maps moments of a drill to pixels."""

    begin: datetime
    seconds: float
    scale: float

    def x(self, moment: datetime) -> float:
        share = (moment - self.begin).total_seconds() / self.seconds
        return _LEFT + min(max(share, 0), 1) * (_WIDTH - _LEFT - 10)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield where a line stands, and the time of life there."""
        life = self.seconds * self.scale
        step = next((step for step in _STEPS if life / step <= _TICKS), _STEPS[-1])
        for number in range(int(life / step) + 1):
            share = number * step / life
            yield _LEFT + share * (_WIDTH - _LEFT - 10), span(number * step)


def picture(drill: Drill) -> str:
    """Return a drill as SVG; nothing if it broke before the fault."""
    begin, fault = drill.moment("begin"), drill.moment("fault")
    if begin is None or fault is None:
        return ""
    ends = [mark.until or mark.at for mark in drill.marks]
    seconds = max((max(ends) - begin.at).total_seconds(), 0.001)
    axis = Axis(begin=begin.at, seconds=seconds, scale=drill.time_scale)
    height = _TOP + _ROW * len(_ROWS) + 8
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="timeline of {escape(drill.alert)}">'
    ]
    for x, text in axis.ticks():
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 6}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="12">{text}</text>')
    for row in _ROWS:
        parts.append(f'<text class="row" x="0" y="{_y(row) + 15}">{_NAMES[row]}</text>')
    parts += _bars(drill, axis, max(ends))
    return "".join([*parts, "</svg>"])


def _bars(drill: Drill, axis: Axis, end: datetime) -> Iterator[str]:
    fault, mended = drill.moment("fault"), drill.moment("mending")
    pending, firing, resolved = map(drill.moment, ("pending", "firing", "resolved"))
    if fault:
        # By hand, or by itself, it ends at a moment; what a script ends has ended when the alert has.
        over = drill.moment("by hand") or drill.moment("passes") or resolved
        yield _bar("fault", "bad", axis, fault.at, over.at if over else end, drill.fault)
    if pending and firing:
        yield _bar("alert", "pending", axis, pending.at, firing.at, "pending")
    if firing:
        until = resolved.at if resolved else end
        yield _bar("alert", "firing", axis, firing.at, until, "firing")
    for mark in drill.marks:
        yield from _mark(mark, axis)
    if mended:
        x = axis.x(mended.at)
        yield f'<line class="mended" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + _ROW * len(_ROWS)}"/>'


def _mark(mark: Mark, axis: Axis) -> Iterator[str]:
    kind, _, what = mark.what.partition(": ")
    if kind == "told":
        yield _dot("told", "firing", axis, mark.at, f"told by {what}")
    elif kind == "told of the end":
        yield _dot("told", "good", axis, mark.at, f"told of the end by {what}")
    elif kind == "runbook" and mark.until:
        yield _bar("mended", "runbook", axis, mark.at, mark.until, f"{what}.sh")
    elif kind in ("by hand", "passes"):
        yield _dot("mended", "hand", axis, mark.at, kind)


def _bar(row: str, kind: str, axis: Axis, begin: datetime, until: datetime, told: str) -> str:
    x = axis.x(begin)
    width = max(axis.x(until) - x, _SHORT)
    place = f'x="{x:.1f}" y="{_y(row)}" width="{width:.1f}" height="20" rx="4"'
    shape = f'<rect class="{kind}" {place}><title>{escape(told)}</title></rect>'
    room = int(width / 6.2)
    if room <= _LEAST_LETTERS:
        return shape
    text = escape(told if len(told) <= room else told[: room - 1] + "…")
    return f'{shape}<text class="in {kind}" x="{x + 6:.1f}" y="{_y(row) + 14}">{text}</text>'


def _dot(row: str, kind: str, axis: Axis, moment: datetime, told: str) -> str:
    x, y = axis.x(moment), _y(row) + 10
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y}" r="6"><title>{escape(told)}</title></circle>'


def _y(row: str) -> int:
    return _TOP + _ROW * _ROWS.index(row)
