"""Exact decimal numbers: read strictly, rounded in a stated direction, written without an exponent."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

# Twelve digits each side keep every product and quotient of two of them inside decimal's 28 digits.
# The class is spelled out because `\d` and Decimal() both take Arabic digits.
_PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


def read(text: str) -> Decimal | None:
    """The number, or None if the text is anything but plain digits with at most one point."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def plain(value: Decimal) -> str:
    """The way exchanges take numbers: `str(Decimal("0.0000001"))` would be `1E-7`."""
    return format(value, "f")


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_CEILING) * step
