"""What the endpoints of market and account answer: functions of the exchange's state, without any I/O."""

from decimal import Decimal
from typing import Any

from bot.simulator.account import MAKER, TAKER, balance_json, position_json
from bot.simulator.call import WEEK, Call
from bot.simulator.errors import BingXError
from bot.simulator.market import contract_json, next_funding

USER, SHORT_USER = "1000000000000000001", "10000001"
NO_DATA = object()  # an answer of code and msg alone


def server_time(call: Call) -> Any:
    return {"serverTime": call.now}


def contracts(call: Call) -> Any:
    return [contract_json(call.book.market.contracts[symbol]) for symbol in call.chosen()]


def price(call: Call) -> Any:
    market = call.book.market
    told = [
        {"symbol": symbol, "price": format(market.prices[symbol], "f"), "time": call.now}
        for symbol in call.chosen()
    ]
    return told[0] if "symbol" in call.parameters else told


def premium_index(call: Call) -> Any:
    market = call.book.market
    told = [
        {
            "symbol": symbol,
            "markPrice": format(market.mark(symbol), "f"),
            "indexPrice": format(market.prices[symbol], "f"),
            "lastFundingRate": format(market.funding_rate, "f"),
            "nextFundingTime": next_funding(call.now),
        }
        for symbol in call.chosen()
    ]
    return told[0] if "symbol" in call.parameters else told


def book_ticker(call: Call) -> Any:
    symbol, last = call.symbol(), call.book.market.prices[call.symbol()]
    tick = call.book.market.contracts[symbol].tick
    sides = {"bid_price": float(last - tick), "bid_qty": 12663, "ask_price": float(last), "ask_qty": 128854}
    return {"book_ticker": {"symbol": symbol, **sides}}


def balance_v3(call: Call) -> Any:
    user = {"userId": USER, "shortUid": SHORT_USER}
    mine = balance_json(call.book.account, call.book.frozen_margin(), call.book.switches.asset)
    nothing = dict.fromkeys(mine, "0.0000") | {"asset": "USDC", "realisedProfit": "0"}
    return [mine | user, nothing | user]


def balance_v2(call: Call) -> Any:
    mine = balance_json(call.book.account, call.book.frozen_margin(), call.book.switches.asset)
    return {"balance": {"userId": USER} | mine}


def positions(call: Call) -> Any:
    account, chosen = call.book.account, call.chosen()
    signed = not account.hedge and call.book.switches.one_way_side == "both"
    seen = call.book.positions(call.positions_hidden_for_ms)
    told = [each for each in seen if each.symbol in chosen]
    return [position_json(account, each, call.book.market, signed) for each in told]


def income(call: Call) -> Any:
    end = call.integer("endTime", call.now, 0, 10**14)
    start = call.integer("startTime", max(end - WEEK, 0), 0, 10**14)
    symbol = call.symbol() if "symbol" in call.parameters else None
    kind, most = call.parameters.get("incomeType"), call.integer("limit", 100, 1, 1000)
    chosen = [
        each
        for each in call.book.account.income
        if symbol in (None, each["symbol"])
        and kind in (None, each["incomeType"])
        and start <= each["time"] <= end
    ]
    return chosen[-most:][::-1] or ([] if call.book.switches.empty_income == "list" else None)


def commission_rate(call: Call) -> Any:
    return {"commission": {"takerCommissionRate": float(TAKER), "makerCommissionRate": float(MAKER)}}


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
    side = call.one_of("side", "LONG", "SHORT") if account.hedge else call.one_of("side", "BOTH")
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
    symbol, wanted = call.symbol(), call.one_of("marginType", "ISOLATED", "CROSSED")
    if wanted != margin_type(call)["marginType"]:
        _needs_nothing_open(call, symbol)
    call.book.account.isolated[symbol] = wanted == "ISOLATED"
    call.book.commit()
    return NO_DATA


def position_mode(call: Call) -> Any:
    hedge = call.book.account.hedge
    return {"dualSidePosition": hedge if call.book.switches.mode_as == "bool" else str(hedge).lower()}


def set_position_mode(call: Call) -> Any:
    wanted = call.one_of("dualSidePosition", "true", "false") == "true"
    if wanted != call.book.account.hedge:
        _needs_nothing_open(call, None)
    call.book.account.hedge = wanted
    call.book.commit()
    return position_mode(call)


def top_up(call: Call) -> Any:
    amount = call.integer("amount", 10_000, 1, 100_000)
    paid_out = call.parameters.get("adjustType") == "1"
    call.book.account.earn("", "TRANSFER", Decimal(-amount if paid_out else amount), call.now)
    call.book.commit()
    return {"amount": str(amount)}


def _needs_nothing_open(call: Call, symbol: str | None) -> None:
    held = [each for each in call.book.account.positions.values() if symbol in (None, each.symbol)]
    if held or call.book.open(symbol):
        raise BingXError(104103, "cannot be changed while there are positions or open orders")
