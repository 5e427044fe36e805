"""What the endpoints of orders answer: functions of the exchange's state, without any I/O."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.simulator.call import Call
from bot.simulator.errors import BingXError
from bot.simulator.order import listed_json, order_json, placed_json


def place(call: Call) -> Any:
    return {"order": placed_json(call.book.place(call.parameters, call.share), call.book.switches.ack)}


def place_test(call: Call) -> Any:
    return {"order": placed_json(call.book.tried(call.parameters), call.book.switches.ack)}


def query(call: Call) -> Any:
    return {"order": order_json(call.book.find(call.parameters, call.hidden_for_ms))}


def open_order(call: Call) -> Any:
    order = call.book.find(call.parameters, call.hidden_for_ms)
    if order not in call.book.open(order.symbol):
        raise BingXError(109421, "order not exist")
    return {"order": order_json(order)}


def open_orders(call: Call) -> Any:
    symbol = call.symbol() if "symbol" in call.parameters else None
    kind = call.parameters.get("type")
    chosen = [each for each in call.book.open(symbol, call.hidden_for_ms) if kind in (None, each.type)]
    return {"orders": [listed_json(each, call.book.account.hedge) for each in chosen]}


def all_orders(call: Call) -> Any:
    start, end = call.span()
    first, most = call.integer("orderId", 0, 0, 10**19), call.integer("limit", 500, 1, 1000)
    chosen = [
        each
        for each in call.book.history(call.hidden_for_ms)
        if each.symbol in call.chosen() and each.id >= first and start <= each.created <= end
    ]
    # From an id on, the page begins there; else it is the page of the latest.
    page = chosen[:most] if first else chosen[-most:]
    ordered = page[::-1] if call.book.switches.history == "newest" else page
    return {"orders": [listed_json(each, call.book.account.hedge) for each in ordered]}


def fills(call: Call) -> Any:
    start, end = call.integer("startTs", 0, 0, 10**14), call.integer("endTs", call.now, 0, 10**14)
    order = call.integer("orderId", 0, 0, 10**19)
    chosen = [
        each
        for each in call.book.account.trades
        if each["symbol"] == call.symbol() and start <= each["time"] <= end and order in (0, each["order"])
    ]
    return {"fill_history_orders": [_fill_json(each) for each in chosen], "total": len(chosen)}


def cancel(call: Call) -> Any:
    return {"order": order_json(call.book.cancel(call.parameters, call.hidden_for_ms))}


def cancel_all(call: Call) -> Any:
    symbol = call.symbol() if "symbol" in call.parameters else None
    cancelled = call.book.cancel_all(symbol, call.parameters.get("type"))
    return {"success": [order_json(each) for each in cancelled], "failed": None}


def close_all(call: Call) -> Any:
    chosen, account = call.chosen(), call.book.account
    open_ = [each for each in account.positions.values() if each.symbol in chosen]
    return {"success": [call.book.close(each).id for each in open_], "failed": None}


def close_position(call: Call) -> Any:
    wanted = call.parameters.get("positionId")
    chosen = [each for each in call.book.account.positions.values() if str(each.id) == wanted]
    if not chosen:
        raise BingXError(int(call.book.switches.no_position), "No position to close")
    position = chosen[0]
    order = call.book.close(position)
    return {
        "orderId": order.id,
        "positionId": str(position.id),
        "symbol": position.symbol,
        "side": "Ask" if order.side == "SELL" else "Bid",
        "type": "Market",
        "positionSide": position.side.capitalize(),
        "origQty": format(position.quantity, "f"),
    }


def _fill_json(trade: Mapping[str, Any]) -> Mapping[str, Any]:
    local = datetime.fromtimestamp(trade["time"] // 1000, UTC) + timedelta(hours=8)
    moment = local.strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "filledTm": f"{moment}Z",  # as the exchange writes it, though it is no UTC
        "volume": format(trade["quantity"], "f"),
        "price": format(trade["price"], "f"),
        "qty": format(trade["quantity"], "f"),
        "quoteQty": format(trade["quantity"] * trade["price"], "f"),
        "commission": format(trade["commission"], "f"),
        "commissionAsset": "USDT",
        "orderId": str(trade["order"]),
        "tradeId": trade["number"],
        "filledTime": f"{moment}.{trade['time'] % 1000:03}+0800",
        "symbol": trade["symbol"],
        "role": "maker" if trade["maker"] else "taker",
        "side": trade["side"],
        "positionSide": trade["position_side"],
    }
