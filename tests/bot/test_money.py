"""Numbers as exchanges want them."""

from decimal import Decimal

import pytest

from bot.domain.money import ceil_to, floor_to, plain


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.0000001", "0.0000001"), ("1E+3", "1000"), ("60300.0", "60300.0"), ("0.00000812", "0.00000812")],
)
def test_no_exponent_on_the_wire(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "step", "down", "up"),
    [
        ("0.12345", "0.001", "0.123", "0.124"),
        ("0.123", "0.001", "0.123", "0.123"),
        ("0.0004", "0.001", "0.000", "0.001"),
        ("499", "100", "400", "500"),
    ],
)
def test_rounding_goes_where_it_says(value: str, step: str, down: str, up: str) -> None:
    assert floor_to(Decimal(value), Decimal(step)) == Decimal(down)
    assert ceil_to(Decimal(value), Decimal(step)) == Decimal(up)
