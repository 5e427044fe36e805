"""The report of drills as one HTML page, with nothing outside of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from scripts.drill.timeline import picture
from scripts.drill.verdict import Drill, Promise, Step, Verdict
from scripts.drill.wording import span

_STYLE = Path(__file__).with_name("page.css")
_CLASS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.HARNESS: "warn"}
_LEAD = (
    "For each alert its fault is done to a running stack, with real Prometheus, Alertmanager, PostgreSQL "
    "and bot. It has to fire, reach the right people in time, and fire on while nobody helps; once its "
    "shipped runbook has run it has to end, and people to hear of that."
)
_NOTE = "Large: in life. Small: in the drill. The bar is how much of the promised time was used."
_HEAD = ("Alert", "Fault", "Fired", "People told", "Mended by", "Ended", "Told of the end", "")


def as_page(drills: Sequence[Drill], missing: Iterable[tuple[str, str]], made: datetime) -> str:
    """Return the report of drills made at a moment; `missing` are alerts without one, and why."""
    ordered = sorted(drills, key=lambda drill: (drill.passed, drill.alert))
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>Tradewatch: drills</title>",
            f"<style>{_STYLE.read_text('utf-8')}</style></head><body><main>",
            f"<header><h1>Drills</h1><p>{made:%-d %B %Y, %H:%M} UTC</p></header>",
            f"<p class=lead>{_LEAD}</p>",
            _tiles(drills),
            _table(ordered),
            *map(_details, ordered),
            _without(list(missing)),
            "</main></body></html>\n",
        )
    )


def _tiles(drills: Sequence[Drill]) -> str:
    verdicts = [drill.verdict for drill in drills]
    scripts = sum(step.what == "the runbook mends" and step.good for each in drills for step in each.steps)
    tiles = [
        ("good", verdicts.count(Verdict.PASSED), "passed"),
        ("bad", verdicts.count(Verdict.FAILED), "failed"),
        ("warn", verdicts.count(Verdict.HARNESS), "without a verdict"),
        ("", sum(len(drill.told) for drill in drills), "messages read"),
        ("", scripts, "runs of runbooks that mended"),
        ("", sum(step.good for drill in drills for step in drill.steps), "promises kept"),
    ]
    cells = (f'<div class="tile {kind}"><b>{count}</b>{name}</div>' for kind, count, name in tiles)
    return f"<section class=tiles>{''.join(cells)}</section>"


def _table(drills: Sequence[Drill]) -> str:
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(drill))}</tr>" for drill in drills)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<section>{table}<p class=note>{_NOTE}</p></section>"


def _cells(drill: Drill) -> Iterator[str]:
    stand_in = ' <span class="chip" title="played by a stand-in">stand-in</span>' if drill.stand_in else ""
    yield f'<a href="#{drill.alert}">{drill.alert}</a><small>{drill.severity}</small>'
    yield f"{escape(drill.fault)}{stand_in}<small>{drill.time_scale:g}× as fast as life</small>"
    yield _clock(drill, _named(drill, "firing"))
    yield _clock(drill, _slowest(drill, Promise.DELIVERED))
    yield escape(drill.mended_by)
    yield _clock(drill, _named(drill, "resolved"))
    yield _clock(drill, _slowest(drill, Promise.TOLD))
    yield _verdict(drill, drill.verdict.value)


def _verdict(drill: Drill, text: str) -> str:
    title = escape(drill.said)
    return f'<span class="verdict {_CLASS[drill.verdict]}" title="{title}">{escape(text)}</span>'


def _named(drill: Drill, what: str) -> Step | None:
    """Return a step, or for a drill of two alerts the one of its own."""
    names = (what, f"{what}: {drill.alert}")
    return next((step for step in drill.steps if step.what in names), None)


def _slowest(drill: Drill, promise: Promise) -> Step | None:
    steps = [step for step in drill.steps if step.promise is promise]
    return max(
        steps, key=lambda step: step.seconds if step.seconds is not None else float("inf"), default=None
    )


def _clock(drill: Drill, step: Step | None) -> str:
    if step is None:
        return "<span class=none>–</span>"
    if step.seconds is None:
        return '<span class="bad">never</span>'
    seconds = max(step.seconds, 0)
    text = f"{span(seconds * drill.time_scale)}<small>{seconds:.2f} s</small>"
    if step.allowed is None:
        return text
    used = min(seconds / step.allowed * 100, 100) if step.allowed else 100
    kind = "" if step.good else "bad"
    title = f"promised: {span(step.allowed * drill.time_scale)}"
    return f'{text}<span class="bar" title="{title}"><i class="{kind}" style="width:{used:.0f}%"></i></span>'


def _details(drill: Drill) -> str:
    rows = "".join(map(_row, drill.steps, [drill] * len(drill.steps)))
    told = "".join(
        f"<details><summary>{escape(one.channel)}, {escape(one.status)}: {escape(one.title)}</summary>"
        f"<pre>{escape(one.text)}</pre></details>"
        for one in drill.told
    )
    parts = [
        f'<article id="{drill.alert}">',
        f"<h2>{drill.alert} <small>{drill.severity}</small> {_verdict(drill, drill.said)}</h2>",
        f"<p>{escape(drill.fault)}. Mended: {escape(drill.mended_by)}.</p>",
        f"<p class=note>Stand-in: {escape(drill.stand_in)}</p>" if drill.stand_in else "",
        f"<figure>{picture(drill)}</figure>",
        f"<details><summary>{len(drill.steps)} promises</summary><table class=steps>{rows}</table></details>",
        f"{told}</article>",
    ]
    return "".join(parts)


def _row(step: Step, drill: Drill) -> str:
    kind, sign = ("", "✓") if step.good else ("bad", "✗")
    clock = "" if step.seconds is None else _clock(drill, step)
    cells = "".join(f"<td>{cell}</td>" for cell in (sign, escape(step.what), clock, escape(step.seen)))
    return f'<tr class="{kind}">{cells}</tr>'


def _without(missing: Sequence[tuple[str, str]]) -> str:
    if not missing:
        return ""
    items = "".join(f"<li><b>{escape(name)}</b> {escape(why)}</li>" for name, why in missing)
    return f"<section><h2>Without a drill</h2><ul>{items}</ul></section>"
