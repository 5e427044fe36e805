"""A site like cryptet.com under /cryptet: signals in English and German, as /control/cryptet told."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from html import escape
from typing import Any

from aiohttp import web

from bot.simulator.market import Market

FOREVER = 300.0  # seconds; nobody waits so long for a page
FAULTS = ("404", "403", "500", "slow", "login", "garbage")
STATES = ("open", "closed")
_PATH = re.compile(r"/(?:[a-z]{2}/)?signals/one/[a-z0-9]+_[a-z0-9]+/[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9]{4}")
_PAIR = re.compile(r"[A-Z0-9]{1,20}/[A-Z]{3,10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What one page says, as it was told; `times` is how often its fault is served before the page."""

    path: str = ""
    pair: str = "BTC/USDT"
    side: str = "LONG"
    entry: str = ""
    target: str = ""
    stop: str = ""
    language: str = "en"
    state: str = "open"
    fault: str = ""
    times: int = 0


EXAMPLE = {"pair": "BTC/USDT", "side": "LONG"}

# What the site calls things: entry, target, stop, long, short, and what it shows once it is over.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "entry": "Entry Price",
        "target": "Take Profit",
        "stop": "Stop Loss",
        "LONG": "LONG",
        "SHORT": "SHORT",
        "closed": "Closed",
    },
    "de": {
        "entry": "Einstiegspreis",
        "target": "Gewinnmitnahme",
        "stop": "Stopp",
        "LONG": "KAUFEN",
        "SHORT": "VERKAUFEN",
        "closed": "Abgelaufen",
    },
}


class Site:
    def __init__(self, market: Market, now: Callable[[], float] = time.time) -> None:
        self._market = market
        self._now = now
        self._signals: dict[str, Signal] = {}

    async def set_signal(self, request: web.Request) -> Any:
        """The signal as it is served, with the link that a post of the channel hides."""
        try:
            told = json.loads(await request.text())
        except ValueError:
            raise ValueError("the body is no JSON") from None
        signal = self._complete(_checked(told))
        self._signals[signal.path] = signal
        shown = {each.name: getattr(signal, each.name) for each in fields(signal)}
        return shown | {"link": f"https://cryptet.com{signal.path}"}

    async def page(self, request: web.Request) -> web.Response:
        signal = self._signals.get(request.path.removeprefix("/cryptet"))
        if signal is None:
            return _html("<p>This page does not exist.</p>", 404)
        if signal.fault:
            if signal.times:
                left = replace(signal, times=signal.times - 1)
                self._signals[signal.path] = left if left.times else replace(left, fault="")
            return await _faulty(signal.fault)
        return _html(_signal_html(signal), 200, signal.language)

    def _complete(self, signal: Signal) -> Signal:
        """What was left out: prices by the last one of the pair, and a path of this minute."""
        last = self._market.prices.get(signal.pair.replace("/", "-"))
        if last is None and not (signal.entry and signal.target and signal.stop):
            raise ValueError(f"{signal.pair} has no price here; give entry, target and stop")
        by = Decimal("0.01") if signal.side == "LONG" else Decimal("-0.01")
        at = time.strftime("%Y/%m/%d/%H%M", time.gmtime(self._now()))
        language = "/de" if signal.language == "de" else ""
        path = f"{language}/signals/one/{signal.pair.lower().replace('/', '_')}/{at}"
        return replace(
            signal,
            path=signal.path or path,
            entry=signal.entry or _plain(last),
            target=signal.target or _plain(last and last * (1 + 2 * by)),
            stop=signal.stop or _plain(last and last * (1 - by)),
        )


def _plain(price: Decimal | None) -> str:
    return f"{price or 0:.8f}".rstrip("0").rstrip(".")


def _checked(told: Any) -> Signal:
    known = {each.name: each.type for each in fields(Signal)}
    if not isinstance(told, dict) or told.keys() - known:
        raise ValueError(f"send an object like {json.dumps(EXAMPLE)}; known are {', '.join(known)}")
    for name, value in told.items():
        if type(value) is not (int if name == "times" else str):
            raise ValueError(f"{name} must be {'a count' if name == 'times' else 'text'}")
    signal = Signal(**told)
    for name, allowed in (
        ("side", ("LONG", "SHORT")),
        ("language", tuple(_WORDS)),
        ("state", STATES),
        ("fault", ("", *FAULTS)),
    ):
        if getattr(signal, name) not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}")
    if signal.path and not _PATH.fullmatch(signal.path):
        raise ValueError("path must be like /signals/one/btc_usdt/2025/08/14/1830")
    if not _PAIR.fullmatch(signal.pair):
        raise ValueError("pair must be like BTC/USDT")
    return signal


async def _faulty(fault: str) -> web.Response:
    if fault == "slow":
        await asyncio.sleep(FOREVER)
    if fault == "login":
        return _html('<h1>Log in</h1><form><input name="mail"><input type="password"></form>', 200)
    if fault == "garbage":
        return _html("<![foo[<<<>&#xfffffff; \x00 </" * 100, 200)
    return _html(f"<center><h1>{fault}</h1></center>", int(fault) if fault.isdigit() else 504)


def _signal_html(signal: Signal) -> str:
    words = _WORDS[signal.language]
    rows = "".join(
        f'<div class="signal-row"><span class="name">{words[name]}{"*" if name == "target" else ""}</span>'
        f'<div class="signal-value">{escape(_written(getattr(signal, name), signal.language))}</div></div>'
        for name in ("entry", "target", "stop")
    )
    over = f'<div class="badge">{words["closed"]}</div><div>+1.2 %</div>' if signal.state == "closed" else ""
    return (
        f'<nav><a href="/">LONG</a> <a href="/">SHORT</a> <a href="/">{words["closed"]}</a></nav>'
        f"<main><h1>{escape(signal.pair)} <b>{words[signal.side]}</b></h1>{over}{rows}"
        "<p>Not for LONG-term investors. No advice.</p></main><script>var side = 'SHORT';</script>"
    )


def _written(price: str, language: str) -> str:
    """As people of that language write a number; what is none stays as it is."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", price):
        return price
    text = f"{Decimal(price):,f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "de" else text


def _html(body: str, status: int, language: str = "en") -> web.Response:
    head = f'<!doctype html><html lang="{language}"><head><title>CryptET</title></head>'
    text = f"{head}<body>{body}</body></html>"
    return web.Response(status=status, text=text, content_type="text/html")
