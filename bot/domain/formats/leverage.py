"""Leverage and margin mode as a post names them; of a range the lowest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.segments import Segment, line_of
from bot.domain.formats.words import Kind
from bot.domain.reason import Reason
from bot.domain.signal import MarginMode

_HIGHEST = 150
_RANGE = r"(?: ?[x×])?(?: ?(?:-|~|/|to|до|a|ate|hasta) ?[x×]?(?P<{}>[0-9]{{1,4}})(?:[.,]0{{1,2}})?)?"
_TIMES = re.compile(
    r"(?<![\w.,])(?P<minus>-)?(?P<low>[0-9]{1,4})(?:[.,]0{1,2})?"
    rf"{_RANGE.format('high')} ?[x×](?![^\W_])"
    rf"|(?<![^\W_])[x×] ?(?P<low2>[0-9]{{1,4}})(?:[.,]0{{1,2}})?{_RANGE.format('high2')}(?![\w.,]*[0-9])"
)
_BARE = re.compile(
    r"[^0-9\n%-]{0,25}(?P<minus>-)?(?P<low>[0-9]{1,4})(?:[.,]0{1,2})?"
    r"(?: ?- ?(?P<high>[0-9]{1,4}))?(?![\w,$%]|\.[0-9]| ?%)"
)
_MORE = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?: ?[-~/] ?| )\Z")  # 10 13x, 5-10-20x
_PERCENT = re.compile(r"[0-9.,]+(?: ?- ?[0-9.,]+)? ?%")
_MARGIN = ("margin", "marge", "марж", "тип марж", "режим марж", "modo de margem")
_MODES = (
    (
        MarginMode.ISOLATED,
        re.compile(r"(?<!\w)(?:isolated|isolad[ao]|aislad[ao]|izole|изолир\w*|isoliert)(?!\w)"),
    ),
    (MarginMode.CROSS, re.compile(r"(?<!\w)(?:cross|crossed|cruzad[ao]|capraz|кросс\w*|croisee)(?!\w)")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage:
    times: int | None
    mode: MarginMode | None
    spans: tuple[tuple[int, int], ...]  # the numbers that were read


def read(folded: str, segments: Sequence[Segment]) -> Leverage:
    """What stands behind its label; without one, whatever is written like 10x."""
    labelled = [segment for segment in segments if segment.kind is Kind.LEVERAGE]
    anywhere = list(_TIMES.finditer(folded))
    bare = [match for segment in labelled if (match := _bare(folded, segment))]
    named = [
        match
        for segment in labelled
        for match in (*anywhere, *bare)
        if segment.start <= match.start() < sum(line_of(folded, segment))
    ]
    found = {_lowest(folded, match) for match in named or anywhere}
    if len(found) > 1 and named:
        raise Doubt(Reason.NUMBER, f"names the leverages {sorted(found)}: which of them is not certain")
    return Leverage(
        times=min(found, default=None),
        mode=_mode(folded, labelled, anywhere),
        spans=tuple(match.span() for match in (*anywhere, *bare)),
    )


def _bare(folded: str, segment: Segment) -> re.Match[str] | None:
    """Leverage: 10, without an x."""
    start, length = line_of(folded, segment)
    if segment.phrase.startswith(_MARGIN) or _TIMES.search(folded, start, start + length):
        return None
    match = _BARE.match(folded, start, start + length)
    if match is None and re.search(r"\d", _PERCENT.sub("", folded[start : start + length])):
        raise Doubt(Reason.NUMBER, f"{folded[start : start + length][:40].strip()!r} is no certain leverage")
    return match


def _lowest(folded: str, match: re.Match[str]) -> int:
    groups = match.groupdict()
    ends = [groups[name] for name in ("low", "high", "low2", "high2") if groups.get(name)]
    lowest = min(map(int, ends))
    if groups["minus"] or not 1 <= lowest <= _HIGHEST or _MORE.search(folded[: match.start()][-6:]):
        raise Doubt(Reason.NUMBER, f"{match[0].strip()!r} is no certain leverage from 1 to {_HIGHEST}")
    return lowest


def _mode(folded: str, labelled: Sequence[Segment], anywhere: Sequence[re.Match[str]]) -> MarginMode | None:
    lines = [line_of(folded, segment) for segment in labelled]
    texts = [folded[start : start + length] for start, length in lines]
    texts += [folded[max(match.start() - 12, 0) : match.end() + 12] for match in anywhere]
    said = {mode for mode, word in _MODES for text in texts if word.search(text)}
    return said.pop() if len(said) == 1 else None
