"""What the endpoints answer: functions of the exchange's state, without any I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.account import balance_json, position_json
from bot.simulator.book import Book
from bot.simulator.errors import BingXError, invalid
from bot.simulator.faults import Faults
from bot.simulator.market import contract_json, next_funding
from bot.simulator.order import listed_json, order_json, placed_json
from bot.simulator.request import one_of

USER, SHORT_USER = "1000000000000000001", "10000001"
WEEK = 7 * 24 * 3600 * 1000  # milliseconds
LATEST = 10**14
NO_DATA = object()  # an answer of code and msg alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an endpoint, and the faults under which it is answered."""

    book: Book
    parameters: Mapping[str, str]
    faults: Faults = field(default_factory=Faults)

    @property
    def now(self) -> int:
        return self.book.now_ms()

    @property
    def hidden_for_ms(self) -> float:
        return self.faults.hide_orders * 1000

    def symbol(self) -> str:
        return self.book.market.contract(self.parameters.get("symbol", "")).symbol

    def one_symbol(self) -> str | None:
        return self.symbol() if "symbol" in self.parameters else None

    def symbols(self) -> list[str]:
        return [self.symbol()] if "symbol" in self.parameters else list(self.book.market.contracts)

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        told = self.parameters.get(name, str(default))
        if not told.isdecimal() or not least <= int(told) <= most:
            raise invalid(f"{name} must be a whole number, {least} to {most}")
        return int(told)

    def span(self) -> tuple[int, int]:
        """The asked time of a list: the week before its end unless told otherwise."""
        end = self.integer("endTime", self.now, 0, LATEST)
        return self.integer("startTime", max(end - WEEK, 0), 0, LATEST), end


def server_time(call: Call) -> Any:
    return {"serverTime": call.now}


def contracts(call: Call) -> Any:
    return [contract_json(call.book.market.contracts[symbol]) for symbol in call.symbols()]


def price(call: Call) -> Any:
    prices = call.book.market.prices
    told = [{"symbol": symbol, "price": f"{prices[symbol]:f}", "time": call.now} for symbol in call.symbols()]
    return told[0] if "symbol" in call.parameters else told


def premium_index(call: Call) -> Any:
    market = call.book.market
    told = [
        {
            "symbol": symbol,
            "markPrice": f"{market.mark(symbol):f}",
            "indexPrice": f"{market.prices[symbol]:f}",
            "lastFundingRate": f"{market.funding_rate:f}",
            "nextFundingTime": next_funding(call.now),
        }
        for symbol in call.symbols()
    ]
    return told[0] if "symbol" in call.parameters else told


def balance(call: Call) -> Any:
    user = {"userId": USER, "shortUid": SHORT_USER}
    mine = balance_json(call.book.account, call.book.frozen_margin(), call.book.switches.asset)
    nothing = dict.fromkeys(mine, "0.0000") | {"asset": "USDC", "realisedProfit": "0"}
    return [mine | user, nothing | user]


def positions(call: Call) -> Any:
    account, symbol = call.book.account, call.one_symbol()
    signed = not account.hedge and call.book.switches.one_way_side == "both"
    seen = call.book.positions(call.faults.hide_positions * 1000)
    return [position_json(account, each, signed) for each in seen if symbol in (None, each.symbol)]


def income(call: Call) -> Any:
    symbol, (start, end) = call.one_symbol(), call.span()
    kind, most = call.parameters.get("incomeType"), call.integer("limit", 100, 1, 1000)
    chosen = [
        each
        for each in call.book.account.income
        if symbol in (None, each["symbol"])
        and kind in (None, each["incomeType"])
        and start <= each["time"] <= end
    ]
    return chosen[-most:][::-1] or ([] if call.book.switches.empty_income == "list" else None)


def leverage(call: Call) -> Any:
    symbol, account = call.symbol(), call.book.account
    most = call.book.market.contracts[symbol].max_leverage
    return {
        "longLeverage": account.leverage(symbol, "LONG"),
        "shortLeverage": account.leverage(symbol, "SHORT"),
        "maxLongLeverage": most,
        "maxShortLeverage": most,
    }


