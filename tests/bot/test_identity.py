"""Whose account it is decides whether anything is looked at or traded there."""

from dataclasses import replace
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from bot.desk import Desk
from bot.domain.account import Balance
from bot.domain.mode import Mode
from bot.identity import Identity, identify, uid_of
from bot.ports import StopTrading, TryAgain
from tests.bot.desks import make_desk
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import FakeStore


class Named(FakeExchange):
    """An exchange that says whose account it is."""

    async def balances(self) -> list[Balance]:
        zero = Decimal(0)
        return [
            Balance(
                uid="1", asset="USDT", balance=zero, equity=zero, unrealised=zero, available=zero, used=zero
            )
        ]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def exchange() -> FakeExchange:
    return Named()


@pytest.fixture
async def desk(store: FakeStore, exchange: FakeExchange) -> Desk:
    desk = make_desk(store, exchange, CollectorRegistry())
    desk.hedged = None
    return desk


async def uid(exchange: FakeExchange) -> str:
    return uid_of(await exchange.balances())


async def test_the_database_is_bound_to_the_account(
    desk: Desk, store: FakeStore, exchange: FakeExchange
) -> None:
    await identify(desk, Identity(armed_uid=None))
    assert store.bound == (Mode.SIMULATOR, await uid(exchange))
    assert desk.hedged is await exchange.is_hedged()


async def test_another_accounts_database_stops_all(desk: Desk, store: FakeStore) -> None:
    store.bound = (Mode.SIMULATOR, "another")
    with pytest.raises(StopTrading, match="another"):
        await identify(desk, Identity(armed_uid=None))
    assert desk.hedged is None


async def test_live_trades_in_the_account_that_it_was_armed_for(
    desk: Desk, store: FakeStore, exchange: FakeExchange
) -> None:
    desk.mode = Mode.LIVE
    await identify(desk, Identity(armed_uid=await uid(exchange)))
    assert store.bound == (Mode.LIVE, await uid(exchange))
    assert desk.hedged is not None


@pytest.mark.parametrize("armed", [None, "", "4711"])
async def test_live_stops_in_any_other_account_and_leaves_the_database_alone(
    desk: Desk, store: FakeStore, armed: str | None
) -> None:
    desk.mode = Mode.LIVE
    with pytest.raises(StopTrading, match=r"the bot was armed for .*arm-live"):
        await identify(desk, Identity(armed_uid=armed))
    assert (desk.hedged, store.bound) == (None, None)


async def test_a_database_that_is_away_is_asked_again(desk: Desk, store: FakeStore) -> None:
    store.fail["stamp"] = TryAgain("database: away")
    with pytest.raises(TryAgain):
        await identify(desk, Identity(armed_uid=None))
    assert desk.hedged is None
    await identify(desk, Identity(armed_uid=None))
    assert desk.hedged is not None


async def test_an_account_without_a_name_or_with_two_is_not_known(exchange: FakeExchange) -> None:
    (one,) = await exchange.balances()
    assert uid_of([one, replace(one, asset="USDC")]) == one.uid
    for told in ([], [replace(one, uid="")], [one, replace(one, uid="other")], [one, replace(one, uid="")]):
        with pytest.raises(TryAgain, match="whose account"):
            uid_of(told)
