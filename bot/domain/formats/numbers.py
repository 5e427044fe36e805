"""What a written number is worth, if that is certain: 0.5, 0,5, 27,400.5, 38K."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain.formats.doubt import Doubt
from bot.domain.reason import Reason


class Comma(StrEnum):
    DECIMAL = "decimal"
    THOUSANDS = "thousands"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A price as it stands in the message."""

    digits: str
    thousands: bool = False  # a K behind it


_INTEGER = re.compile(r"[0-9]{1,12}")
_POINT = re.compile(r"[0-9]{1,12}\.[0-9]{1,18}")
_WEAK_POINT = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")  # 60.500 may be sixty thousand
_COMMA = re.compile(r"[0-9]{1,12},[0-9]{1,18}")
_EITHER = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_TWO_PRICES = re.compile(r"[0-9]{3,},[0-9]{3,}")  # 61000,62000
_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+\.[0-9]{1,18}")
_POINT_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]{1,18}")
_LIST = re.compile(r"[0-9]+\.[0-9]+(?:,[0-9]+\.[0-9]+)+")


def written(run: str, thousands: bool) -> tuple[Written, ...]:
    """A run of digits, points and commas: one number, or several with commas between them."""
    return tuple(
        Written(digits=digits, thousands=thousands)
        for digits in (run.split(",") if _LIST.fullmatch(run) else [run])
    )


def values(prices: Sequence[Written], *, english: bool) -> list[Decimal]:
    comma = _comma([price.digits for price in prices], english=english)
    return [_value(price, comma) for price in prices]


def _comma(runs: Sequence[str], *, english: bool) -> Comma | None:
    """What the numbers that leave no choice say of those that do."""
    decimal = [run for run in runs if _means_decimal(run)]
    if english and decimal and all(_may_be_two(run) for run in decimal):
        raise Doubt(Reason.NUMBER, f"{decimal[0]} may be one price or two")
    thousands = [run for run in runs if _means_thousands(run)]
    if decimal and thousands:
        raise Doubt(
            Reason.NUMBER,
            f"writes {decimal[0][:40]} and {thousands[0][:40]}: what a comma means is not certain",
        )
    if decimal:
        return Comma.DECIMAL
    open_ = [run for run in runs if _EITHER.fullmatch(run)]
    # In English 27,400 is what it looks like; of 1,234 alone nobody knows.
    if thousands or (english and any(run.index(",") > 1 for run in open_)):
        return Comma.THOUSANDS
    # 60.500 and 61.000, in a language that parts thousands with points.
    if not english and runs and all(_WEAK_POINT.fullmatch(run) and run[-1] == "0" for run in runs):
        raise Doubt(Reason.NUMBER, f"{runs[0]} may be a number of thousands")
    if open_:
        raise Doubt(Reason.NUMBER, f"{open_[0]} can be read in two ways: write it without a comma")
    return None


def _means_decimal(run: str) -> bool:
    is_open = _EITHER.fullmatch(run) or _TWO_PRICES.fullmatch(run)
    return bool(_POINT_GROUPS.fullmatch(run) or (_COMMA.fullmatch(run) and not is_open))


def _may_be_two(run: str) -> bool:
    """12,14 alone, as 12 and 14."""
    left, _, right = run.partition(",")
    if not (left.isdigit() and right.isdigit()) or "0" in (left[0], right[0]):
        return False
    return int(left) < int(right) * 2 and int(right) < int(left) * 2


def _means_thousands(run: str) -> bool:
    has_point = _POINT.fullmatch(run) and not _WEAK_POINT.fullmatch(run)
    return bool(_GROUPS.fullmatch(run) or has_point or (_INTEGER.fullmatch(run) and len(run) > 3))


def _value(price: Written, comma: Comma | None) -> Decimal:
    run = price.digits
    if (
        _INTEGER.fullmatch(run)
        or (_POINT.fullmatch(run) and comma is not Comma.DECIMAL)
        or _GROUPS.fullmatch(run)
    ):
        plain = run.replace(",", "")
    elif comma is Comma.DECIMAL and (_POINT_GROUPS.fullmatch(run) or _COMMA.fullmatch(run)):
        plain = run.replace(".", "").replace(",", ".")
    elif comma is Comma.THOUSANDS and _EITHER.fullmatch(run):
        plain = run.replace(",", "")
    else:
        raise Doubt(Reason.NUMBER, f"{run[:40]!r} is no certain number")
    if re.match("0[0-9]", plain) or len(plain) > 24:
        raise Doubt(Reason.NUMBER, f"{run[:40]!r} is no certain number")
    value = Decimal(format(Decimal(plain).scaleb(3), "f") if price.thousands else plain)
    if value <= 0:
        raise Doubt(Reason.NUMBER, f"{run[:40]} must be above zero")
    return value
