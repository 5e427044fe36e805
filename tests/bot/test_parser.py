"""Each way in which channels write, read to the letter; beside it what differs a little and is refused."""

import random
import time
from pathlib import Path

import pytest

from bot.domain.parser import FORMATS, parse
from bot.domain.reason import Reason
from bot.domain.signal import LONGEST, Reading, Remark, Signal

POSTS = Path(__file__).parent / "parser_posts.txt"


def shown(reading: Reading) -> str:
    """A signal as an order line with its leverage; anything else as its reason."""
    if not isinstance(reading, Signal):
        symbol = getattr(reading, "symbol", None)
        return f"{reading.reason.value}{f' {symbol}' if symbol else ''}"
    parts = [reading.side.value, reading.symbol]
    parts += ["@", *(f"{price:f}" for price in reading.entries)] if reading.entries else []
    parts += ["SL", f"{reading.stop:f}"] if reading.stop else []
    parts += ["TP", *(f"{price:f}" for price in reading.targets)] if reading.targets else []
    parts += [f"x{reading.leverage}"] if reading.leverage else []
    parts += [reading.margin_mode.value] if reading.margin_mode else []
    return " ".join(parts)


def posts() -> list[tuple[str, str, str]]:
    """Name, message and what it is read as, from the blocks of the file."""
    found = []
    for block in POSTS.read_text("utf-8").split("\n====")[1:]:
        head, _, rest = block.partition("\n")
        text, _, wanted = rest.rpartition("\n=> ")
        found.append((head.strip(), text, wanted.strip()))
    return found


@pytest.mark.parametrize(("text", "wanted"), [pytest.param(*post[1:], id=post[0]) for post in posts()])
def test_a_post_is_read_to_the_letter_or_refused(text: str, wanted: str) -> None:
    assert shown(parse(text)) == wanted


PLAIN = {
    "head": "LONG BTC/USDT",
    "entry": "Entry: 60000 - 60500",
    "targets": "Targets: 61000 - 62000",
    "stop": "Stop: 59000",
}


def plain(**instead: str) -> str:
    return "\n".join((PLAIN | instead).values())


def test_the_plain_post_is_read() -> None:
    assert shown(parse(plain())) == "BUY BTC-USDT @ 60000 60500 SL 59000 TP 61000 62000"


