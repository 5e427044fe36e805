"""The endpoints: name, method, path, who answers, and how often an account may call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.simulator import answers
from bot.simulator.answers import Call
from bot.simulator.limits import MARKET_GROUP, Quota

_V1, _V2, _V3 = "/openApi/swap/v1", "/openApi/swap/v2", "/openApi/swap/v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Quota):
    method: str
    path: str
    answer: Callable[[Call], Any]

    @property
    def signed(self) -> bool:
        return self.group != MARKET_GROUP


def _endpoint(
    name: str, method: str, path: str, answer: Callable[[Call], Any], per_second: int, group: int
) -> Endpoint:
    return Endpoint(name=name, method=method, path=path, answer=answer, per_second=per_second, group=group)


ENDPOINTS = (
    _endpoint("server_time", "GET", f"{_V2}/server/time", answers.server_time, 0, 1),
    _endpoint("contracts", "GET", f"{_V2}/quote/contracts", answers.contracts, 0, 1),
    _endpoint("price", "GET", f"{_V1}/ticker/price", answers.price, 0, 1),
    _endpoint("premium_index", "GET", f"{_V2}/quote/premiumIndex", answers.premium_index, 0, 1),
    _endpoint("balance", "GET", f"{_V3}/user/balance", answers.balance, 5, 3),
    _endpoint("positions", "GET", f"{_V2}/user/positions", answers.positions, 10, 3),
    _endpoint("income", "GET", f"{_V2}/user/income", answers.income, 5, 2),
    _endpoint("place_order", "POST", f"{_V2}/trade/order", answers.place, 10, 3),
    _endpoint("query_order", "GET", f"{_V2}/trade/order", answers.query, 30, 2),
    _endpoint("cancel_order", "DELETE", f"{_V2}/trade/order", answers.cancel, 10, 3),
    _endpoint("cancel_all", "DELETE", f"{_V2}/trade/allOpenOrders", answers.cancel_all, 5, 2),
    _endpoint("open_orders", "GET", f"{_V2}/trade/openOrders", answers.open_orders, 5, 3),
    _endpoint("all_orders", "GET", f"{_V2}/trade/allOrders", answers.all_orders, 5, 3),
    _endpoint("close_all", "POST", f"{_V2}/trade/closeAllPositions", answers.close_all, 5, 2),
    _endpoint("close_position", "POST", f"{_V1}/trade/closePosition", answers.close_position, 5, 2),
    _endpoint("leverage", "GET", f"{_V2}/trade/leverage", answers.leverage, 5, 2),
    _endpoint("set_leverage", "POST", f"{_V2}/trade/leverage", answers.set_leverage, 5, 2),
    _endpoint("margin_type", "GET", f"{_V2}/trade/marginType", answers.margin_type, 2, 2),
    _endpoint("set_margin_type", "POST", f"{_V2}/trade/marginType", answers.set_margin_type, 2, 2),
    _endpoint("position_mode", "GET", f"{_V1}/positionSide/dual", answers.position_mode, 2, 2),
    _endpoint("set_position_mode", "POST", f"{_V1}/positionSide/dual", answers.set_position_mode, 4, 2),
)
