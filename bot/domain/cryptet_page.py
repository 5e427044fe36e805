"""The page of a signal on cryptet becomes that signal, if nothing on it speaks against that."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn

from bot.domain import money
from bot.domain.cryptet import LOCKED_OUT, PAIRS, Link, no, short
from bot.domain.page import Page, UnfitError, visible
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Side, Signal, Unreadable

FARTHEST = 2  # times the entry; cryptet's stops and targets lie within a few percent


def read_page(html: str, link: Link, now: datetime) -> Reading:
    """What the page says of the link's signal, if nothing on it speaks against that."""
    try:
        page = visible(html)
        _check_end(page, link, now)
        return _signal(page, link)
    except UnfitError as error:
        return no(Reason.PAGE, f"the page of the signal {error}")
    except _Refused as refused:
        return refused.why


class _Refused(Exception):  # noqa: N818 - a way out, no failure
    def __init__(self, why: Unreadable) -> None:
        super().__init__(why.text)
        self.why = why


def _refuse(reason: Reason, text: str) -> NoReturn:
    raise _Refused(no(reason, text))


# The words of each side, as they stand beside the pair and nowhere else.
_SIDES = {
    "LONG": Side.BUY,
    "BUY": Side.BUY,
    "KAUFEN": Side.BUY,
    "SHORT": Side.SELL,
    "SELL": Side.SELL,
    "VERKAUFEN": Side.SELL,
}
_HEADLINE = re.compile(
    rf"\W*([A-Z0-9]{{1,20}}) ?[/_-] ?([A-Z0-9]{{2,10}}) ?[-–—:|]? ?(?<=[ :|–—-])({'|'.join(_SIDES)})\W*",
    re.ASCII | re.IGNORECASE,
)

# What a label is called; by its language how numbers are written, where it is of one alone.
_ENTRY = {"entry price": "en", "entry": "en", "einstiegspreis": "de", "einstieg": "de"}
_TARGET = {"take profit": "", "take-profit": "", "gewinnmitnahme": "de", "ziel": "de"}
_STOP = {"stop loss": "", "stop-loss": "", "stopp-loss": "de", "stopp loss": "de", "stopp": "de"}
_EXPIRY = dict.fromkeys(("expires", "expiry", "valid until", "gültig bis", "läuft ab"), "")
_RESULT = dict.fromkeys(("result", "ergebnis", "p&l", "pnl", "profit", "loss", "gewinn", "verlust"), "")

_ENDED = re.compile(
    r"\b(?:cancell?ed|expired|filled|closed|terminated"
    r"|(?:terminiert|ausgef(?:ü|ue)hrt|abgelaufen|geschlossen|storniert|beendet)(?:e[mnrs]?)?)\b",
    re.IGNORECASE,
)


def _check_end(page: Page, link: Link, now: datetime) -> None:
    pairs = {(base.upper(), quote.upper()) for line in page.lines for base, quote in PAIRS.findall(line)}
    if link.pair not in pairs:
        if page.is_locked:
            _refuse(Reason.PAGE, f"cryptet {LOCKED_OUT}")
        said = (
            f"it is of {'/'.join(min(pairs))}" if pairs else "it is no page of a signal, or its layout is new"
        )
        _refuse(
            Reason.SYMBOLS if pairs else Reason.PAGE, f"the page does not name {'/'.join(link.pair)}; {said}"
        )
    for line in page.lines:
        if _ENDED.search(line):
            _refuse(Reason.EXPIRED, f"its page says {short(line)}")
    for _, value in _labelled(page, _RESULT):
        if re.match(r"[-+−]? ?[$]?[0-9]", value):
            _refuse(Reason.EXPIRED, f"its page shows a result: {short(value)}")
    for _, value in _labelled(page, _EXPIRY):
        if _time(value) <= now:
            _refuse(Reason.EXPIRED, f"its page says that it ended {short(value)}")


