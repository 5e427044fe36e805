"""The endpoints: name, method, path, who answers, and how often an account may call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.simulator import account_answers as account
from bot.simulator import order_answers as orders
from bot.simulator.call import Call
from bot.simulator.limits import MARKET_GROUP, Quota

_V1, _V2, _V3 = "/openApi/swap/v1", "/openApi/swap/v2", "/openApi/swap/v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    name: str
    method: str
    path: str
    answer: Callable[[Call], Any]
    quota: Quota

    @property
    def signed(self) -> bool:
        return self.quota.group != MARKET_GROUP


def _endpoint(
    name: str, method: str, path: str, answer: Callable[[Call], Any], per_second: int, group: int
) -> Endpoint:
    quota = Quota(name=name, per_second=per_second, group=group)
    return Endpoint(name=name, method=method, path=path, answer=answer, quota=quota)


ENDPOINTS = (
    _endpoint("server_time", "GET", f"{_V2}/server/time", account.server_time, 0, 1),
    _endpoint("contracts", "GET", f"{_V2}/quote/contracts", account.contracts, 0, 1),
    _endpoint("price", "GET", f"{_V1}/ticker/price", account.price, 0, 1),
    _endpoint("price_v2", "GET", f"{_V2}/quote/price", account.price, 0, 1),
    _endpoint("premium_index", "GET", f"{_V2}/quote/premiumIndex", account.premium_index, 0, 1),
    _endpoint("book_ticker", "GET", f"{_V2}/quote/bookTicker", account.book_ticker, 0, 1),
    _endpoint("balance", "GET", f"{_V3}/user/balance", account.balance_v3, 5, 3),
    _endpoint("balance_v2", "GET", f"{_V2}/user/balance", account.balance_v2, 5, 3),
    _endpoint("positions", "GET", f"{_V2}/user/positions", account.positions, 10, 3),
    _endpoint("income", "GET", f"{_V2}/user/income", account.income, 5, 2),
    _endpoint("commission_rate", "GET", f"{_V2}/user/commissionRate", account.commission_rate, 5, 2),
    _endpoint("place_order", "POST", f"{_V2}/trade/order", orders.place, 10, 3),
    _endpoint("test_order", "POST", f"{_V2}/trade/order/test", orders.place_test, 5, 2),
    _endpoint("query_order", "GET", f"{_V2}/trade/order", orders.query, 30, 2),
    _endpoint("cancel_order", "DELETE", f"{_V2}/trade/order", orders.cancel, 10, 3),
    _endpoint("cancel_all", "DELETE", f"{_V2}/trade/allOpenOrders", orders.cancel_all, 5, 2),
    _endpoint("open_order", "GET", f"{_V2}/trade/openOrder", orders.open_order, 5, 2),
    _endpoint("open_orders", "GET", f"{_V2}/trade/openOrders", orders.open_orders, 5, 3),
    _endpoint("all_orders", "GET", f"{_V2}/trade/allOrders", orders.all_orders, 5, 3),
    _endpoint("full_order", "GET", f"{_V1}/trade/fullOrder", orders.all_orders, 5, 3),
    _endpoint("fill_history", "GET", f"{_V2}/trade/fillHistory", orders.fills, 5, 2),
    _endpoint("close_all", "POST", f"{_V2}/trade/closeAllPositions", orders.close_all, 5, 2),
    _endpoint("close_position", "POST", f"{_V1}/trade/closePosition", orders.close_position, 5, 2),
    _endpoint("leverage", "GET", f"{_V2}/trade/leverage", account.leverage, 5, 2),
    _endpoint("set_leverage", "POST", f"{_V2}/trade/leverage", account.set_leverage, 5, 2),
    _endpoint("margin_type", "GET", f"{_V2}/trade/marginType", account.margin_type, 2, 2),
    _endpoint("set_margin_type", "POST", f"{_V2}/trade/marginType", account.set_margin_type, 2, 2),
    _endpoint("position_mode", "GET", f"{_V1}/positionSide/dual", account.position_mode, 2, 2),
    _endpoint("set_position_mode", "POST", f"{_V1}/positionSide/dual", account.set_position_mode, 4, 2),
    _endpoint("top_up", "POST", f"{_V2}/trade/getVst", account.top_up, 5, 2),
)
