"""What the bot takes for granted of BingX, asked of an account of play money, and what it answers."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.adapters import bingx_endpoints as endpoints
from bot.adapters import bingx_read as read
from bot.adapters.bingx_probe import APART, TAKEN, Place, Probe, code_of, new_id
from bot.domain import money
from bot.domain.account import ExchangeOrder, MarginType, NewOrder, PositionSide, Purpose
from bot.domain.order import Event
from bot.domain.signal import Side
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain

YES, NO = "yes", "no"
ASSETS = ("USDT", "VST")
EXPECTED = (TryAgain, Refused, OutcomeUnknown, StopTrading)
INCOME_PATIENCE = 15.0
DAY = timedelta(days=1)


async def examine(probe: Probe, symbols: Sequence[str], asset: str) -> str:
    """Why it ended early, empty if it did not; the findings are in the probe, and the account as before."""
    failure = ""
    try:
        await _check(probe, symbols, asset)
    except (*EXPECTED, *read.UNREADABLE) as error:
        failure = str(error) if isinstance(error, EXPECTED) else f"an answer is not readable: {error!r}"
    except asyncio.CancelledError:
        failure = "interrupted"  # and what was begun is put in order all the same
    left = await _to_the_end(probe.tidy())
    if probe.place:
        probe.found("the account is as it was found", YES, left or YES)
    return failure


async def _to_the_end(tidying: Coroutine[Any, Any, str]) -> str:
    """Whoever interrupts it now, or once more, has to wait: half of it would leave orders behind."""
    task = asyncio.ensure_future(tidying)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()


async def _check(probe: Probe, symbols: Sequence[str], asset: str) -> None:
    await _calls(probe)
    places = await _places(probe, symbols)
    probe.place = place = places[0]
    await _account(probe, asset)
    await _terms(probe, place)
    await _resting(probe, place)
    await _refusals(probe, place)
    await _too_small(probe, places)
    await _position(probe, place)
    await _stop_of_our_own(probe, place)
    await _records(probe, place)


async def _calls(probe: Probe) -> None:
    offset = abs(await probe.transport.measure_clock())
    probe.found("the clocks differ by", "under 2 s", "under 2 s" if offset < 2 else f"{offset:.1f} s")
    status, code = await probe.signed_by("no secret", age=0, window=5000)
    probe.found("code of a wrong signature", "100001", code)
    probe.found("its HTTP status", "200", status, "gateway_status")
    _, code = await probe.signed_by(probe.access.secret_key, age=10, window=60_000)
    longest = "60000" if code == TAKEN else "5000" if code == "100421" else code
    probe.found("longest recvWindow", "5000", longest, "longest_window")


async def _places(probe: Probe, symbols: Sequence[str]) -> list[Place]:
    """The symbols that are traded, and in which there is nothing of anybody's."""
    contracts, wanted = read.contracts(await probe.ask(endpoints.CONTRACTS)), set(symbols)
    missing = ", ".join(sorted(wanted - contracts.keys()))
    probe.found("contracts of trading.symbols", "all", f"not {missing}" if missing else "all")
    prices = read.prices(await probe.ask(endpoints.PRICE))
    told = await probe.ask(endpoints.POSITION_MODE)
    kind = "bool" if isinstance(told["dualSidePosition"], bool) else "text"
    probe.found("dualSidePosition is a", "text", kind, "mode_as")
    taken = {order.symbol for order in read.orders(await probe.ask(endpoints.OPEN_ORDERS))}
    taken |= {position.symbol for position in read.positions(await probe.ask(endpoints.POSITIONS))}
    usable = [
        Place(contract=contracts[each], last=prices[each], hedged=read.is_hedged(told))
        for each in symbols
        if each not in taken and each in prices and each in contracts and contracts[each].online
    ]
    if not usable:
        raise TryAgain("each of trading.symbols has orders or positions already, or is not traded here")
    return usable


async def _account(probe: Probe, asset: str) -> None:
    balances = read.balances(await probe.ask(endpoints.BALANCE))
    assets = [each.asset for each in balances if each.asset in ASSETS]
    probe.found("asset of the balance", asset, " ".join(assets), "asset")
    probe.found("the account has a uid", YES, YES if balances and balances[0].uid else NO)
    stamp = _stamp(probe.transport.now() - timedelta(hours=1))  # most milliseconds move no money
    told = await probe.ask(endpoints.INCOME, startTime=stamp, endTime=stamp)
    probe.found(
        "no income is told as a", "list", "null" if told is None else type(told).__name__, "empty_income"
    )


