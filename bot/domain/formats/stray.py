"""Numbers that no label names: harmless ones are known by their form, any other may be a price."""

import re
from collections.abc import Sequence
from decimal import Decimal

from bot.domain.formats.doubt import Doubt
from bot.domain.reason import Reason

_UNIT = (
    r"(?:m|h|d|w|min|mins?|minutes?|hours?|hrs?|days?|weeks?|months?|years?|м|ч|д|мин\w*|час\w*|дн\w*"
    r"|день|нед\w*|сут\w*"
    r"|dias?|horas?|minutos?|semanas?|gun|saat|dakika|tage?n?|stunden?|тейк\w*|цел\w+|targets?|tps?"
    r"|entries|signals?|partes?|parts?|st|nd|rd|th)"
)
_HARMLESS = re.compile(
    r"[+-]?[0-9]{1,4}(?:[.,][0-9]{1,4})?(?: ?[-/~] ?[0-9]{1,4}(?:[.,][0-9]{1,4})?)? ?%"  # 12.5%, 3-4%
    rf"|(?<![\w.,])[0-9]{{1,3}}(?: ?- ?[0-9]{{1,3}})? ?{_UNIT}(?![^\W_])"  # 4h, 15 min
    r"|(?<![\w.,])[0-9]{1,2}(?:\.[0-9]{1,2})? ?[:/] ?[0-9]{1,2}"
    r"(?:\.[0-9]{1,2})?(?![\w.,]*[0-9])"  # 7/10, 1:3, 12:30
    r"|(?<![\w.,])(?:[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./]"
    r"(?:20)?[0-9]{2})(?![\w]|[.,][0-9])"
    r"|[#№] ?[0-9]+"
    r"|\bid ?:? ?#?[0-9]+"
    r"|(?:last|последни[ех]|ultimos) [0-9]{1,3}(?![.,]?[0-9])"
)
_NUMBER = re.compile(r"[0-9][0-9.,]*")
_NAMED = re.compile(r"[^\W\d_][^\n:=]{0,30}[:=][^\w\n]{0,20}\Z")
_SMALL, _NEAR = 999, 3


def refuse_stray(
    text: str, folded: str, consumed: Sequence[tuple[int, int]], prices: Sequence[Decimal]
) -> None:
    """Raises Doubt if a number outside of the read spans may be a price of this trade."""
    chars = [own if blank == " " else char for own, char, blank in zip(text, folded, text, strict=True)]
    for start, end in consumed:
        chars[start:end] = [char if char == "\n" else " " for char in chars[start:end]]
    left = _HARMLESS.sub(lambda match: " " * len(match[0]), "".join(chars))
    for number in _NUMBER.finditer(left):
        run = number[0].rstrip(".,")
        line = left[left.rfind("\n", 0, number.start()) + 1 : number.start()]
        is_glued = bool(line) and line[-1].isalpha()
        is_harmless = is_glued and run.isdigit() and len(run) < 3
        if not is_harmless and (_NAMED.search(line) or _may_be_price(run, prices)):
            shown = (line[-30:] + run).strip()
            raise Doubt(Reason.FORMAT, f"{shown!r}: what this number means is not certain")


def _may_be_price(run: str, prices: Sequence[Decimal]) -> bool:
    if not run.isdigit() or len(run) > 4 or (int(run) > _SMALL and not 2000 < int(run) < 2100):
        return True
    return min(prices) / _NEAR <= int(run) <= max(prices) * _NEAR
