"""What a person does to the running bot: close and open the switch, and have a position taken over."""

from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from aiohttp import web

from bot.adapters import http_status, http_views
from bot.adapters.http_requests import RequestError, answer, read_object, read_text
from bot.desk import Desk
from bot.domain import money
from bot.domain.switch import MEANING, Level
from bot.ports import OutcomeUnknown, Refused, TryAgain
from bot.positions import adopt
from bot.switching import LONGEST, Outcome, halt, set_level

LONGEST_NAME = 64
_TRADING = frozenset({"level", "at_least", "reason", "who", "size_factor", "symbols"})
_ADOPT = frozenset({"symbol", "side", "stop", "targets", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The body of POST /trading, checked."""

    level: Level
    at_least: bool  # leave it where it is if that is stricter
    reason: str
    who: str
    size_factor: Decimal
    symbols: tuple[str, ...]


async def trading(request: web.Request, desk: Desk) -> web.Response:
    body = await read_object(request, _TRADING, '{"level": 1, "reason": "why", "who": "your name"}')
    asked = _asked(body, desk.limits.symbols)
    if asked.at_least:
        return _told(desk, await halt(desk, asked.level, asked.reason, asked.who))
    try:
        outcome = await set_level(
            desk, asked.level, asked.reason, asked.who, asked.size_factor, asked.symbols
        )
    except TryAgain as error:
        raise RequestError(503, f"nothing was changed: {error}") from error
    except OutcomeUnknown as error:
        raise RequestError(503, f"not opened, whatever the database says later: {error}") from error
    return _told(desk, outcome)


async def adoption(request: web.Request, desk: Desk) -> web.Response:
    example = '{"symbol": "BTC-USDT", "side": "long", "stop": "59000", "reason": "why"}'
    body = await read_object(request, _ADOPT, example)
    symbol = read_text(body, "symbol", longest=LONGEST_NAME, needed=True)
    side, targets = body.get("side"), body.get("targets", [])
    if side not in ("long", "short"):
        raise RequestError(400, "side must be long or short")
    if not isinstance(targets, list):
        raise RequestError(400, "targets must be a list of prices")
    stop = _price(body.get("stop"), "stop")
    prices = tuple(_price(each, "each of targets") for each in targets)
    reason = read_text(body, "reason", longest=LONGEST, needed=True)
    try:
        order = await adopt(desk, symbol, side == "long", stop, prices, reason)
    except Refused as error:
        raise RequestError(409, f"not adopted: {error}") from error
    except (TryAgain, OutcomeUnknown) as error:
        raise RequestError(503, f"not adopted, ask again: {error}") from error
    summary = f"{symbol} {side} is ours now; it gets what it lacks of its stop and its targets"
    return answer({"summary": summary, "order": http_views.order(order)})


def _asked(body: dict[str, Any], symbols: frozenset[str]) -> Asked:
    level, at_least, names = body.get("level"), body.get("at_least", False), body.get("symbols", [])
    if type(level) is not int or level not in list(Level):
        meanings = ", ".join(f"{each:d} {meaning}" for each, meaning in MEANING.items())
        raise RequestError(400, f"level must be one of: {meanings}")
    if not isinstance(at_least, bool) or (at_least and level == Level.OPEN):
        raise RequestError(400, "at_least must be true or false, and goes with a level above 0")
    if level != Level.OPEN and {"size_factor", "symbols"} & body.keys():
        raise RequestError(400, "size_factor and symbols go with level 0")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RequestError(400, 'symbols must be a list like ["BTC-USDT"]; without it all of them are traded')
    for name in names:
        if name not in symbols:
            raise RequestError(400, _no_such(name, symbols))
    return Asked(
        level=Level(level),
        at_least=at_least,
        reason=read_text(body, "reason", longest=LONGEST),
        who=read_text(body, "who", longest=LONGEST_NAME),
        size_factor=_factor(body.get("size_factor", 1)),
        symbols=tuple(dict.fromkeys(names)),
    )


def _no_such(name: str, symbols: frozenset[str]) -> str:
    near = get_close_matches(name.upper(), sorted(symbols), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(symbols))}"
    return f"{name!r} is not in trading.symbols of bot.yaml; {hint}"


def _factor(value: object) -> Decimal:
    factor = _number(value)
    if factor is None or not 0 < factor <= 1:
        raise RequestError(400, "size_factor must be a number above 0 and at most 1")
    return factor


def _price(value: object, name: str) -> Decimal:
    price = _number(value)
    if not price:
        raise RequestError(400, f'{name} must be a price above 0 like "59000.5"')
    return price


def _number(value: object) -> Decimal | None:
    """Also from a JSON number: people forget the quotes."""
    return money.read(str(value)) if isinstance(value, str | int | float) else None


def _told(desk: Desk, outcome: Outcome) -> web.Response:
    about = {
        "switch": http_status.switch(desk),
        "kept_by": outcome.kept_by,
        "troubles": outcome.troubles,
        "closed_because": desk.closed() or None,
    }
    holds = f"{MEANING[outcome.level]} (level {outcome.level:d})"
    if outcome.against:
        error = f"refused, {holds} as before: {'; '.join(outcome.against)}"
        return answer({"error": error, "against": outcome.against, **about}, 409)
    if not outcome.kept_by:
        error = f"{holds}, but nothing keeps it over a restart: {'; '.join(outcome.troubles)}"
        return answer({"error": error, **about}, 503)
    return answer({"summary": f"{holds}, kept by {' and '.join(outcome.kept_by)}", **about})
