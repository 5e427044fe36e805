"""Leverage and margin mode as a post names them; of a range the lowest."""

import re
from collections.abc import Sequence

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.segments import Segment
from bot.domain.formats.words import Kind
from bot.domain.reason import Reason
from bot.domain.signal import MarginMode

_HIGHEST = 150
_TIMES = re.compile(
    r"(?<![\w.,])(?P<minus>-)?(?P<low>[0-9]{1,4})(?:[.,][0-9]{1,2})?(?: ?[x×])? ?(?:-|to|до|a"
    r"|~) ?[0-9]{1,4}(?:\.[0-9])? ?[x×](?![^\W_])"
    r"|(?<![\w.,])(?P<minus2>-)?(?P<times>[0-9]{1,4})(?:[.,][0-9]{1,2})? ?[x×](?![^\W_])"
    r"|(?<![^\W_])[x×] ?(?P<behind>[0-9]{1,4})(?![\w.,]*[0-9])"
)
_BARE = re.compile(r"[^0-9\n%-]{0,25}(?P<minus>-)?(?P<bare>[0-9]{1,4})(?:[.,][0-9]{1,2})?(?![0-9.,]| ?%)")
_ISOLATED = re.compile(
    r"(?<!\w)(?:isolated|isolada|isolado|aislado|aislada|izole|изолирован\w*|изолир|isoliert)(?!\w)"
)
_CROSS = re.compile(r"(?<!\w)(?:cross|crossed|cruzada|cruzado|capraz|кросс\w*|croisee)(?!\w)")


def spans(folded: str) -> list[tuple[int, int]]:
    return [match.span() for match in _TIMES.finditer(folded)]


def leverage_of(folded: str, segments: Sequence[Segment]) -> int | None:
    """What stands behind its label; without one, whatever is written like 10x."""
    lines = [_line(folded, segment) for segment in segments if segment.kind is Kind.LEVERAGE]
    found = [number for line in lines for number in _times(line)]
    if not found:
        margins = ("margin", "марж", "маржа")
        found = [
            _checked(match["bare"], match["minus"])
            for segment, line in zip(
                (one for one in segments if one.kind is Kind.LEVERAGE), lines, strict=True
            )
            if (match := _BARE.match(line)) and not segment.phrase.startswith(margins)
        ]
    found = found or _times(folded)
    return min(found) if found else None


def _times(text: str) -> list[int]:
    return [
        _checked(match["low"] or match["times"] or match["behind"], match["minus"] or match["minus2"])
        for match in _TIMES.finditer(text)
    ]


def _checked(digits: str, minus: str | None) -> int:
    if minus or not 1 <= int(digits) <= _HIGHEST:
        raise Doubt(Reason.NUMBER, f"the leverage {minus or ''}{digits} is none from 1 to {_HIGHEST}")
    return int(digits)


def margin_mode_of(folded: str, segments: Sequence[Segment]) -> MarginMode | None:
    lines = [_line(folded, segment) for segment in segments if segment.kind is Kind.LEVERAGE]
    lines += [folded[max(start - 12, 0) : end + 12] for start, end in spans(folded)]
    said = {
        mode
        for mode, word in ((MarginMode.ISOLATED, _ISOLATED), (MarginMode.CROSS, _CROSS))
        for line in lines
        if word.search(line)
    }
    return said.pop() if len(said) == 1 else None


def _line(folded: str, segment: Segment) -> str:
    value = folded[segment.start : segment.end].lstrip("\n ")
    return value.split("\n")[0]
