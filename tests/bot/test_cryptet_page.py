"""What a page of cryptet must say to become a signal, and every way in which it becomes none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.cryptet import parse_link
from bot.domain.cryptet_page import read_page, read_price
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Side, Signal, Unreadable

NOW = datetime(2025, 8, 14, 18, 31, tzinfo=UTC)
ENGLISH = """BTC/USDT LONG
Entry Price: 114950
Take Profit*
115310
Stop Loss: 114490"""
GERMAN = """BTC/USDT VERKAUFEN
Einstiegspreis
114.950,00
Gewinnmitnahme
114.490,00
Stopp
115.310,00"""


def page(text: str, language: str = "en", extra: str = "") -> str:
    lines = "".join(f"<div>{line}</div>" for line in text.split("\n"))
    lang = f' lang="{language}"' if language else ""
    head = f"<!doctype html><html{lang}><head><title>BTC/USDT SHORT</title></head>"
    return f"{head}<body>{lines}{extra}</body></html>"


def read(html: str, pair: str = "btc_usdt", segment: str = "") -> Reading:
    link = parse_link(f"https://cryptet.com{segment}/signals/one/{pair}/2025/08/14/1830")
    assert link
    return read_page(html, link, NOW)


def signal(side: Side, entry: str, target: str, stop: str, symbol: str = "BTC-USDT") -> Signal:
    return Signal(
        side=side, symbol=symbol, entries=(Decimal(entry),), stop=Decimal(stop), targets=(Decimal(target),)
    )


LONG = signal(Side.BUY, "114950", "115310", "114490")
SHORT = signal(Side.SELL, "114950", "114490", "115310")


def refused(html: str, reason: Reason, told: str = "") -> None:
    got = read(html)
    assert isinstance(got, Unreadable), got
    assert got.reason is reason, got
    assert told in got.text


def test_an_english_page() -> None:
    assert read(page(ENGLISH)) == LONG


def test_a_german_page() -> None:
    assert read(page(GERMAN, "de"), segment="/de") == SHORT


@pytest.mark.parametrize(
    ("word", "side"),
    [
        ("LONG", Side.BUY),
        ("Buy", Side.BUY),
        ("kaufen", Side.BUY),
        ("short", Side.SELL),
        ("SELL", Side.SELL),
        ("Verkaufen", Side.SELL),
    ],
)
def test_the_word_beside_the_pair_is_the_side(word: str, side: Side) -> None:
    text = ENGLISH if side is Side.BUY else ENGLISH.replace("115310", "114000").replace("114490", "115400")
    got = read(page(text.replace("LONG", word)))
    assert isinstance(got, Signal), got
    assert got.side is side


@pytest.mark.parametrize(
    "extra",
    [
        "<p>For LONG-term investors, buy and hold</p>",
        "<p>BTC/USDT LONG-term outlook</p>",
        "<h2>LONG</h2><h2>BUY</h2>",
        "<script>BTC/USDT LONG</script><style>BTC/USDT LONG</style>",
        "<!-- BTC/USDT LONG --><template>BTC/USDT LONG</template>",
        "<div hidden>BTC/USDT LONG<div>more</div>BTC/USDT LONG</div>",
        '<div style="display: none">BTC/USDT LONG</div>',
        "<nav>BTC/USDT LONG <a>Closed signals</a></nav><footer>closed</footer>",
    ],
)
def test_side_words_elsewhere_mean_nothing(extra: str) -> None:
    short = "BTC/USDT SHORT\nEntry Price: 114950\nTake Profit*\n114490\nStop Loss: 115310"
    assert read(page(short, extra=extra)) == SHORT
    assert read(extra + page(short)) == SHORT


def test_both_sides_in_headlines_are_a_contradiction() -> None:
    refused(page(ENGLISH, extra="<h2>BTC/USDT SHORT</h2>"), Reason.SIDES)


def test_without_a_side_beside_the_pair_there_is_none() -> None:
    refused(page(ENGLISH.replace(" LONG", "")), Reason.NO_SIDE)
    refused(page(ENGLISH.replace(" LONG", "\nLONG")), Reason.NO_SIDE)
    refused(page(ENGLISH.replace("LONG", "LONG-term")), Reason.NO_SIDE)


def test_a_headline_of_another_pair_is_another_signal() -> None:
    refused(page(ENGLISH.replace("BTC", "ETH")), Reason.SYMBOLS, "ETH/USDT")
    refused(page(ENGLISH, extra="<h2>ETH/USDT SHORT</h2>"), Reason.SYMBOLS, "ETH/USDT")
    refused(page(ENGLISH.replace("USDT", "EUR")), Reason.SYMBOLS)


@pytest.mark.parametrize("label", ["Entry Price", "Take Profit", "Stop Loss"])
def test_each_label_is_needed_and_may_be_repeated_but_not_contradicted(label: str) -> None:
    refused(page(ENGLISH.replace(label, "Something")), Reason.PAGE, "layout")
    value = {"Entry Price": "114950", "Take Profit": "115310", "Stop Loss": "114490"}[label]
    assert read(page(f"{ENGLISH}\n{label}: {value}")) == LONG
    refused(page(f"{ENGLISH}\n{label}: 114960"), Reason.FORMAT, "2 prices")


def test_two_take_profits_are_no_signal_of_cryptet() -> None:
    two = ENGLISH.replace("Take Profit*\n115310", "Take Profit 1: 115310\nTake Profit 2: 115900")
    refused(page(two), Reason.FORMAT)
    refused(page(f"{ENGLISH}\nZiel: 115900"), Reason.FORMAT)
    assert read(page(ENGLISH.replace("Take Profit*\n", "Take Profit 1: "))) == LONG


@pytest.mark.parametrize("label", ["Einstieg", "Einstiegspreis", "Entry Price", "Entry", "EINSTIEG*"])
@pytest.mark.parametrize("target", ["Ziel", "Gewinnmitnahme", "Take Profit", "Take-Profit*"])
@pytest.mark.parametrize("stop", ["Stopp", "Stop Loss", "Stop-Loss", "Stopp-Loss"])
def test_every_name_of_a_label_on_the_same_line_and_on_the_next(label: str, target: str, stop: str) -> None:
    for between in (": ", " ", "\n", ":\n"):
        prices = f"{label}{between}114950\n{target}{between}115310\n{stop}{between}114490"
        text = f"BTC/USDT LONG\n{prices}\nRisk: low"
        assert read(page(text, "de")) == LONG, between


def test_a_sentence_that_begins_like_a_label_is_none() -> None:
    sentences = "\n".join(["Ziel dieser Seite ist Wissen", "Stop losses happen", "Entry is free"])
    assert read(page(f"{ENGLISH}\n{sentences}")) == LONG


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("114490", "2%", Reason.STOP),
        ("114490", "daily close", Reason.STOP),
        ("114490", "-", Reason.STOP),
        ("114490", "", Reason.STOP),
        ("114950", "market", Reason.NUMBER),
        ("114950", "114900-114950", Reason.NUMBER),
        ("114950", "114,95K", Reason.NUMBER),
        ("114950", "€114950", Reason.NUMBER),
        ("114950", "-114950", Reason.NUMBER),
        ("114950", "0", Reason.NUMBER),
        ("114950", "NaN", Reason.NUMBER),
        ("114950", "١١٤٩٥٠", Reason.NUMBER),
        ("114950", "1e5", Reason.NUMBER),
        ("114950", "114.950,00", Reason.NUMBER),
        ("115310", "115310 116000", Reason.NUMBER),
        ("115310", "11531", Reason.NUMBER),  # ten times too small
        ("114490", "1144900", Reason.NUMBER),
        ("114490", "115000", Reason.STOP_SIDE),
        ("114490", "114950", Reason.STOP_SIDE),
        ("115310", "114000", Reason.TARGET_SIDE),
        ("115310", "114950", Reason.TARGET_SIDE),
    ],
)
def test_what_is_no_certain_price_or_contradicts_the_side(before: str, after: str, reason: Reason) -> None:
    refused(page(ENGLISH.replace(before, after)), reason)


def test_a_number_behind_a_label_and_another_below_it_are_uncertain() -> None:
    text = "BTC/USDT SHORT\nEntry Price: 2\nTake Profit 1\n1.9\nStop Loss: 2.1"
    refused(page(text), Reason.NUMBER)


@pytest.mark.parametrize(
    "word",
    [
        "terminiert", "ausgeführt", "abgelaufen", "geschlossen", "cancelled", "canceled", "expired", "filled",
        "closed", "Ausgeführtes Signal", "CLOSED", "Das Signal wurde am 14.08. mit Gewinn geschlossen",
        "ausgefu\u0308hrt", "abge\u00adlaufen", "AUSGEFÜHRT", "Result: +1.2%", "Ergebnis\n-0,5 %", "P&L: 12",
        "Expires: 2025-08-14 18:30", "Gültig bis\n14.08.2025 18:00 UTC",
    ],
)  # fmt: skip
def test_a_page_that_is_over(word: str) -> None:
    refused(page(f"{ENGLISH}\n{word}"), Reason.EXPIRED)
    refused(page(f"{ENGLISH}\n<p hidden>{word}"), Reason.EXPIRED)


def test_a_page_that_is_not_over_yet() -> None:
    assert read(page(f"{ENGLISH}\nExpires: 2025-08-14 23:30 UTC\nResult: -")) == LONG
    refused(page(f"{ENGLISH}\nExpires: in 5 hours"), Reason.PAGE, "in 5 hours")


@pytest.mark.parametrize(
    ("text", "language", "price"),
    [
        ("114.950,00", "de", "114950"), ("114,950.00", "en", "114950"), ("114.950", "de", "114950"),
        ("114,950", "en", "114950"), ("114.950", "en", "114.950"), ("114,95", "de", "114.95"),
        ("25.69", "de", "25.69"), ("0.00000812", "de", "0.00000812"), ("0,00000812", "de", "0.00000812"),
        ("0.00000812", "en", "0.00000812"), ("0.812", "de", "0.812"), ("1.234.567,8", "de", "1234567.8"),
        ("114950", "", "114950"), ("25.69", "", "25.69"), ("0.812", "", "0.812"), ("114.950,0", "", "114950"),
        ("$114,950.00", "en", "114950"), ("114.950,00 USDT", "de", "114950"), ("114950 $", "en", "114950"),
    ],
)  # fmt: skip
def test_numbers_by_the_language_of_the_page(text: str, language: str, price: str) -> None:
    assert read_price(text, language) == Decimal(price)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("114.950,00", "en"), ("114,950.00", "de"), ("25,69", "en"), ("114.950", ""), ("114,950", ""),
        ("114.950", "fr"), ("1.23.456", "en"), ("1,23,456", "en"), ("1.234.56", "de"), ("0.114.950", "de"),
        ("114 950", "de"), ("114'950", "de"), (".5", "en"), ("5.", "en"), ("", "en"), ("0.00", "en"),
        ("1" * 13, "en"), ("٣", "en"), ("１", "en"), ("²", "en"), ("1_0", "en"), ("+1", "en"), ("0x1", "en"),
    ],
)  # fmt: skip
def test_numbers_that_are_not_certain(text: str, language: str) -> None:
    assert read_price(text, language) is None


def test_labels_of_another_language_than_the_page_leave_numbers_uncertain() -> None:
    german = GERMAN.replace(",00", "")
    assert read(page(german, "de")) == SHORT
    refused(page(german, "en"), Reason.NUMBER)
    refused(page(german.replace("Einstiegspreis", "Entry Price"), "de"), Reason.NUMBER)
    refused(page(german.replace("Stopp", "Stop Loss"), ""), Reason.NUMBER)


def test_a_page_without_language_has_that_of_its_link() -> None:
    assert read(page(GERMAN.replace(",00", ""), ""), segment="/de") == SHORT


def test_tiny_prices_and_symbols_with_digits() -> None:
    text = "1000PEPE/USDT LONG\nEntry Price: 0.00000812\nTake Profit*\n0.00000830\nStop Loss: 0.00000799"
    got = read(page(text), pair="1000pepe_usdt")
    assert got == signal(Side.BUY, "0.00000812", "0.00000830", "0.00000799", "1000PEPE-USDT")


def test_inline_markup_does_not_part_a_line_and_blocks_do() -> None:
    text = (
        "<h1>BTC/USDT <b>LONG</b></h1><p><span>Entry Price:</span> <b>114</b>950</p>"
        "<table><tr><td>Take Profit<sup>*</sup></td><td>115310</td></tr></table>Stop Loss:<br>114490"
    )
    assert read(f'<html lang="en-GB"><body>{text}</body></html>') == LONG


def test_a_line_break_in_the_source_is_a_space_and_an_empty_drawing_hides_nothing() -> None:
    broken = page(ENGLISH).replace("BTC/USDT LONG", "BTC/USDT\n  LONG").replace("Stop Loss", "Stop\r\nLoss")
    assert read(broken.replace("<body>", "<body><svg/>")) == LONG
    assert read(broken.replace("<body>", "<body><svg>BTC/USDT SHORT</svg>")) == LONG


def test_the_country_of_a_language_does_not_matter() -> None:
    german = GERMAN.replace(",00", "")
    assert read(page(german, "de-AT")) == read(page(german, "DE")) == SHORT


@pytest.mark.parametrize(
    "body",
    ['<form><input type="password"></form>', "<h1>Just a moment...</h1>", "<p>Bitte anmelden</p>", "Captcha"],
)
def test_a_page_that_locks_one_out_says_so(body: str) -> None:
    refused(f"<html><body>{body}</body></html>", Reason.PAGE, "CRYPTET_COOKIES")


def test_a_password_field_beside_a_signal_is_nothing() -> None:
    assert read(page(ENGLISH, extra='<form><input type="password"></form>')) == LONG


def test_any_other_page_is_no_signal() -> None:
    refused(page("Welcome to our blog"), Reason.PAGE, "layout")
    refused("", Reason.PAGE)
    refused("no html at all", Reason.PAGE)


def test_an_expiry_is_compared_with_the_time_of_reading() -> None:
    later = parse_link("https://cryptet.com/signals/one/btc_usdt/2025/08/14/1830")
    assert later
    html = page(f"{ENGLISH}\nExpires: 2025-08-14 19:00")
    assert isinstance(read_page(html, later, NOW), Signal)
    assert isinstance(read_page(html, later, NOW + timedelta(hours=1)), Unreadable)
