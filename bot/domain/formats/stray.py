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
    r"(?<![\w.,])(?:[0-9]{1,2}(?:[.,][0-9])?[-/~])?[+-]?[0-9]{1,4}(?:[.,][0-9]{1,4})? ?%(?!\w)"  # 12.5%, 3-4%
    rf"|(?<![\w.,])[0-9]{{1,3}}(?: ?- ?[0-9]{{1,3}})? ?{_UNIT}(?![^\W_])"  # 4h, 15 min
    r"|(?<![\w.,])[0-9]{1,2}(?:\.[0-9]{1,2})?[:/][0-9]{1,2}"
    r"(?:\.[0-9]{1,2})?(?![\w.,]*[0-9])"  # 7/10, 1:3, 12:30
    r"|(?<![\w.,])(?:[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./]"
    r"(?:20)?[0-9]{2})(?![\w]|[.,][0-9])"
    r"|[#№] ?[0-9]+"
    r"|\bid ?:? ?#?[0-9]+"
    r"|(?:last|последни[ех]|ultimos) [0-9]{1,3}(?![.,]?[0-9])"
)
_NUMBER = re.compile(r"[0-9][0-9.,]*")
_NAMED = re.compile(r"[^\W\d_][^\n:=]{0,30}[:=][^\w\n]{0,20}\Z")
_SEPARATED = re.compile(r"[0-9][0-9.,:/-]*")
_FIRST = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_YEAR = re.compile(r"(?<![0-9])20[0-9]{2}(?![0-9])")
_SMALL, _NEAR = 999, 3


def refuse_stray(
    text: str,
    folded: str,
    consumed: Sequence[tuple[int, int]],
    talk: Sequence[tuple[int, int]],
    prices: Sequence[Decimal],
) -> None:
    """Raises Doubt if a number outside of the read spans may be a price of this trade.

    In talk, such as behind Reason, only a number near to the prices, or one with a name, may be.
    """
    chars = [" " if plain == " " else char for plain, char in zip(text, folded, strict=True)]
    for start, end in consumed:
        chars[start:end] = [char if char == "\n" else " " for char in chars[start:end]]
    left = _without_harmless("".join(chars), prices)
    for number in _NUMBER.finditer(left):
        run, at = number[0].rstrip(".,"), number.start()
        line = left[max(left.rfind("\n", 0, at) + 1, at - 60) : at]
        is_glued = bool(line) and line[-1].isalpha() and run.isdigit() and len(run) < 3
        is_talk = any(start <= at < end for start, end in talk)
        may_be_price = _is_near(run, prices) or (not is_talk and _looks_like_price(run))
        if not is_glued and (_NAMED.search(line) or may_be_price):
            shown = (line[-30:] + run).strip()
            raise Doubt(Reason.FORMAT, f"{shown!r}: what this number means is not certain")


def _without_harmless(text: str, prices: Sequence[Decimal]) -> str:
    """A date or ratio behind a name that is not known, and near to the prices, may be a list of them."""

    def blank(match: re.Match[str]) -> str:
        start, first = match.start(), _FIRST.match(match[0])
        named = _NAMED.search(text, text.rfind("\n", 0, start) + 1, start)
        is_bare = first and _SEPARATED.fullmatch(match[0]) and not _YEAR.search(match[0])
        if named and first and is_bare and _is_near(first[0], prices):
            return match[0]
        return " " * len(match[0])

    return _HARMLESS.sub(blank, text)


def _looks_like_price(run: str) -> bool:
    if not run.isdigit() or run[0] == "0" or len(run) > 4:
        return True
    return int(run) > _SMALL and not 2000 < int(run) < 2100  # a year


def _is_near(run: str, prices: Sequence[Decimal]) -> bool:
    plain = run.replace(",", ".")
    if plain.count(".") > 1:
        return True
    return min(prices) / _NEAR <= Decimal(plain) <= max(prices) * _NEAR