@pytest.mark.parametrize(
    ("instead", "reason"),
    [
        # the side
        ({"head": "BTC/USDT"}, Reason.NO_SIDE),
        ({"head": "BTC/USDT 📈"}, Reason.NO_SIDE),
        ({"head": "LОNG BTC/USDT"}, Reason.NO_SIDE),  # a Cyrillic О
        ({"head": "Don't long BTC/USDT"}, Reason.NO_SIDE),
        ({"head": "BTC/USDT\nmany people are long these days, they say"}, Reason.NO_SIDE),
        ({"head": "LONG BTC/USDT if it holds"}, Reason.FORMAT),
        ({"head": "Type: Breakout (Long)\nPair: BTC/USDT"}, Reason.FORMAT),
        ({"head": "Не входим: LONG BTC/USDT"}, Reason.FORMAT),
        ({"head": "LONG BTC/USDT (cancelled)"}, Reason.TICKED),
        ({"head": "LONG BTC/USDT отмена"}, Reason.TICKED),
        ({"head": "LONG BTC/USDT iptal"}, Reason.TICKED),
        ({"head": "LONG BTC/USDT running +35%"}, Reason.TICKED),
        ({"head": "We are already in LONG BTC/USDT"}, Reason.TICKED),
        ({"head": "Would anyone LONG BTC/USDT?"}, Reason.FORMAT),
        ({"head": "#BTC long?"}, Reason.FORMAT),
        ({"head": "❌ LONG BTC/USDT"}, Reason.FORMAT),
        ({"head": "BUY STOP BTC/USDT"}, Reason.FORMAT),
        ({"head": "LONG BTC/USDT (pending)"}, Reason.FORMAT),
        ({"head": "Reminder: LONG BTC/USDT"}, Reason.FORMAT),
        ({"head": "LONG or SHORT BTC/USDT"}, Reason.SIDES),
        ({"head": "LONG BTC/USDT\nDirection: SHORT"}, Reason.SIDES),
        ({"entry": "Sell: 60000 - 60500"}, Reason.SIDES),
        # the symbol
        ({"head": "LONG"}, Reason.NO_SYMBOL),
        ({"head": "LONG BTC/BUSD"}, Reason.NO_SYMBOL),
        ({"head": "LONG BTC/USD"}, Reason.NO_SYMBOL),
        ({"head": "LONG ETH/BTC"}, Reason.NO_SYMBOL),
        ({"head": "LONG BTCUSDC"}, Reason.NO_SYMBOL),
        ({"head": "LONG ВТС/USDT"}, Reason.NO_SYMBOL),  # Cyrillic letters
        ({"head": "LONG BTC/USDТ"}, Reason.NO_SYMBOL),  # a Cyrillic Т
        ({"head": "LONG #SIGNAL #1"}, Reason.NO_SYMBOL),
        ({"head": "LONG BTC/USDT and ETH/USDT"}, Reason.SYMBOLS),
        ({"head": "LONG BTC/USDT\nlike #ETH"}, Reason.SYMBOLS),
        # the entry
        ({"entry": "Entry: -60000"}, Reason.NUMBER),
        ({"entry": "Entry: 6O000"}, Reason.NUMBER),
        ({"entry": "Entry: ٦٠٠٠٠"}, Reason.NUMBER),
        ({"entry": "Entry: ６００００"}, Reason.NUMBER),
        ({"entry": "Entry: 6̶0̶0̶0̶0̶"}, Reason.NUMBER),
        ({"entry": "Entry: 60 000"}, Reason.NUMBER),
        ({"entry": "Entry: 60_000"}, Reason.NUMBER),
        ({"entry": "Entry: 60,000,50"}, Reason.NUMBER),
        ({"entry": "Entry: 60Ḱ"}, Reason.FORMAT),
        ({"entry": "Entry: 6e4"}, Reason.NUMBER),
        ({"entry": "Entry: 0"}, Reason.NUMBER),
        ({"entry": "Entry: 060000"}, Reason.NUMBER),
        ({"entry": "Entry: 60-60.5K"}, Reason.NUMBER),
        ({"entry": "Entry: 6000"}, Reason.STOP_SIDE),
        ({"entry": "Entry: above 60000"}, Reason.FORMAT),
        ({"entry": "Entry > 60000"}, Reason.FORMAT),
        ({"entry": "Entry: 60000 (after a retest)"}, Reason.FORMAT),
        ({"entry": "Entry: market or 60000 & 59500"}, Reason.FORMAT),
        ({"entry": "Entry (on break): 60000"}, Reason.FORMAT),
        ({"entry": "Buy stop: 60000"}, Reason.FORMAT),
        ({"entry": "Entry: on the next dip"}, Reason.FORMAT),
        ({"entry": "Entry: 60000\nEntry: 59500"}, Reason.FORMAT),
        ({"entry": "Entry 1: 60000\nEntry 3: 59500"}, Reason.FORMAT),
        ({"entry": "Entry: 60000\nRe-entry: 59500"}, Reason.FORMAT),
        ({"entry": "Entry: 60000\nGrid: 59500"}, Reason.FORMAT),
        ({"entry": "60000"}, Reason.FORMAT),
        ({"entry": "Entry: 60000 ✅"}, Reason.TICKED),
        ({"entry": "Entry: 60000 (filled)"}, Reason.TICKED),
        # the targets
        ({"targets": "Targets: 61000 - 59500"}, Reason.TARGET_SIDE),
        ({"targets": "Targets: 5% - 10%"}, Reason.FORMAT),
        ({"targets": "Targets: soon"}, Reason.FORMAT),
        ({"targets": "Targets: moon"}, Reason.FORMAT),
        ({"targets": "Targets: 61000 - moon - 62000"}, Reason.FORMAT),
        ({"targets": "TP1: 61000\nTP3: 62000"}, Reason.FORMAT),
        ({"targets": "Targets:\n1) 61000\n3) 62000"}, Reason.FORMAT),
        ({"targets": "Targets:\n1)\n2) 62000"}, Reason.FORMAT),
        ({"targets": "Targets: 61000 62000 or so"}, Reason.FORMAT),
        ({"entry": "Entry: 25", "targets": "TP: 26.50-60-70", "stop": "SL: 24"}, Reason.NUMBER),
        ({"entry": "Entry: 10", "targets": "TP: 12,14", "stop": "SL: 8"}, Reason.NUMBER),
        ({"targets": "Targets: 610000"}, Reason.NUMBER),
        ({"targets": "TP16.1000"}, Reason.NUMBER),
        ({"targets": "TP 1 61000"}, Reason.NUMBER),
        ({"targets": "Target: 1 - 61000"}, Reason.NUMBER),
        ({"targets": "TP1: 61000 ✅\nTP2: 62000"}, Reason.TICKED),
        ({"targets": "✅ TP1: 61000\nTP2: 62000"}, Reason.TICKED),
        ({"targets": "TP1: 61000 hit\nTP2: 62000"}, Reason.TICKED),
        ({"targets": "Targets:\n☑️ 61000\n62000"}, Reason.TICKED),
        # the stop
        ({"stop": "Stop: 5%"}, Reason.STOP),
        ({"stop": "Stop: 5-10%"}, Reason.STOP),
        ({"stop": "Stop: 5 - 10%"}, Reason.STOP),
        ({"stop": "Stop: UPDATE"}, Reason.STOP),
        ({"stop": "Stop: none"}, Reason.STOP),
        ({"stop": "Stop:"}, Reason.STOP),
        ({"stop": "Stop: daily close below 59000"}, Reason.STOP),
        ({"stop": "Stop: 59000 (4 hour close)"}, Reason.STOP),
        ({"stop": "Stop (daily close): 59000"}, Reason.FORMAT),
        ({"stop": "Stop: 59000 or 58000"}, Reason.STOP),
        ({"stop": "Stop: 59000\nStop: 58000"}, Reason.STOP),
        ({"stop": "Stop: 60200"}, Reason.STOP_SIDE),
        ({"stop": "Stop: 61500"}, Reason.STOP_SIDE),
        ({"stop": "Stop: 5900"}, Reason.NUMBER),
        ({"stop": "SL -59000"}, Reason.NUMBER),
        ({"stop": "New stop: 59000"}, Reason.FORMAT),
        # the rest
        ({"rest": "Leverage: 0x"}, Reason.NUMBER),
        ({"rest": "Leverage: 200x"}, Reason.NUMBER),
        ({"rest": "Leverage: -5x"}, Reason.NUMBER),
        ({"rest": "it was at 60200 today"}, Reason.FORMAT),
        ({"rest": "Safety: 59500"}, Reason.FORMAT),
        ({"rest": "All targets reached"}, Reason.TICKED),
        ({"rest": "Profit: +12%"}, Reason.TICKED),
        ({"rest": "this is an example"}, Reason.FORMAT),
        ({"rest": "Отменён"}, Reason.TICKED),
        ({"rest": "CANCEL THIS"}, Reason.TICKED),
        ({"rest": "Close now at market"}, Reason.TICKED),
        ({"rest": "Move SL to breakeven now"}, Reason.TICKED),
        ({"rest": "Wait for confirmation before you enter"}, Reason.FORMAT),
    ],
)
def test_a_post_with_one_thing_that_is_not_certain_is_refused(
    instead: dict[str, str], reason: Reason
) -> None:
    reading = parse(plain(**instead))
    assert (
        (reading.reason, reading.text != "") == (reason, True) if not isinstance(reading, Signal) else reading
    )


