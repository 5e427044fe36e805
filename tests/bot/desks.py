"""A desk made by hand, with fakes or with the true things around it."""

import io
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry

from bot.desk import Desk, Pace
from bot.domain import health
from bot.domain.market import Market
from bot.domain.mode import Mode
from bot.domain.plan import Limits
from bot.log import open_log
from bot.metrics import instruments
from bot.ports import OrderStore
from config.spec.load import load_metrics
from tests.bot.fakes import BTC, FakeControl, FakeExchange

CONFIG = Path(__file__).parents[2] / "config"
PACE = Pace(
    visibility_window=5,
    request_window=5,
    protect_after=2,
    resend_within=3,
    entry_expiry=3600,
    lease=10,
)


def make_desk(store: OrderStore, exchange: FakeExchange, registry: CollectorRegistry) -> Desk:
    """Trading is not open yet: the switch is not read, the lease not taken, the account not looked at."""
    catalogue, _ = load_metrics(CONFIG)
    desk = Desk(
        exchange=exchange,
        account=exchange,
        store=store,
        control=FakeControl(),
        metrics=instruments(catalogue, registry),
        log=open_log("DEBUG", "simulator", [], io.StringIO()),
        mode=Mode.SIMULATOR,
        limits=Limits(
            symbols=frozenset({"BTC-USDT"}),
            max_slippage_percent=Decimal("0.5"),
            max_notional=Decimal(10000),
            default_stop_percent=Decimal(2),
            max_leverage=10,
        ),
        trading_enabled=True,
        sources=("telegram", "cryptet", "http", "test"),
        pace=PACE,
        market=Market(contracts={"BTC-USDT": BTC}, prices={"BTC-USDT": Decimal(60000)}, priced_at=100.0),
        hedged=True,
    )
    desk.checks["account"] = health.first("account", 0.0)
    return desk
