"""Plays a timeline on a real Alertmanager and on the model, and tells what they sent differently."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import yaml

from observability.dispatch.alertmanager import Notification, dispatched
from observability.dispatch.told import Labels
from scripts.dispatch.program import Program, ended
from scripts.dispatch.recorded import ANSWER, Seen, for_recorder, recording
from scripts.dispatch.timelines import ORIGIN, SLACK, Timeline

# What the machine may take longer than the model, which takes no time.
TOLERANCE = timedelta(milliseconds=250)
_LEAD = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a timeline; `late` is by how much the worst notification was off, in seconds."""

    sent: int
    why: Mapping[str, int]
    late: float
    differences: tuple[str, ...]


async def compared(
    timeline: Timeline,
    config: str,
    folder: Path,
    port: int,
    *,
    of_model: str = "",
    origin: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Outcome:
    """Play a timeline, from `origin` or at once, with this configuration; the model may read another one."""
    async with recording() as recorder, aiohttp.ClientSession() as session:
        (folder / "alertmanager.yml").write_text(for_recorder(config, recorder.port), "utf-8")
        async with ended(Program(folder=folder, port=port, session=session)) as program:
            begin = await program.start()
            shift = (origin or datetime.now(UTC) + _LEAD) - ORIGIN
            await program.play(timeline.events, shift)
            until = timeline.until + shift
            # Whatever was sent until the end is there a little later.
            await asyncio.sleep(max((until + tolerance - datetime.now(UTC)).total_seconds(), 0))
        read = yaml.safe_load(for_recorder(of_model or config, recorder.port))
        computed = dispatched(read, program.happened, begin, until + 2 * tolerance, ANSWER)
        return _outcome(computed, recorder.seen, until, shift, tolerance)


def _outcome(
    computed: Sequence[Notification],
    seen: Sequence[Seen],
    until: datetime,
    shift: timedelta,
    tolerance: timedelta,
) -> Outcome:
    """What is due about the end counts only if both have it."""
    ways = sorted({one.to for one in computed} | {one.to for one in seen})
    differences, late, sent = list[str](), timedelta(0), list[Notification]()
    for way in ways:
        ours = [one for one in computed if one.to == way]
        theirs = [one for one in seen if one.to == way]
        for index in range(max(len(ours), len(theirs))):
            our = ours[index] if index < len(ours) else None
            their = theirs[index] if index < len(theirs) else None
            if all(one is None or one.at > until - SLACK for one in (our, their)):
                continue
            if our is None or their is None or _said(our) != _said(their):
                differences.append(f"{way}: model {_shown(our, shift)}, Alertmanager {_shown(their, shift)}")
                break  # what follows is shifted by one
            sent.append(our)
            late = max(late, abs(their.at - our.at))
            if abs(their.at - our.at) > tolerance:
                off = (their.at - our.at).total_seconds()
                differences.append(f"{way}: {_shown(our, shift)} came {off:+.2f} s off")
    why = dict(Counter(one.why.value for one in sent))
    return Outcome(sent=len(sent), why=why, late=late.total_seconds(), differences=tuple(differences))


def _said(one: Notification | Seen) -> tuple[Labels, frozenset[Labels], frozenset[Labels]]:
    return one.group, one.firing, one.resolved


def _shown(one: Notification | Seen | None, shift: timedelta) -> str:
    if one is None:
        return "nothing"
    at = (one.at - shift - ORIGIN).total_seconds()
    parts = [*_listed("firing", one.firing), *_listed("resolved", one.resolved)]
    return f"at {at:.2f} s {' '.join(parts)}"


def _listed(status: str, alerts: frozenset[Labels]) -> Iterator[str]:
    if alerts:
        texts = sorted(",".join(value for _, value in sorted(labels)) for labels in alerts)
        yield f"{status} {' and '.join(texts)}"