@pytest.mark.parametrize(
    "instead",
    [
        {"head": "#LONG $BTC/USDT"},
        {"head": "Coin: BTC\nType: Long (Futures)"},
        {"head": "Long #BTC\nShort term idea"},
        {"head": "𝗟𝗢𝗡𝗚 𝗕𝗧𝗖/𝗨𝗦𝗗𝗧"},
        {"head": "LONG BINANCE:BTCUSDT.P 4h"},
        {"entry": "Entry: 60,000 – 60,500"},
        {"entry": "Entry: 60000$ ~ 60500$ (enter in parts)"},
        {"entry": "Entry zone\n1️⃣ 60000 (50%)\n2️⃣ 60500 (50%)"},
        {"entry": "Entry: 60K to 60.5k"},
        {"targets": "TP-1: 61000\nTP-2: 62000"},
        {"targets": "Take profit: 61000 / 62000 / open"},
        {"targets": "1st target: 61000\n2nd target: 62000"},
        {"targets": "🎯 Targets:\n☑️ 61000\n☑️ 62000"},
        {"targets": "Targets\n1 - 61000\n2 - 62000\n3 - 🚀🚀"},
        {"stop": "❌ Stop\u00a0loss\u200b — 59000 USDT"},
        {"stop": "SL59000"},
        {"head": "LONG BTC/USDT ❌ SL 59000", "stop": ""},
        {"rest": "Move SL to entry once TP1 is hit. Risk 2%, R:R 1:3, 12:30 UTC, see https://t.co/59900"},
        {"rest": "OTE: 60250\nCurrent price: 60200"},
        {"rest": "Close half at the first target\nCancel once the stop is touched"},
        {"rest": "After the first target move the stop to entry\nExit: now it is up to you"},
    ],
)
def test_decorations_change_nothing(instead: dict[str, str]) -> None:
    assert shown(parse(plain(**instead))) == "BUY BTC-USDT @ 60000 60500 SL 59000 TP 61000 62000"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Close #ETH/USDT", "close ETH-USDT"),
        ("🛑 close everything now", "close"),
        ("[In reply to VIP]\n" + plain() + "\nExit", "close BTC-USDT"),
        ("Закрываем #SOL/USDT", "close SOL-USDT"),
        ("Fechar #SOL/USDT agora", "close SOL-USDT"),
        ("Move SL to entry #ETH/USDT", "move_stop ETH-USDT"),
        ("стоп в б/у", "move_stop"),
        ("TP1 hit, SL to BE", "move_stop"),
        ("#ETH/USDT TP2 done 🔥", "update ETH-USDT"),
        ("3 тейка взяты, сделка закрыта", "update"),
        ("#ETH/USDT Profit: 40% Period: 2 days", "update ETH-USDT"),
        ("gm, bitcoin looks strong today", "commentary"),
        ("we may long the next dip", "commentary"),
        ("https://example.org/signals/1", "commentary"),
        ("", "commentary"),
    ],
)
def test_what_is_no_signal_says_which_kind_it_is(text: str, wanted: str) -> None:
    reading = parse(text)
    assert isinstance(reading, Remark)
    assert shown(reading) == wanted


def test_the_last_format_takes_what_no_other_claims() -> None:
    assert FORMATS[-1].name == "labelled post"


PIECES = [
    *"(1,.-:#@x%\n ✅\u0301\ud800\x00🚀[",
    *("1 ", "TP ", "TP1 ", "1,", "stop ", "SL: ", "entry: 1 ", "А/", "USDT", "BTCUSDT ", "1x-", "long "),
    *("\n1)", "move sl ", "not ", "Take ", "1 2 3 ", "target a "),
]


def test_no_text_takes_long_and_none_is_an_error() -> None:
    """Bounded by what a quarter of the text costs, for a clock alone says nothing on a busy machine."""
    chance = random.Random(6)
    for _ in range(60):
        piece = "".join(chance.choices(PIECES, k=2))
        times = [
            min(_seconds(plain(rest=piece * LONGEST)[:length]) for _ in range(2)) for length in (1024, 4096)
        ]
        assert times[1] < 12 * times[0] + 0.1, repr(piece)


def _seconds(text: str) -> float:
    before = time.process_time()
    parse(text)
    return time.process_time() - before