def _time(text: str) -> datetime:
    for form in ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M"):
        try:
            return datetime.strptime(text.removesuffix(" UTC"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    _refuse(Reason.PAGE, f"when it ends is not told like 2025-08-14 18:00 UTC but {short(text)}")


def _signal(page: Page, link: Link) -> Signal:
    side = _side(page, link)
    found = {name: _labelled(page, names) for name, names in _PRICES.items()}
    languages = {page.language or link.language} | {
        language for labels in found.values() for language, _ in labels if language
    }
    language = languages.pop() if len(languages) == 1 else ""
    entry, target, stop = (_price(name, [value for _, value in found[name]], language) for name in _PRICES)
    for name, price in (("take profit", target), ("stop", stop)):
        if not entry / FARTHEST <= price <= entry * FARTHEST:
            text = (
                f"the {name} {money.plain(price)} is too far from the entry {money.plain(entry)} to be right"
            )
            _refuse(Reason.NUMBER, text)
    up = 1 if side is Side.BUY else -1
    if (entry - stop) * up <= 0:
        _refuse(Reason.STOP_SIDE, _beside("stop", stop, entry, side))
    if (target - entry) * up <= 0:
        _refuse(Reason.TARGET_SIDE, _beside("take profit", target, entry, side))
    return Signal(side=side, symbol="-".join(link.pair), entries=(entry,), stop=stop, targets=(target,))


_PRICES: Mapping[str, Mapping[str, str]] = {"entry": _ENTRY, "take profit": _TARGET, "stop": _STOP}


def _beside(name: str, price: Decimal, entry: Decimal, side: Side) -> str:
    return (
        f"the {name} {money.plain(price)} is on the wrong side of the entry {money.plain(entry)} of a {side}"
    )


def _side(page: Page, link: Link) -> Side:
    heads = [
        tuple(map(str.upper, found.groups())) for line in page.lines if (found := _HEADLINE.fullmatch(line))
    ]
    pairs = {(base, quote) for base, quote, _ in heads}
    if pairs - {link.pair}:
        other = "/".join(min(pairs - {link.pair}))
        _refuse(
            Reason.SYMBOLS, f"the page has a headline of {other}, and the link is of {'/'.join(link.pair)}"
        )
    sides = {_SIDES[word] for _, _, word in heads}
    if len(sides) > 1:
        _refuse(Reason.SIDES, f"the page has headlines for long and for short of {'/'.join(link.pair)}")
    if not sides:
        if page.is_locked:
            _refuse(Reason.PAGE, f"cryptet {LOCKED_OUT}")
        _refuse(
            Reason.NO_SIDE, f"the page has no headline like {'/'.join(link.pair)} LONG; is its layout new?"
        )
    return sides.pop()


_BARE = re.compile(r"[0-9.,]+")


def _labelled(page: Page, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """The language of each label found, and its value, on the same line or on the next."""
    # Where a word follows without a colon it is a sentence: "Ziel dieser Seite ist ..."
    labels = re.compile(
        rf"({'|'.join(map(re.escape, names))})(?![\w-]) ?\*?(?: ?[0-9]{{1,2}}(?=:))? ?(:?) ?(.*)",
        re.IGNORECASE,
    )
    found = []
    for line, after in zip(page.lines, [*page.lines[1:], ""], strict=True):
        told = labels.fullmatch(line)
        if told and (told[2] or not told[3][:1].isalpha()):
            # Of "Take Profit 1" and a number below nobody knows which is the value.
            both = told[3] and not told[2] and _BARE.fullmatch(after)
            # A letter that only looks like one of ours in lower case is no name that is known.
            language = names.get(told[1].lower(), "")
            found.append((language, f"{told[3]} {after}" if both else told[3] or after))
    return found


def _price(name: str, values: Sequence[str], language: str) -> Decimal:
    """The one price that the labels of this name give; they may repeat it, but not contradict it."""
    if not values:
        _refuse(Reason.PAGE, f"the page names no {name}; is its layout new?")
    prices = set()
    for value in values:
        price = read_price(value, language)
        if price is None:
            reason = (
                Reason.STOP if name == "stop" and not re.match(r"\$? ?[0-9][^%]*$", value) else Reason.NUMBER
            )
            _refuse(reason, f"the {name} {short(value)} is no certain price{_in(language)}")
        prices.add(price)
    if len(prices) > 1:
        _refuse(Reason.FORMAT, f"the page names {len(prices)} prices as {name}; a signal of cryptet has one")
    return prices.pop()


def _in(language: str) -> str:
    return f" on a page in {language!r}" if language else " on a page of no certain language"


def read_price(text: str, language: str) -> Decimal | None:
    """The price, if it can be read in one way alone: a German page writes 114.950,00 and may write 25.69."""
    digits = re.sub(r"^\$ ?| ?(?:USDT|\$)$", "", text)
    point, comma = _grouped(digits, ",", "."), _grouped(digits, ".", ",")
    if language == "en":
        price = point
    elif language == "de":
        price = point if comma is None and "," not in digits else comma
    else:
        price = point if comma in (None, point) else comma if point is None else None
    return price if price else None


def _grouped(digits: str, thousands: str, decimal: str) -> Decimal | None:
    grouped = (
        rf"[1-9][0-9]{{0,2}}(?:\{thousands}[0-9]{{3}})+(?:\{decimal}[0-9]+)?|[0-9]+(?:\{decimal}[0-9]+)?"
    )
    if not re.fullmatch(grouped, digits):
        return None
    return money.read(digits.replace(thousands, "").replace(decimal, "."))
