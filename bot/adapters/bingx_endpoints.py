"""The endpoints of BingX that the bot calls, and how many calls each and each group of them takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Limits by IP address count for all endpoints of a group together."""

    MARKET = "market"
    SECOND = "2"
    THIRD = "3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`name` is its label in the metrics; `per_second` counts by account, by IP where nothing is signed."""

    name: str
    method: str
    path: str
    per_second: int
    group: Group

    @property
    def signed(self) -> bool:
        return self.group is not Group.MARKET


# By group, in ten seconds: the market's is in truth 500, but also 1000 a minute.
GROUP_LIMITS: Mapping[Group, int] = {Group.MARKET: 160, Group.SECOND: 2000, Group.THIRD: 2000}

_TRADE = "/openApi/swap/v2/trade"
_USER = "/openApi/swap/v2/user"


def _endpoint(name: str, method: str, path: str, per_second: int, group: Group) -> Endpoint:
    return Endpoint(name=name, method=method, path=path, per_second=per_second, group=group)


TIME = _endpoint("server_time", "GET", "/openApi/swap/v2/server/time", 5, Group.MARKET)
CONTRACTS = _endpoint("contracts", "GET", "/openApi/swap/v2/quote/contracts", 1, Group.MARKET)
PRICE = _endpoint("price", "GET", "/openApi/swap/v1/ticker/price", 1, Group.MARKET)
BALANCE = _endpoint("balance", "GET", "/openApi/swap/v3/user/balance", 5, Group.THIRD)
POSITIONS = _endpoint("positions", "GET", f"{_USER}/positions", 10, Group.THIRD)
INCOME = _endpoint("income", "GET", f"{_USER}/income", 5, Group.SECOND)
PLACE = _endpoint("place_order", "POST", f"{_TRADE}/order", 10, Group.THIRD)
CANCEL = _endpoint("cancel_order", "DELETE", f"{_TRADE}/order", 10, Group.THIRD)
CANCEL_ALL = _endpoint("cancel_all_orders", "DELETE", f"{_TRADE}/allOpenOrders", 5, Group.SECOND)
QUERY = _endpoint("query_order", "GET", f"{_TRADE}/order", 30, Group.SECOND)
OPEN_ORDERS = _endpoint("open_orders", "GET", f"{_TRADE}/openOrders", 5, Group.THIRD)
HISTORY = _endpoint("order_history", "GET", f"{_TRADE}/allOrders", 5, Group.THIRD)
LEVERAGE = _endpoint("leverage", "GET", f"{_TRADE}/leverage", 5, Group.SECOND)
SET_LEVERAGE = _endpoint("set_leverage", "POST", f"{_TRADE}/leverage", 5, Group.SECOND)
MARGIN_TYPE = _endpoint("margin_type", "GET", f"{_TRADE}/marginType", 2, Group.SECOND)
SET_MARGIN_TYPE = _endpoint("set_margin_type", "POST", f"{_TRADE}/marginType", 2, Group.SECOND)
POSITION_MODE = _endpoint("position_mode", "GET", "/openApi/swap/v1/positionSide/dual", 2, Group.SECOND)

ENDPOINTS = (
    TIME,
    CONTRACTS,
    PRICE,
    BALANCE,
    POSITIONS,
    INCOME,
    PLACE,
    CANCEL,
    CANCEL_ALL,
    QUERY,
    OPEN_ORDERS,
    HISTORY,
    LEVERAGE,
    SET_LEVERAGE,
    MARGIN_TYPE,
    SET_MARGIN_TYPE,
    POSITION_MODE,
)