async def _terms(probe: Probe, place: Place) -> None:
    """Set to something else and read back; put back at the end."""
    name = {"symbol": place.symbol}
    before = read.leverage(await probe.ask(endpoints.LEVERAGE, **name))
    wanted = 2 if before.long != 2 else 3
    probe.leverages = {PositionSide.LONG: before.long} if place.hedged else {PositionSide.BOTH: before.long}
    for side in probe.leverages:
        await probe.do(endpoints.SET_LEVERAGE, {**name, "side": side.value, "leverage": str(wanted)})
    after = read.leverage(await probe.ask(endpoints.LEVERAGE, **name))
    probe.found("leverage that was set is told", YES, YES if after.long == wanted else NO)
    found = read.margin_type(await probe.ask(endpoints.MARGIN_TYPE, **name))
    other = MarginType.CROSSED if found is MarginType.ISOLATED else MarginType.ISOLATED
    probe.margin_type = found
    await probe.do(endpoints.SET_MARGIN_TYPE, {**name, "marginType": other.value})
    told = read.margin_type(await probe.ask(endpoints.MARGIN_TYPE, **name))
    probe.found("margin type that was set is told", YES, YES if told is other else NO)


async def _resting(probe: Probe, place: Place) -> None:
    """An entry that is too far away to be filled: found, listed, recognised, cancelled."""
    order = place.entry(price=place.far, stop=place.stop)
    by_id = {"clientOrderId": order.client_id}
    await probe.submit(order)
    code = await code_of(probe.ask(endpoints.QUERY, symbol=place.symbol, **by_id))
    probe.found("code of an order that is not shown yet", "109421", "" if code == TAKEN else code, "hidden")
    found = await probe.until(lambda: probe.order(order))
    probe.found("a resting entry is found by our id", YES, YES if found else NO)
    listed = [each for each in await probe.orders(place.symbol) if each.client_id == order.client_id]
    probe.found("it is listed with its stop", YES, YES if listed and listed[0].stop == place.stop else NO)
    await probe.sleep(APART)
    probe.found("code of an id that was used", "101481", await code_of(probe.submit(order)), "duplicate")
    told = await probe.cancel(place.symbol, **by_id)
    probe.found("status of what was cancelled", "CANCELLED", str(told.get("status")), "cancelled")
    await probe.sleep(APART)
    code = await code_of(probe.cancel(place.symbol, **by_id))
    probe.found("code of a second cancel", "109422", code, "cancel_closed")
    code = await probe.refusal(order)
    probe.found("code of a cancelled order's id", "101481", code, "duplicate")
    never = {"symbol": place.symbol, "clientOrderId": new_id()}
    probe.found(
        "code of a cancel of nothing", "109400", await code_of(probe.cancel(**never)), "cancel_absent"
    )
    probe.found(
        "code of a question about nothing", "109421", await code_of(probe.ask(endpoints.QUERY, **never))
    )


async def _refusals(probe: Probe, place: Place) -> None:
    step, far = place.contract.quantity_step, place.far
    fine = place.half + step / 10
    code = await code_of(probe.submit(order := place.entry(quantity=fine, price=far)))
    if code == TAKEN:
        told = await probe.until(lambda: probe.order(order))
        code = "truncate" if told and read.number(told["origQty"]) == place.half else TAKEN
        await probe.cancel(place.symbol, clientOrderId=order.client_id)
    probe.found("a quantity with too many decimals", "109400", code, "beyond_precision")
    balances = read.balances(await probe.ask(endpoints.BALANCE))
    available = max((each.available for each in balances if each.asset in ASSETS), default=Decimal(0))
    leverage = read.leverage(await probe.ask(endpoints.LEVERAGE, symbol=place.symbol)).long
    too_much = money.ceil_to(available * leverage * 2 / far, step) + place.half
    code = await probe.refusal(place.entry(quantity=too_much, price=far))
    probe.found("code of too little margin", "101204", code, "margin")
    code = await probe.refusal(place.close(place.half))
    probe.found("code of a close without a position", "101205", code, "no_position")
    if place.hedged:
        probe.found("no positionSide in hedge mode", "LONG", await _empty_side(probe, place), "empty_side")


async def _too_small(probe: Probe, places: Sequence[Place]) -> None:
    """Below the least quantity, and below the least value, where a contract leaves room for that."""
    code = ""
    for place in places:
        fewer = place.contract.min_quantity - place.contract.quantity_step
        if fewer > 0:
            code = await probe.refusal(place.entry(quantity=fewer, price=place.far))
            break
    probe.found("code of less than the least quantity", "101400", code)
    code = ""
    for place in places:
        if (least := place.contract.min_quantity) * place.far < place.contract.min_notional:
            code = await probe.refusal(place.entry(quantity=least, price=place.far))
            break
    probe.found("code of less than the least value", "110425", code)


async def _empty_side(probe: Probe, place: Place) -> str:
    code = await code_of(probe.submit(order := place.entry(price=place.far), positionSide=""))
    if code != TAKEN:
        return "refused" if code == "109400" else code
    told = await probe.until(lambda: probe.order(order))
    await probe.cancel(place.symbol, clientOrderId=order.client_id)
    return str(told["positionSide"]) if told else "not found"


