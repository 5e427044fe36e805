"""Whether a signal is in the text at all: its side, symbol and every number. Shares nothing with the parser.

It is loose: it knows the ways a number may be written, not what the message means.
"""

import re
import unicodedata
from decimal import Decimal
from itertools import pairwise

from bot.domain.signal import Side, Signal

WORDS = {
    Side.BUY: "long buy лонг покуп купи compra comprar kaufen kauf alış خرید لانگ",
    Side.SELL: "short sell шорт прода venda vender venta verkauf satış فروش شورت",
}
# Where the words of a side mean something else.
OTHER_SENSE = re.compile(
    r"\b(?:long|short|mid)[\s-]*(?:term|time)|\bas long as\b|\blonger\b|\bshortly\b|\balong\b"
)
LOOKS_LIKE = str.maketrans("авсенкмортухіѕјԁԛԝαβεζηικμνορτυχ", "abcehkmoptyxisjdqwabezhikmnoptyx")
OVERRIDES = re.compile("[\u202d\u202e]")
RAISED = re.compile(r"[⁰¹²³⁴-⁹₀-₉½⅓⅔¼¾⅕-⅞]")
NUMBER = re.compile(r"\d+(?:[.,'’]\d+)*|(?<![\d.,])[.,]\d+")
SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?![\d.,])")
GLUED = re.compile(r"(?:tp|target|t|тейк|alvo|objetivo|hedef|ziel)\s?\d")
PRICE = re.compile(r"(?<![\w#./,'’-])(?:\d+(?:[.,]\d+)+|\d{4,})(?![\d.,]*\s?[%x])")
NO_PRICE = re.compile(r"https?:\S+|signal\s{0,3}id.*|\S*(?:mole|trades|t\.me)\S*")
DEAD_AFTER = re.compile(r"[^\S\n]*%(?!\d)|(?!tp|sl)[a-zа-я]{1,2}\d|e[+-]?\d|[\u0300-\u036f]")
THOUSANDS = re.compile(r"\s?k(?![a-z])|k(?=lev|lvg|sl|tp|stop|entry|target|take)")


def folded(text: str) -> str:
    """As a reader sees it: compatible letters, no invisible marks, one case."""
    plain = unicodedata.normalize("NFKC", RAISED.sub("?", text))
    return "".join(each for each in plain if unicodedata.category(each) != "Cf").casefold()


def _decimal(written: str) -> Decimal | None:
    return Decimal(written) if re.fullmatch(r"[0-9]*\.?[0-9]+", written) else None


def _readings(token: str) -> set[Decimal]:
    """What one run of figures and separators may stand for."""
    token = token.replace("’", "'")
    ways = {token} if not set(token) & {",", "'"} else set()
    if re.fullmatch(r"\d{1,3}(?:[,']\d{3})+(?:\.\d+)?", token):
        ways.add(token.replace(",", "").replace("'", ""))
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", token):
        ways.add(token.replace(".", "").replace(",", "."))
    if token.count(",") == 1 and "." not in token:
        ways.add(token.replace(",", "."))
    if "," in token and all(re.fullmatch(r"\d+(?:\.\d+)?", part) for part in token.split(",")):
        ways |= set(token.split(",")) if token.count(",") > 1 or "." in token else set()
    return {each for each in map(_decimal, ways) if each is not None}


def prices(plain: str) -> set[Decimal]:
    """Every number that the folded text may be said to hold."""
    found: set[Decimal] = set()
    for match in NUMBER.finditer(plain):
        before, after = plain[: match.start()], plain[match.end() : match.end() + 12]
        if DEAD_AFTER.match(after) or re.search(r"[:=]\s*[-−]\Z|\d[a-zа-я]{1,2}\Z", before[-6:]):
            continue
        values = _readings(match[0])
        glued = GLUED.search(before[-8:] + match[0])
        if glued:
            values |= _readings((before[-8:] + match[0])[glued.end() :] or "?")
        in_short = re.match(
            r"[^\n]{0,40}?\dk(?![a-z])", match[0][-1:] + after.ljust(1) + plain[match.end() + 12 :][:30]
        )
        if THOUSANDS.match(after) or in_short:
            values |= {value * 1000 for value in values}
        found |= values
    for match in SPACED.finditer(plain.replace("\u00a0", " ")):
        found |= _readings(match[0].replace(" ", ""))
    return found


def _side(plain: str, side: Side) -> list[str]:
    said = OTHER_SENSE.sub(" ", plain)
    if side is Side.BUY:
        said = said.replace("verkauf", " ")
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", said))
    alike = bare.translate(LOOKS_LIKE)
    if any(word in said or word in bare or word in alike for word in WORDS[side].split()):
        return []
    return [f"{side} is not said"]


def _symbol(plain: str, symbol: str) -> list[str]:
    base, _, quote = symbol.partition("-")
    alike = plain.translate(LOOKS_LIKE)
    if quote != "USDT":
        return [f"{symbol} is not against USDT"]
    if re.search(
        rf"(?<![^\W_])(?<![^\W_][\u0300-\u036f]){re.escape(base.casefold().translate(LOOKS_LIKE))}", alike
    ):
        return []
    return [f"{base} is not in the text"]


def _numbers(plain: str, signal: Signal) -> list[str]:
    told = prices(plain)
    used = [*signal.entries, *signal.targets]
    used += [each for each in (signal.stop, signal.quantity) if each is not None]
    found = [f"{each} is not in the text" for each in used if each not in told]
    found += [f"{each} is no price" for each in used if not (each.is_finite() and each > 0)]
    figures = {int(each) for each in re.findall(r"[0-9]+", plain)}
    if signal.leverage is not None and (signal.leverage < 1 or signal.leverage not in figures):
        found.append(f"a leverage of {signal.leverage} is not in the text")
    return found


def _order(signal: Signal) -> list[str]:
    """For a long: stop, entries, targets. For a short the other way round."""
    way = 1 if signal.side is Side.BUY else -1
    stops = [way * signal.stop] if signal.stop is not None else []
    entries = [way * each for each in signal.entries]
    targets = [way * each for each in signal.targets]
    steps = [each for each in (stops, entries, targets) if each]
    pairs = pairwise(steps)
    return ["stop, entries and targets overlap"] if any(max(a) >= min(b) for a, b in pairs) else []


def unused(text: str, signal: Signal) -> list[str]:
    """Prices of the text that the signal does not hold: made messages have no others."""
    used = {*signal.entries, *signal.targets, signal.stop, signal.quantity, Decimal(signal.leverage or 0)}
    base = signal.symbol.partition("-")[0].casefold()
    coin = re.compile(
        rf"(?<![\d.,]){re.escape(base.translate(LOOKS_LIKE))}"
    )  # 2T is no part of 404.42Targets
    plain = NO_PRICE.sub(" ", coin.sub("coin", folded(text).translate(LOOKS_LIKE)))
    found = []
    for match in PRICE.finditer(plain):
        values = _readings(match[0])
        values |= {each * 1000 for each in values} if THOUSANDS.match(plain[match.end() :]) else set()
        if values and not values & used:
            found.append(f"{match[0]} stands there and is not used")
    return found


def faults(text: str, signal: Signal) -> list[str]:
    """What of the signal the text does not hold; nothing if it may be right."""
    plain = folded(text)
    found = _side(plain, signal.side) + _symbol(plain, signal.symbol)
    found += _numbers(plain, signal) + _order(signal)
    return found + (["the text turns its own direction"] if OVERRIDES.search(text) else [])
