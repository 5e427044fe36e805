"""Messages become signals only when there is no doubt; refusals first."""

from decimal import Decimal

import pytest

from bot.domain.parser import FORMATS, parse
from bot.domain.signal import Remark, Side, Signal, Unreadable, clean


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "no known format", id="nothing"),
        pytest.param("BTCUSDT 0.1", "no known format", id="side missing"),
        pytest.param("BUYBTCUSDT 0.1", "no known format", id="side glued to the symbol"),
        pytest.param("BUY SELL BTCUSDT 0.1", "2 sides", id="both sides"),
        pytest.param("BUY BUY BTCUSDT 0.1", "2 sides", id="the same side twice"),
        pytest.param("BUY BTCUSDT 0.1\nSELL ETHUSDT 1", "2 sides", id="two orders in one message"),
        pytest.param("BTCUSDT BUY 0.1", "first word", id="side second"),
        pytest.param("don't BUY BTCUSDT", "first word", id="a sentence"),
        pytest.param("BUY BTCUSDT 0.1 now", "'now' is no plain number", id="a word too many"),
        pytest.param("BUY BTCUSDT 0.1 0.2", "2 numbers as quantity", id="two quantities"),
        pytest.param("BUY", "one word", id="side alone"),
        pytest.param("BUY BTCUSDT 0.1 @", "no number after @", id="no entry"),
        pytest.param("BUY BTCUSDT 0.1 @ 1-2-3", "3 numbers after @", id="a zone with three ends"),
        pytest.param("BUY BTCUSDT 0.1 SL 1 2", "2 numbers after SL", id="two stops"),
        pytest.param("BUY BTCUSDT 0.1 SL 1 SL 2", "names SL twice", id="a stop twice"),
        pytest.param("BUY BTCUSDT 0.1 TP 1 -2", "no plain number", id="a negative target"),
        pytest.param("BUY BTCUSDT 0.1 @ 100-", "no plain number", id="half a zone"),
        pytest.param("BUY 0.1 BTCUSDT", "is no symbol", id="quantity before symbol"),
        pytest.param("BUY BTC 0.1", "is no symbol", id="no quote currency"),
        pytest.param("BUY USDT 0.1", "is no symbol", id="quote currency alone"),
        pytest.param("BUY BTC_USDT 0.1", "is no symbol", id="underscore in the symbol"),
        pytest.param("BUY BTC--USDT 0.1", "is no symbol", id="two hyphens"),
        pytest.param("BUY ВТСUSDT 0.1", "is no symbol", id="Cyrillic letters"),
        pytest.param("BUY BTCUSDT -0.1", "no plain number", id="negative"),
        pytest.param("BUY BTCUSDT +0.1", "no plain number", id="plus sign"),
        pytest.param("BUY BTCUSDT NaN", "no plain number", id="NaN"),
        pytest.param("BUY BTCUSDT Infinity", "no plain number", id="infinity"),
        pytest.param("BUY BTCUSDT 1e-1", "no plain number", id="exponent"),
        pytest.param("BUY BTCUSDT 1_000", "no plain number", id="underscore"),
        pytest.param("BUY BTCUSDT 1,000", "no plain number", id="comma"),
        pytest.param("BUY BTCUSDT ٠.١", "no plain number", id="Arabic digits"),
        pytest.param("BUY BTCUSDT .1", "no plain number", id="no digit before the point"),
        pytest.param("BUY BTCUSDT 1.", "no plain number", id="no digit after the point"),
        pytest.param("BUY BTCUSDT 0x10", "no plain number", id="hexadecimal"),
        pytest.param("BUY BTCUSDT " + "9" * 13, "no plain number", id="more digits than money has"),
        pytest.param("BUY BTCUSDT 0.000", "above zero", id="zero"),
        pytest.param("BUY BTCUSDT 0.1" + " " * 4096, "longer than", id="longer than any message"),
    ],
)
def test_what_is_not_certain_is_refused_with_a_reason(text: str, why: str) -> None:
    result = parse(text)
    assert isinstance(result, Unreadable | Remark)
    assert why in result.text


@pytest.mark.parametrize(
    ("text", "side", "symbol", "quantity"),
    [
        ("BUY BTCUSDT 0.1", Side.BUY, "BTC-USDT", "0.1"),
        ("SELL ETH-USDT 2", Side.SELL, "ETH-USDT", "2"),
        ("  buy   1000pepe/usdt\t500 \n", Side.BUY, "1000PEPE-USDT", "500"),
        ("BUY BTCUSDT", Side.BUY, "BTC-USDT", None),
    ],
)
def test_an_order_line_is_read(text: str, side: Side, symbol: str, quantity: str | None) -> None:
    wanted = Signal(side=side, symbol=symbol, quantity=None if quantity is None else Decimal(quantity))
    assert parse(text) == wanted


def test_an_order_line_may_name_entry_stop_and_targets() -> None:
    line = parse("sell 1000PEPEUSDT 500000 @ 0.0000081-0.0000083 sl 0.0000085 tp 0.000008 0.0000079")
    assert line == Signal(
        side=Side.SELL,
        symbol="1000PEPE-USDT",
        quantity=Decimal(500000),
        entries=(Decimal("0.0000081"), Decimal("0.0000083")),
        stop=Decimal("0.0000085"),
        targets=(Decimal("0.000008"), Decimal("0.0000079")),
    )
    assert parse("BUY BTCUSDT TP 70000 @ 60000") == Signal(
        side=Side.BUY, symbol="BTC-USDT", entries=(Decimal(60000),), targets=(Decimal(70000),)
    )


def test_format_names_are_unique() -> None:
    assert len({form.name for form in FORMATS}) == len(FORMATS)


def test_a_cleaned_text_can_be_stored_and_stays_the_same_when_cleaned_again() -> None:
    cleaned = clean("a\x00b\ud800c")
    assert cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned
