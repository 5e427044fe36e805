"""What a post of cryptet must show and where it must lead, before any page is asked for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.cryptet import Link, check_time, find_link, parse_link
from bot.domain.reason import Reason, Verdict
from bot.domain.signal import Remark, Unreadable

LINK = "https://cryptet.com/signals/one/btc_usdt/2025/08/14/1830"
AT = datetime(2025, 8, 14, 18, 30, tzinfo=UTC)


def found(text: str, *links: str) -> Link:
    link = find_link(text, links)
    assert isinstance(link, Link), link
    return link


def reason(text: str, *links: str) -> Reason:
    got = find_link(text, links)
    assert isinstance(got, Unreadable | Remark), got
    return got.reason


def test_a_link_says_pair_and_time() -> None:
    link = parse_link("http://www.cryptet.com/de/signals/one/API3_USDT/2025/08/14/1830?utm_medium=telegram")
    assert link == Link(host="www.cryptet.com", language="de", base="api3", quote="usdt", at=AT)
    assert link.path == "/de/signals/one/api3_usdt/2025/08/14/1830"


@pytest.mark.parametrize(
    "url",
    [
        "https://cryptet.com.example.org/signals/one/btc_usdt/2025/08/14/1830",
        "https://example.org/cryptet.com/signals/one/btc_usdt/2025/08/14/1830",
        "https://example.org/?https://cryptet.com/signals/one/btc_usdt/2025/08/14/1830",
        "https://cryptet.com@example.org/signals/one/btc_usdt/2025/08/14/1830",
        "https://cryptet.com:443/signals/one/btc_usdt/2025/08/14/1830",
        "https://crypt\u0435t.com/signals/one/btc_usdt/2025/08/14/1830",
        "ftp://cryptet.com/signals/one/btc_usdt/2025/08/14/1830",
        "cryptet.com/signals/one/btc_usdt/2025/08/14/1830",
        "https://cryptet.com/signals/last/btc_usdt/2025/08/14/1830",
        "https://cryptet.com/signals/one/btc-usdt/2025/08/14/1830",
        "https://cryptet.com/signals/one/../btc_usdt/2025/08/14/1830",
        "https://cryptet.com/deu/signals/one/btc_usdt/2025/08/14/1830",
        "https://cryptet.com/signals/one/btc_usdt/2025/08/14/18301",
        "https://cryptet.com/signals/one/btc_usdt/2025/08/14/1830/more",
        "https://cryptet.com/signals/one/btc_usdt/2025/13/14/1830",
        "https://cryptet.com/signals/one/btc_usdt/2025/02/30/1830",
        "https://cryptet.com/signals/one/btc_usdt/2025/08/14/2460",
        "https://cryptet.com/signals/one/btc_usdt/2025/08/14/\u0661\u0668\u0663\u0660",
        "https://cryptet.com/signals/one/btc_usdt/0000/08/14/1830",
        f"{LINK}\nhttps://example.org",
        f" {LINK}",
    ],
)
def test_what_is_no_link_to_a_signal(url: str) -> None:
    assert parse_link(url) is None
    assert reason("BTC/USDT", url) is Reason.LINK


@pytest.mark.parametrize(
    "text",
    ["BTC/USDT", "btc/usdt", "BTC-USDT", "#BTCUSDT", "🚀 BTC / USDT 🚀", "", f"BTC/USDT\n{LINK}", LINK, "🔔"],
)
def test_a_post_shows_the_pair_and_no_word_more(text: str) -> None:
    assert found(text, LINK).pair == ("BTC", "USDT")


@pytest.mark.parametrize(
    ("text", "links", "expected"),
    [
        ("BTC/USDT", [], Reason.LINK),
        ("BTCUSDT", [], Reason.LINK),
        ("BTC/USDT", ["https://cryptet.com/de/"], Reason.LINK),
        ("look", ["https://cryptet.com/de/signals/last/btc_usdt"], Reason.LINK),
        ("BTC/USDT", [LINK, LINK.replace("btc", "eth")], Reason.LINK),
        ("BTC/USDT", [LINK, LINK.replace("1830", "1831")], Reason.LINK),
        ("ETH/USDT", [LINK], Reason.LINK),
        ("BTC/USD", [LINK], Reason.LINK),
        ("BTC/USDT ETH/USDT", [LINK], Reason.SYMBOLS),
        ("BTC/USDC", [LINK.replace("usdt", "usdc")], Reason.NO_SYMBOL),
        ("", [LINK.replace("usdt", "eur")], Reason.NO_SYMBOL),
        ("BTC/USDT closed with profit", [LINK], Reason.FORMAT),
        ("Take profit reached BTC/USDT", [LINK], Reason.FORMAT),
        ("BTC/USDT +2%", [LINK], Reason.FORMAT),
        ("В\u0422C/USDT", [LINK], Reason.LINK),
    ],
)
def test_what_a_post_must_not_be(text: str, links: Sequence[str], expected: Reason) -> None:
    assert reason(text, *links) is expected
    assert expected.verdict is Verdict.UNREADABLE


def test_the_same_signal_may_be_linked_twice() -> None:
    again = LINK.replace(".com", ".com/de") + "?utm_source=x"
    assert found("BTC/USDT", LINK, again, "https://cryptet.com/", "https://t.me/cryptet").language == ""
    assert found("BTC/USDT", again, LINK).language == "de"


@pytest.mark.parametrize(
    "text", ["Good morning!", "We were right: soon BTC at 120k", "24/7 and/or", "", "P/L of the week"]
)
def test_talk_is_no_signal(text: str) -> None:
    for links in ([], ["https://cryptet.com/de/"], ["https://example.org/signals/one"]):
        got = find_link(text, links)
        assert isinstance(got, Remark), got
        assert got.reason is Reason.COMMENTARY


def test_a_link_is_good_for_six_hours_and_from_no_zone_of_tomorrow() -> None:
    link = found("BTC/USDT", LINK)
    for hours in (-14, 0, 6):
        assert check_time(link, AT + timedelta(hours=hours)) is None
    for late, expected in (
        (timedelta(hours=6, seconds=1), "expired"),
        (timedelta(hours=-14, seconds=-1), "future"),
    ):
        got = check_time(link, AT + late)
        assert got is not None
        assert got.reason == expected