def set_leverage(call: Call) -> Any:
    symbol, account = call.symbol(), call.book.account
    side = one_of(call.parameters, "side", ("LONG", "SHORT") if account.hedge else ("BOTH",))
    wanted = call.integer("leverage", 0, 1, 10_000)
    if wanted > (most := call.book.market.contracts[symbol].max_leverage):
        raise BingXError(101414, f"The maximum leverage for the trading pair is {most}")
    sides = (side,) if account.hedge else ("LONG", "SHORT")
    before = {f"{symbol} {each}": account.leverage(symbol, each) for each in sides}
    account.leverages |= dict.fromkeys(before, wanted)
    if account.used_margin() > account.balance + account.unrealised():
        account.leverages |= before
        raise BingXError(109400, "margin is not enough")
    call.book.commit()
    return {"leverage": wanted, "symbol": symbol}


def margin_type(call: Call) -> Any:
    return {"marginType": "ISOLATED" if call.book.account.isolated.get(call.symbol(), False) else "CROSSED"}


def set_margin_type(call: Call) -> Any:
    symbol, wanted = call.symbol(), one_of(call.parameters, "marginType", ("ISOLATED", "CROSSED"))
    if wanted != margin_type(call)["marginType"]:
        _check_nothing_open(call, symbol)
    call.book.account.isolated[symbol] = wanted == "ISOLATED"
    call.book.commit()
    return NO_DATA


def position_mode(call: Call) -> Any:
    hedge = call.book.account.hedge
    return {"dualSidePosition": hedge if call.book.switches.mode_as == "bool" else str(hedge).lower()}


def set_position_mode(call: Call) -> Any:
    wanted = one_of(call.parameters, "dualSidePosition", ("true", "false")) == "true"
    if wanted != call.book.account.hedge:
        _check_nothing_open(call, None)
    call.book.account.hedge = wanted
    call.book.commit()
    return position_mode(call)


def place(call: Call) -> Any:
    order = call.book.place(call.parameters, call.faults.share)
    return {"order": placed_json(order, call.book.switches.ack)}


def query(call: Call) -> Any:
    return {"order": order_json(call.book.find(call.parameters, call.hidden_for_ms))}


def cancel(call: Call) -> Any:
    return {"order": order_json(call.book.cancel(call.parameters, call.hidden_for_ms))}


def cancel_all(call: Call) -> Any:
    cancelled = call.book.cancel_all(call.one_symbol(), call.parameters.get("type"))
    return {"success": [order_json(each) for each in cancelled], "failed": None}


def open_orders(call: Call) -> Any:
    kind, hedge = call.parameters.get("type"), call.book.account.hedge
    told = call.book.open(call.one_symbol(), call.hidden_for_ms)
    return {"orders": [listed_json(each, hedge) for each in told if kind in (None, each.type)]}


def all_orders(call: Call) -> Any:
    start, end = call.span()
    if end - start > WEEK:
        raise invalid("startTime and endTime must be at most 7 days apart")
    first, most = call.integer("orderId", 0, 0, 10**19), call.integer("limit", 500, 1, 1000)
    symbol = call.one_symbol()
    chosen = [
        each
        for each in call.book.history(call.hidden_for_ms)
        if symbol in (None, each.symbol) and each.id >= first and start <= each.created <= end
    ]
    # From an id on, the page begins there; else it is the page of the latest.
    page = chosen[:most] if first else chosen[-most:]
    ordered = page[::-1] if call.book.switches.history == "newest" else page
    return {"orders": [listed_json(each, call.book.account.hedge) for each in ordered]}


def close_all(call: Call) -> Any:
    symbol = call.one_symbol()
    chosen = [each for each in call.book.positions() if symbol in (None, each.symbol)]
    return {"success": [call.book.close(each).id for each in chosen], "failed": None}


def close_position(call: Call) -> Any:
    wanted = call.parameters.get("positionId")
    position = next((each for each in call.book.positions() if str(each.id) == wanted), None)
    if position is None:
        raise BingXError(int(call.book.switches.no_position), "No position to close")
    order = call.book.close(position)
    return {
        "orderId": order.id,
        "positionId": str(position.id),
        "symbol": position.symbol,
        "side": "Ask" if order.side == "SELL" else "Bid",
        "type": "Market",
        "positionSide": position.side.capitalize(),
        "origQty": f"{position.quantity:f}",
    }


def _check_nothing_open(call: Call, symbol: str | None) -> None:
    held = [each for each in call.book.positions() if symbol in (None, each.symbol)]
    if held or call.book.open(symbol):
        raise BingXError(104103, "cannot be changed while there are positions or open orders")
