"""A desk made by hand, with fakes or with the true things around it."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry

from bot.desk import Desk, Pace
from bot.domain import health
from bot.domain.ledger import Book, Money
from bot.domain.market import Market
from bot.domain.mode import Mode
from bot.domain.plan import Limits
from bot.log import open_log
from bot.metrics import instruments
from bot.ports import OrderStore
from config.spec.load import load_metrics
from tests.bot.fake_exchange import BTC, FakeExchange
from tests.bot.fakes import FakeControl

CONFIG = Path(__file__).parents[2] / "config"
PACE = Pace(
    visibility_window=5,
    request_window=5,
    protect_after=2,
    resend_within=3,
    entry_expiry=3600,
    max_signal_age=120,
    lease=10,
)
# Of what they bound there is never too much here: quantities of messages decide, and one may follow another.
LIMITS = Limits(
    symbols=frozenset({"BTC-USDT"}),
    risk_per_trade_percent=Decimal(1),
    default_stop_percent=Decimal(2),
    max_slippage_percent=Decimal("0.5"),
    stop_slippage_percent=Decimal("0.1"),
    taker_fee_percent=Decimal("0.05"),
    max_price_distance_percent=Decimal(5),
    max_notional=Decimal(10000),
    max_total_notional=Decimal(10**9),
    max_positions=1000,
    max_trades_per_direction=1000,
    max_leverage=10,
)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NEVER = 10.0**9  # by a clock that counts seconds
RICH = Money(
    balance=Decimal(10**7),
    equity=Decimal(10**7),
    available=Decimal(10**7),
    unrealised=Decimal(0),
    realised_today=Decimal(0),
    btc=Decimal(0),
    anchor=None,
    difference=None,
    loss_limit=Decimal(1000),
    book=Book(since=BEGAN, until=BEGAN),
    measured_at=NEVER,
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
        limits=LIMITS,
        trading_enabled=True,
        sources=("telegram", "cryptet", "http", "test"),
        pace=PACE,
        market=Market(contracts={"BTC-USDT": BTC}, prices={"BTC-USDT": Decimal(60000)}, priced_at=100.0),
        hedged=True,
    )
    desk.checks |= {name: health.first(name, 0.0) for name in ("account", "money")}
    return desk
