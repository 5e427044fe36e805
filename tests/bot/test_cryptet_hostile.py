"""Pages that nobody means well with: whatever they are, nothing raises, and no price comes from nowhere.

CRYPTET_FUZZ sets how many pages are made up, FUZZ_SEED which.
"""

import os
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import pytest

from bot.adapters.cryptet import LARGEST
from bot.domain.cryptet import parse_link
from bot.domain.cryptet_page import read_page
from bot.domain.money import plain
from bot.domain.page import MOST_PARTS, UnfitError, visible
from bot.domain.signal import Reading, Side, Signal, Unreadable

NOW = datetime(2025, 8, 14, 18, 31, tzinfo=UTC)
COUNT, SEED = int(os.environ.get("CRYPTET_FUZZ", "2000")), int(os.environ.get("FUZZ_SEED", "1"))
LINK = parse_link("https://cryptet.com/signals/one/btc_usdt/2025/08/14/1830")

PIECES = (
    "<b>", "</b>", "<div>", "<", "</", "<1", "<!--", "-->", "<!", "<!a", "<?", "<![CDATA[", "<![if",
    "<![foo[", "]]>", "<a b='", '<a b="', "<a ", "b=1 ", ">", "&#", "&#xffffffff;", "&#0;", "&amp",
    "&nbsp;", "\0", "\ud800", "\u00ad", "<script>", "</script", "<style>", "</scrip", "<svg/>",
    "<p hidden>", "<div hidden>", "<nav>", "</nav>", "\n", " ", "BTC/USDT", " LONG", " SHORT", "KAUFEN",
    "Entry Price", "Einstieg", "Take Profit*", "Ziel", "Stop Loss", "Stopp", ":", "114950", "115310",
    "114490", "114.950,00", "114,950.00", "1", "0", ".", ",", "%", "closed", "\u0661", "\u017ftop loss",
    "Z\u0131el", "Expires: 2025-08-14 20:00", "Result: ", "<br>", "<html lang=de>", "<br/>",
)  # fmt: skip
WHOLE = (
    "<h1>BTC/USDT LONG</h1>",
    "<p>Entry Price: 114950</p>",
    "<p>Take Profit*</p><p>115310</p>",
    "<p>Stop Loss: 114490</p>",
)
FULL = [(piece, end) for piece in PIECES for end in ("", ">")]
TRIED = random.Random(SEED).sample(FULL, min(COUNT // 100, len(FULL)))


def read(html: str) -> Reading:
    assert LINK
    return read_page(html, LINK, NOW)


@pytest.mark.parametrize(("piece", "end"), TRIED)
def test_a_page_full_of_one_thing(piece: str, end: str) -> None:
    got = read((piece * (LARGEST // len(piece) + 1))[:LARGEST] + end)
    assert isinstance(got, Unreadable), got
    assert len(got.text) < 300


def test_a_page_of_too_many_parts_is_not_read_to_its_end() -> None:
    page = "".join(WHOLE)
    assert isinstance(read(page + "<br>" * (MOST_PARTS // 2)), Signal)
    with pytest.raises(UnfitError, match=f"more than {MOST_PARTS} parts"):
        visible(page + "<br>" * MOST_PARTS)


def test_a_broken_declaration_is_a_reason() -> None:
    got = read("<![foo[")
    assert isinstance(got, Unreadable)
    assert "broken declaration" in got.text


def made_up(chance: random.Random) -> str:
    """A good page with things put in, taken out or doubled; or things alone."""
    parts = (
        [each for line in WHOLE for each in re.split(r"(?<=>)|(?=<)| ", line)]
        if chance.random() < 0.7
        else []
    )
    parts = parts if chance.random() < 0.5 else list(WHOLE[: chance.randint(0, 4)] if parts else WHOLE)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(parts))
        how = chance.random()
        if how < 0.5 or not parts:
            parts.insert(at, chance.choice(PIECES))
        elif how < 0.75:
            parts.pop(min(at, len(parts) - 1))
        else:
            parts.insert(at, chance.choice(parts))
    return chance.choice(("", " ")).join(parts)


def test_made_up_pages(record_property: Callable[[str, object], None]) -> None:
    record_property(
        "sampled", f"{COUNT} made-up and {len(TRIED)} of {len(FULL)} full pages; CRYPTET_FUZZ sets it"
    )
    chance = random.Random(SEED)
    signals = 0
    for _ in range(COUNT):
        html = made_up(chance)
        got = read(html)
        if isinstance(got, Signal):
            signals += 1
            _holds(got, html)
        else:
            assert isinstance(got, Unreadable), html
    assert signals > COUNT / 100, "a fuzz that never reaches the end shows nothing"


def _holds(got: Signal, html: str) -> None:
    """By another way than the reader's: the text without its tags."""
    text = unescape(re.sub(r"<[a-zA-Z/!?][^>]*>", "", html)).replace("\u00ad", "")
    assert got.stop is not None
    (entry,), (target,) = got.entries, got.targets
    up = got.side is Side.BUY
    assert (got.stop < entry < target) if up else (target < entry < got.stop), html
    words = {"LONG", "KAUFEN"} if up else {"SHORT"}
    assert any(re.search(rf"BTC/USDT\W*{word}", text) for word in words), html
    assert got.symbol == "BTC-USDT"
    digits = re.sub(r"[^0-9]", "", text)
    for price in (entry, target, got.stop):
        assert re.sub(r"\.0*$|\.", "", plain(price)) in digits, html
