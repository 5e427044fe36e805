"""The account: modes, leverage, money, liquidation, funding, lists, and what is left after a kill."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.bot.play import KEYS, Exchange, get, until
from tests.bot.simulator_calls import SHORT, STOP, Desk, call, refused

ASKED = ("balance", "positions", "open_orders", "all_orders", "income", "leverage", "price", "margin_type")


def state(desk: Desk) -> Any:
    told = {name: desk.call(name) for name in ASKED}
    return told | {"ETH-USDT": desk.call("margin_type", symbol="ETH-USDT")}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def test_hedge_holds_both_sides_and_closes_each_by_itself(desk: Desk) -> None:
    desk.place()
    desk.place(**SHORT, quantity="0.2")
    assert desk.positions() == {"LONG": "0.1", "SHORT": "0.2"}
    short = next(each for each in desk.call("positions") if each["positionSide"] == "SHORT")
    told = desk.call("close_position", positionId=short["positionId"])
    assert (told["side"], told["type"], told["origQty"]) == ("Bid", "Market", "0.2")
    assert desk.positions() == {"LONG": "0.1"}
    assert len(desk.call("close_all", symbol="")["success"]) == 1
    assert desk.positions() == {}


def test_one_way_nets_turns_over_and_reduces(desk: Desk) -> None:
    desk.call("set_position_mode", dualSidePosition="false")
    both = {"positionSide": "BOTH"}
    text = "In the One-way mode, the 'PositionSide' field can only be set to BOTH."
    assert refused(desk) == (109400, text)
    assert refused(desk, **both, reduceOnly="true") == (101205, "No position to close")
    desk.place(**both, stopLoss=STOP)
    assert refused(desk, **both, reduceOnly="true")[0] == 101290
    desk.place(**both, side="SELL", quantity="0.04", reduceOnly="true")
    assert desk.positions() == {"LONG": "0.06"}
    desk.place(**both, side="SELL")
    assert desk.positions() == {"SHORT": "0.04"}
    desk.price("58000")
    assert desk.positions() == {"SHORT": "0.04"}


def test_one_way_needs_margin_for_what_an_order_opens_alone(desk: Desk) -> None:
    desk.call("set_position_mode", dualSidePosition="false")
    both = {"positionSide": "BOTH"}
    desk.place(**both, quantity="3")
    assert refused(desk, **both, side="SELL", quantity="3.5")[0] == 101204
    desk.place(**both, side="SELL", quantity="3.2")
    assert desk.positions() == {"SHORT": "0.2"}


def test_mode_and_margin_type_change_only_when_nothing_is_open(desk: Desk) -> None:
    desk.call("set_margin_type", marginType="ISOLATED")
    assert desk.call("margin_type") == {"marginType": "ISOLATED"}
    desk.place()
    assert refused(desk, "set_position_mode", dualSidePosition="false")[0] == 104103
    assert refused(desk, "set_margin_type", marginType="CROSSED")[0] == 104103
    assert desk.call("position_mode") == {"dualSidePosition": "true"}


def test_leverage_is_set_by_side_and_bounded_by_contract_and_margin(desk: Desk) -> None:
    desk.call("set_leverage", side="LONG", leverage="50")
    told = desk.call("leverage")
    assert (told["longLeverage"], told["shortLeverage"]) == (50, 20)
    assert refused(desk, "set_leverage", side="LONG", leverage="126")[0] == 101414
    assert refused(desk, "set_leverage", side="BOTH", leverage="5")[0] == 109400
    desk.place(quantity="5")
    told = desk.call("positions")[0]
    assert (told["initialMargin"], told["riskRate"]) == ("6000.0000", "0.1218")
    assert refused(desk, "set_leverage", side="LONG", leverage="20") == (109400, "margin is not enough")
    assert desk.call("leverage")["longLeverage"] == 50


def test_money_is_what_income_says(desk: Desk) -> None:
    desk.place()
    desk.price("61000")
    desk.place(side="SELL", type="LIMIT", price="61500")
    desk.price("61500")
    desk.place(**SHORT)
    desk.book.account.pay_funding(desk.now)
    amounts = [(each["incomeType"], Decimal(each["income"])) for each in desk.call("income")]
    assert amounts == [
        ("FUNDING_FEE", Decimal("0.615")),
        ("TRADING_FEE", Decimal("-3.075")),
        ("TRADING_FEE", Decimal("-1.23")),
        ("REALIZED_PNL", Decimal("150")),
        ("TRADING_FEE", Decimal("-3")),
    ]
    assert desk.call("positions")[0]["realisedProfit"] == "-2.4600"
    wallet = Decimal(desk.call("balance")[0]["balance"])
    assert wallet == 10_000 + sum(amount for _, amount in amounts)
    assert desk.call("income", incomeType="REALIZED_PNL")[0]["income"] == "150.00000000"
    assert desk.call("income", symbol="ETH-USDT") == []
    assert len(desk.call("income", limit="2")) == 2
    assert desk.call("income", endTime=str(desk.now - 1)) == []


def test_what_a_position_realised_has_its_fees_in_it(desk: Desk) -> None:
    desk.place()
    desk.price("61000")
    desk.place(side="SELL", quantity="0.05")
    assert desk.call("positions")[0]["realisedProfit"] == "45.4750"


def test_margin_is_kept_back_for_resting_entries(desk: Desk) -> None:
    desk.place(type="LIMIT", price="59000", quantity="3")
    told = desk.call("balance")[0]
    assert (told["freezedMargin"], told["availableMargin"]) == ("8850.0000", "1150.0000")
    assert refused(desk, quantity="0.5") == (101204, "Insufficient margin")


@pytest.mark.parametrize(
    ("price", "most", "too_much"),
    [("60000", "2.30", "2.31"), ("61000", "2.58", "2.59"), ("59000", "2.00", "2.01")],
)
def test_what_is_free_is_the_balance_with_profit_and_without_used_margin(
    desk: Desk, price: str, most: str, too_much: str
) -> None:
    desk.place(quantity="1")
    desk.price(price)
    assert refused(desk, quantity=too_much) == (101204, "Insufficient margin")
    desk.place(quantity=most)


def test_an_isolated_position_is_liquidated_at_its_price(desk: Desk) -> None:
    desk.call("set_margin_type", marginType="ISOLATED")
    desk.place(stopLoss=STOP.replace("59000", "50000"))
    at = Decimal(str(desk.call("positions")[0]["liquidationPrice"]))
    assert at == (Decimal(60000) * Decimal("0.95") / Decimal("0.996")).quantize(Decimal("0.1"))
    desk.price(str(at + Decimal("0.1")))
    assert desk.positions() == {"LONG": "0.1"}
    desk.price(str(at))
    assert (desk.positions(), desk.open()) == ({}, [])


def test_a_crossed_position_stands_on_the_whole_account(desk: Desk) -> None:
    desk.place()
    assert desk.call("positions")[0]["liquidationPrice"] == 0
    desk.place(quantity="2.9")
    assert 56_000 < desk.call("positions")[0]["liquidationPrice"] < 58_000


def test_funding_is_paid_at_its_hours(desk: Desk, tmp_path: Path) -> None:
    desk.place()
    desk.now = desk.call("premium_index")["nextFundingTime"] - 1
    desk.book.fill_crossed()
    assert desk.call("income", incomeType="FUNDING_FEE") == []
    desk.now += 1
    desk.book.fill_crossed()
    desk.book.fill_crossed()
    assert [each["income"] for each in desk.call("income", incomeType="FUNDING_FEE")] == ["-0.60000000"]
    after = desk.restarted(tmp_path)
    assert after.call("income") == desk.call("income")
    after.journal.close()


def test_small_prices_stay_exact(desk: Desk) -> None:
    desk.place(symbol="SHIB-USDT", quantity="1000000", type="LIMIT", price="0.0000081")
    told = desk.call("positions", symbol="SHIB-USDT")[0]
    assert (told["avgPrice"], told["positionAmt"], told["positionValue"]) == (
        "0.00000810",
        "1000000",
        "8.1000",
    )


def test_history_has_a_span_and_pages(desk: Desk) -> None:
    ids = [desk.place()["orderId"]]
    for _ in range(3):
        desk.now += 1000
        ids.append(desk.place()["orderId"])

    def listed(**parameters: str) -> list[int]:
        return [ids.index(each["orderId"]) for each in desk.call("all_orders", **parameters)["orders"]]

    assert listed() == [3, 2, 1, 0]
    assert listed(limit="2") == [3, 2]
    assert listed(orderId=str(ids[1]), limit="2") == [2, 1]
    assert listed(startTime=str(desk.now - 1000)) == [3, 2]
    for wrong in ("many", "0", "1001", "-1"):
        assert refused(desk, "all_orders", limit=wrong)[0] == 109400
    week = 7 * 24 * 3600 * 1000
    assert refused(desk, "all_orders", startTime=str(desk.now - week - 1))[0] == 109400


def test_all_is_there_after_a_restart(desk: Desk, tmp_path: Path) -> None:
    desk.place(stopLoss=STOP, clientOrderId="a1")
    desk.place(type="LIMIT", price="59500", clientOrderId="a2")
    desk.place(symbol="LTC-USDT", **SHORT, quantity="1")
    desk.price("59900")
    desk.place(side="SELL", quantity="0.04")
    after = desk.restarted(tmp_path)
    assert state(after) == state(desk)
    assert refused(after, clientOrderId="a2", type="LIMIT", price="1000")[0] in (109201, 101481)
    after.journal.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.place(),
        lambda desk: desk.call("cancel_order", clientOrderId="a2"),
        lambda desk: desk.call("cancel_all"),
        lambda desk: desk.call("close_all"),
        lambda desk: desk.call("close_position", positionId=desk.call("positions")[0]["positionId"]),
        lambda desk: desk.call("set_leverage", side="LONG", leverage="7"),
        lambda desk: desk.call("set_margin_type", symbol="ETH-USDT", marginType="ISOLATED"),
        lambda desk: desk.book.fill(desk.book.all()[1].id, Decimal("0.03")),
        lambda desk: desk.price("58000"),
    ],
    ids=["place", "cancel", "cancel all", "close all", "close", "leverage", "margin type", "fill", "price"],
)
def test_each_change_is_kept_at_once(tmp_path: Path, change: Callable[[Desk], Any]) -> None:
    desk = Desk(tmp_path)
    desk.place(stopLoss=STOP, clientOrderId="a1")
    desk.place(type="LIMIT", price="59500", clientOrderId="a2")
    before = state(desk)
    change(desk)
    after = desk.restarted(tmp_path)
    assert state(after) == state(desk) != before
    for each in (desk, after):
        each.journal.close()


def test_the_position_mode_is_kept_at_once(desk: Desk, tmp_path: Path) -> None:
    desk.call("set_position_mode", dualSidePosition="false")
    after = desk.restarted(tmp_path)
    assert after.call("position_mode") == {"dualSidePosition": "false"}
    after.journal.close()


def test_a_start_writes_the_journal_anew(desk: Desk, tmp_path: Path) -> None:
    for number in range(20):
        desk.place(quantity="0.001", stopLoss=STOP, clientOrderId=f"a{number}")
    before = {name: desk.call(name) for name in ("balance", "positions", "all_orders", "income")}
    after = desk.restarted(tmp_path)
    assert {name: after.call(name) for name in before} == before
    assert (tmp_path / "journal.jsonl").read_text().count("\n") == 1
    after.place(clientOrderId="later")
    again = after.restarted(tmp_path)
    assert again.call("query_order", clientOrderId="later")["order"]["status"] == "FILLED"
    for each in (after, again):
        each.journal.close()


def test_a_kill_while_the_journal_is_written_anew_leaves_the_old_one(desk: Desk, tmp_path: Path) -> None:
    desk.place(clientOrderId="a1")
    (tmp_path / "journal.new").write_text('{"orders": [')
    for _ in range(2):
        after = desk.restarted(tmp_path)
        assert state(after) == state(desk)
        after.journal.close()


def test_a_journal_of_the_first_version_is_read(tmp_path: Path) -> None:
    line = {"id": 1, "client_id": "old", "symbol": "BTC-USDT", "side": "BUY", "position_side": "LONG"}
    line |= {"type": "LIMIT", "quantity": "0.1", "price": "60000", "stop_loss": "", "status": "FILLED"}
    line |= {"executed": "0.1", "average": "60000.0", "created": 1, "updated": 1}
    (tmp_path / "journal.jsonl").write_text(json.dumps(line) + "\n")
    desk = Desk(tmp_path)
    assert desk.call("query_order", clientOrderId="old")["order"]["status"] == "FILLED"
    assert refused(desk, clientOrderId="old")[0] == 101481
    desk.journal.close()


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--balance=much", "'much' is no plain number"),
        ("--balance=NaN", "'NaN' is no plain number"),
        ("--switch=ack", "switch ack must be one of full, new, bare"),
        ("--switch=acks=new", "unknown switch 'acks'"),
        ("--price=BTC-USDT=1e5", "'1e5' is no plain number"),
        ("--replay=nowhere", "nowhere"),
    ],
)
def test_a_wrong_option_is_told_in_a_line(tmp_path: Path, option: str, text: str) -> None:
    keys = tmp_path / "keys"
    keys.write_text("BINGX_API_KEY=a\nBINGX_SECRET_KEY=b\n")
    command = [sys.executable, "-m", "bot.simulator", "--port", "0", "--state", str(tmp_path), option]
    run = subprocess.run([*command, "--credentials", str(keys)], capture_output=True, text=True)
    assert run.returncode in (1, 2)
    assert text in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


async def test_a_killed_simulator_comes_back_with_position_and_stop(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"BINGX_API_KEY={KEYS.api_key}\nBINGX_SECRET_KEY={KEYS.secret_key}\n")
    command = [sys.executable, "-m", "bot.simulator", "--port", "0", "--state", str(tmp_path / "state")]
    command += ["--credentials", str(keys), "--volatility", "0"]

    def started(*more: str) -> tuple[subprocess.Popen[str], Exchange]:
        process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        return process, Exchange(url=url, simulator=None)  # type: ignore[arg-type]

    process, exchange = started("--price", "BTC-USDT=61000", "--balance", "5000")
    order = {"symbol": "BTC-USDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.1"}
    try:
        assert (await call(exchange, "place_order", **order, stopLoss=STOP))["code"] == 0
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    prices = tmp_path / "prices.jsonl"
    prices.write_text('{"ETH-USDT": "3500"}\n')
    process, exchange = started("--switch", "asset=VST", "--limits", "--replay", str(prices))
    try:

        async def has_stepped() -> bool:
            told = (await get(f"{exchange.url}/control/prices"))[1]
            return (told["BTC-USDT"], told["ETH-USDT"]) == ("61000.0", "3500.00")

        await until(has_stepped)
        (position,) = (await call(exchange, "positions"))["data"]
        assert (position["positionAmt"], position["markPrice"]) == ("0.1", "61000.0")
        (stop,) = (await call(exchange, "open_orders"))["data"]["orders"]
        assert (stop["type"], stop["stopPrice"]) == ("STOP_MARKET", "59000")
        (money, _) = (await call(exchange, "balance"))["data"]
        assert (money["asset"], money["balance"]) == ("VST", "4996.9500")
        asked = [call(exchange, "margin_type", symbol="BTC-USDT") for _ in range(30)]
        assert 100410 in [told["code"] for told in await asyncio.gather(*asked)]
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 0
