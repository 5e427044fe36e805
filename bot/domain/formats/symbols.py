"""The one symbol that a message names, in any of the ways people write BTC-USDT."""

import re
from collections.abc import Sequence

from bot.domain.formats.doubt import Doubt
from bot.domain.formats.segments import Segment
from bot.domain.formats.words import BUYS, SELLS, Kind, words
from bot.domain.reason import Reason

# Letters of any script, so that a symbol of look-alikes is found, and refused.
PAIR = re.compile(
    r"(?<![^\W_])(?<![\u0300-\u036f])[$#]?(?P<base>[^\W_]{1,20}?)"
    r"(?: ?[/|] ?|[-_])?(?P<quote>[uU][^\W\d_][^\W\d_][^\W\d_])"
    r"(?:[-_ ]?PERP(?:ETUAL)?|\.P)?(?![^\W_]|/[^\W_]|[\u0300-\u036f])",
    re.IGNORECASE,
)
_QUOTES = "BTC|ETH|BNB|BUSD|USDC|USD|FDUSD|TUSD|EUR|TRY|BRL|GBP|DAI"
_OTHER = re.compile(
    rf"(?<![^\W_])(?:[A-Za-z0-9]{{2,15}} ?[/|] ?(?:{_QUOTES}|(?i:{_QUOTES.lower()}))"
    r"|[A-Z0-9]{2,10}(?:USDC|BUSD|USD)(?:_?PERP|\.P)?|[A-Z0-9]{2,10}-(?:USDC|BUSD|USD|BTC))(?![^\W_])"
)
_TAG = re.compile(r"[#$]([^\W_]{1,20})(?![^\W_]|[\u0300-\u036f])")
_ID = re.compile(r"(?<!\w)id ?[:.]? ?[#$]\w+", re.IGNORECASE)  # a number of the signal
_COIN = re.compile(r"[^\w\n]{0,20}([^\W_]{1,20})(?![^\W_]|[\u0300-\u036f])(?P<rest>[^\n]*)")
_CUT_OFF = re.compile(r"[0-9][.,'’]\Z")  # as in 1.000PEPE/USDT
_TICKER = re.compile(r"(?<![^\W_])[A-Z][A-Z0-9]{1,14}(?![^\W_])")
_NO_BASE = words(
    "price, entry, amount, value, margin, profit, in, per, size, total, balance, capital, usdt, "
    "binance, bybit, bingx,exchange, futures, balance, loss, volume"
) | words(f"{BUYS}, {SELLS}")
_NO_TICKER = (
    words(
        "usdt, perp, futures, perpetual, swap, usd, x, binance, bybit, bingx, okx, kucoin, cross, "
        "isolated, linear"
    )
    | words(BUYS)
    | words(SELLS)
)
_NO_TAG = _NO_TICKER | words(
    "signal, signals, vip, spot, scalp, scalping, swing, crypto, trade, trading, free, premium, "
    "update, usdtm, altcoin,altcoins, alts, futures, future, idea, setup, new, hot, alert, "
    "bitcoin, ethereum, defi, nft, ai, meme, gem, gems,longs, shorts, market, news, analysis, "
    "daytrade, intraday, midterm, shortterm, longterm, usdt, tp, sl, dyor, nfa"
)


def the_symbol(text: str, segments: Sequence[Segment]) -> str:
    """As the exchange writes it; raises Doubt if there is none, or more than one."""
    found = named(text, segments)
    if len(found) > 1:
        raise Doubt(Reason.SYMBOLS, f"names {len(found)} symbols: {', '.join(sorted(found))[:80]}")
    if not found:
        raise Doubt(Reason.NO_SYMBOL, "names no symbol like BTC/USDT")
    return next(iter(found))


def named(text: str, segments: Sequence[Segment] = ()) -> set[str]:
    pairs = {match.span(): _base(match) for match in PAIR.finditer(text) if _is_pair(match)}
    rest = _blanked(text, pairs)
    bases = set(pairs.values())
    if other := _OTHER.search(rest):
        reason = Reason.SYMBOLS if bases else Reason.NO_SYMBOL
        raise Doubt(reason, f"names {other[0]!r}, which is not traded against USDT")
    bases |= {coin for segment in segments if segment.kind is Kind.SYMBOL for coin in _coins(rest, segment)}
    rest = _ID.sub(" ", rest)
    tags = {tag[1] for tag in _TAG.finditer(rest) if tag[1].lower() not in _NO_TAG}
    bases |= {
        tag for tag in tags if tag.isascii() and tag == tag.upper() and not tag.isdigit() and len(tag) > 1
    }
    return {f"{base}-USDT" for base in bases}


def has_pair(text: str) -> bool:
    return any(_is_pair(match) for match in PAIR.finditer(text))


def _is_pair(match: re.Match[str]) -> bool:
    """USDT, also in letters of another script that look like it."""
    quote, base = match["quote"].upper(), match["base"]
    looks = quote.translate(str.maketrans("ЅТ", "ST"))
    return looks == "USDT" and base.lower() not in _NO_BASE and any(char.isalpha() for char in base)


def _base(match: re.Match[str]) -> str:
    base = match["base"]
    if not (base + match["quote"]).isascii():
        raise Doubt(Reason.NO_SYMBOL, f"{match[0][:40]!r} has letters that only look like those of a symbol")
    if _CUT_OFF.search(match.string, 0, match.start()):
        raise Doubt(
            Reason.NO_SYMBOL, f"a figure stands before {match[0][:40]!r}: where it begins is not certain"
        )
    return base.upper()


def _coins(text: str, segment: Segment) -> set[str]:
    """The coin behind a label such as COIN, which needs no quote."""
    line = text[segment.start : segment.end].lstrip("\n ").split("\n")[0]
    match = _COIN.match(line)
    if match is None:
        return set()
    coin = match[1]
    if not coin.isascii():
        raise Doubt(Reason.NO_SYMBOL, f"{coin!r} is no symbol like BTC/USDT")
    if coin.isdigit() or coin != coin.upper() or coin.lower() in _NO_TICKER:
        return set()
    others = {word for word in _TICKER.findall(match["rest"]) if word.lower() not in _NO_TICKER}
    if "USD" in match["rest"].split():
        raise Doubt(Reason.NO_SYMBOL, f"names {line.strip()[:40]!r}, which is not traded against USDT")
    return {coin} | others


def _blanked(text: str, spans: dict[tuple[int, int], str]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def without(text: str) -> str:
    """The text with blanks where pairs and tags stand, as long as before."""
    for found in (PAIR, _TAG):
        text = found.sub(lambda match: " " * len(match[0]) if _is_symbol(match) else match[0], text)
    return text


def _is_symbol(match: re.Match[str]) -> bool:
    return any(char.isalpha() for char in match[0]) if match.re is _TAG else _is_pair(match)