async def _position(probe: Probe, place: Place) -> None:
    """A position of the least size with an attached stop: closed in part, then whole."""
    order = place.entry(stop=place.stop)
    told = await probe.submit(order)
    acks = {"FILLED": "full", "None": "bare"}
    probe.found("the answer to a market order is", "full", acks.get(str(told.get("status")), "new"), "ack")
    filled = await probe.until(lambda: probe.order(order, Event.FILLED))
    priced = filled is not None and read.above_zero(filled.get("avgPrice")) is not None
    probe.found("a filled order tells its price", YES, YES if priced else NO)
    await probe.until(lambda: probe.position(place.symbol))
    side = await _told_side(probe, place)
    if place.hedged:
        probe.found("side of a long position in hedge mode", "LONG", side)
    else:
        named = {"LONG": "sided", "BOTH": "both"}.get(side, side)
        probe.found("side of a position in one-way mode", "sided", named, "one_way_side")
    stop = await probe.until(lambda: _stop(probe, place))
    probe.found("the attached stop is listed", YES, YES if stop else NO)
    await probe.submit(place.close(place.half))
    await _wait_for(probe, place, place.half)
    await _see_stop(probe, place, stop)
    code = await code_of(probe.submit(place.close(place.half * 2)))
    probe.found("code of closing more than there is", "110203", code, "too_much")
    if code != TAKEN:
        await probe.submit(place.close(place.half))
    gone = await _wait_for(probe, place, Decimal(0))
    probe.found("a closed position is gone", YES, YES if gone else NO)
    await probe.sleep(2.0)
    stop = await _stop(probe, place)
    probe.found("stops of a position that was closed", "stay", "stay" if stop else "go", "leftover_stops")
    code = await code_of(probe.submit(place.close(place.half)))
    probe.found("code of a second close", "101205", code, "no_position")
    if stop:
        code = await code_of(probe.cancel(place.symbol, orderId=stop.exchange_id))
        probe.found("a stop can be cancelled", TAKEN, code)


async def _see_stop(probe: Probe, place: Place, before: ExchangeOrder | None) -> None:
    after = await _stop(probe, place)
    same = before is not None and after is not None and after.quantity == before.quantity
    seen = "the same" if same else "gone" if after is None else "smaller"
    probe.found("a stop after a part was closed is", "the same", seen if before else "")


async def _stop_of_our_own(probe: Probe, place: Place) -> None:
    """One for all of the position, with an id that stops do not have."""
    await probe.submit(place.entry())
    await probe.until(lambda: probe.position(place.symbol))
    stop = NewOrder(
        purpose=Purpose.STOP,
        symbol=place.symbol,
        side=Side.SELL,
        position_side=place.side,
        trigger=place.stop,
    )
    name = new_id()
    code = await code_of(probe.submit(stop, clientOrderId=name))
    seen = "refused" if code == "109400" else code
    if code == TAKEN:
        listed = await probe.until(lambda: _stop(probe, place))
        seen = "not listed" if not listed else "kept" if listed.client_id == name else "ignored"
    probe.found("a client order id sent with a stop is", "ignored", seen, "stop_client_id")
    await probe.submit(place.close(place.half * 2))
    await _wait_for(probe, place, Decimal(0))


async def _records(probe: Probe, place: Place) -> None:
    now = probe.transport.now()
    span = {"startTime": _stamp(now - DAY), "endTime": _stamp(now + timedelta(minutes=1)), "limit": "1000"}
    told = (await probe.ask(endpoints.HISTORY, symbol=place.symbol, **span))["orders"]
    times = [int(each["time"]) for each in told]
    first = ("newest" if times[0] > times[-1] else "oldest") if len(set(times)) > 1 else ""
    probe.found("the first order of the history is the", "newest", first, "history")

    async def earned() -> bool | None:
        rows = read.incomes(await probe.ask(endpoints.INCOME, **span))
        kinds = {row.kind for row in rows if row.symbol == place.symbol and row.asset in ASSETS}
        return {"REALIZED_PNL", "TRADING_FEE"} <= kinds or None

    seen = await probe.until(earned, INCOME_PATIENCE)
    probe.found("a trade's profit and fee are told as income", YES, YES if seen else NO)


async def _stop(probe: Probe, place: Place) -> ExchangeOrder | None:
    listed = await probe.orders(place.symbol)
    return next((each for each in listed if each.type == "STOP_MARKET" and each.trigger == place.stop), None)


async def _told_side(probe: Probe, place: Place) -> str:
    told = await probe.ask(endpoints.POSITIONS, symbol=place.symbol)
    return str(told[0]["positionSide"]) if told else "no position"


async def _wait_for(probe: Probe, place: Place, quantity: Decimal) -> bool:
    async def reached() -> bool | None:
        position = await probe.position(place.symbol)
        return (position.quantity if position else Decimal(0)) == quantity or None

    return await probe.until(reached) or False


def _stamp(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))
