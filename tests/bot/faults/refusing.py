"""Faults that keep an entry from being taken: refusals, bans, clocks that differ."""

from tests.bot.faults.sending import NOT_SENT, sends
from tests.bot.faults.stage import Stage, case
from tests.bot.play import get, until

REFUSED = 'orders_failed_total{reason="rejected",source="test"}'


@case(
    "too little margin, new codes",
    does="ends it: a refused order is never sent again",
    states="intent rejected",
    series=REFUSED,
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
)
async def no_margin(stage: Stage) -> None:
    stage.fail(reject_orders={"code": 101204, "msg": "Insufficient margin"})
    await sends(stage)


@case(
    "too little margin, old codes",
    does="the same",
    states="intent rejected",
    series=REFUSED,
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
)
async def no_margin_before(stage: Stage) -> None:
    stage.turn(codes="old")
    stage.fail(reject_orders={"code": 101204, "msg": "Insufficient margin"})
    await sends(stage)


@case(
    "risk control (109403)",
    does="ends it as not sent; the next signal may trade",
    states="intent not_sent",
    series='orders_failed_total{reason="unreachable",source="test"}',
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
)
async def risk_control(stage: Stage) -> None:
    stage.fail(errors={"place_order": {"code": 109403, "msg": "risk forbidden", "times": 1}})
    await sends(stage)


@case(
    "five equal errors in eight minutes",
    does="refuses entries before the exchange bans the endpoint",
    states="intent rejected",
    series="orders_failed_in_a_row",
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
)
async def five_errors(stage: Stage) -> None:
    stage.fail(reject_orders={"code": 101204, "msg": "Insufficient margin"})
    for number in range(1, 6):
        await stage.signal(id_=str(number))
    await stage.moves()
    stage.mend()
    told = await stage.signal(id_="6")
    assert (told["verdict"], "101204 to place_order 5 times" in told["reason"]) == ("refused", True)
    await until(stage.reads("bot_trading_enabled", 0))


@case(
    "the key is not taken (100413)",
    does="stops trading until a person restarts it",
    states="intent rejected",
    series="bot_ready",
    alert="BotNotReady",
    ends="nothing open",
    orders=0,
)
async def wrong_key(stage: Stage) -> None:
    stage.fail(errors={"place_order": {"code": 100413, "msg": "Incorrect apiKey", "times": 1}})
    await sends(stage)
    told = await stage.signal(id_="2")
    assert (told["verdict"], "stopped: 100413" in told["reason"]) == ("refused", True)


@case(
    "leverage cannot be set",
    does="sends no order under terms that it did not want",
    states="intent not_sent",
    series=NOT_SENT,
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
)
async def no_leverage(stage: Stage) -> None:
    stage.fail(errors={"set_leverage": {"code": 101414, "msg": "too high"}})
    await sends(stage)


@case(
    "ban of orders, told with its end",
    does="sends nothing until then; what came meanwhile is not ordered later",
    states="intent not_sent",
    series="bingx_ban_until_timestamp_seconds",
    alert="ExchangeBan",
    orders=1,
)
async def ban(stage: Stage) -> None:
    exchange = stage.exchange.simulator
    until_ms = exchange.now() + 4000
    exchange.limits.ban("place_order", until_ms, 100410)
    await sends(stage)
    calls = 'bingx_api_calls_total{endpoint="place_order"}'
    sent = await stage.bot.metric(calls)
    told = await stage.signal(id_="2")
    assert exchange.now() < until_ms, "the machine stood still for so long that nothing was tried"
    assert told["order"]["state"] == "not_sent", told
    _, shown = await get(f"{stage.bot.url}/status")
    assert 0 < shown["ban_seconds"] <= 4
    assert await stage.bot.metric(calls) == sent
    await until(lambda: until_ms <= exchange.now())
    await until(lambda: _is_taken(stage))
    await until(stage.reads("bingx_ban_until_timestamp_seconds", 0))


async def _is_taken(stage: Stage) -> bool:
    """Each signal is one of its own: the bot ends what it cannot send."""
    number = str(len(stage.bot.log.getvalue()))
    return bool((await stage.signal(id_=number))["order"]["state"] == "filled")


@case(
    "banned by what stands before the exchange (429 without JSON)",
    does="holds back every call, for ten seconds at first",
    states="intent not_sent",
    series="bingx_ban_until_timestamp_seconds",
    alert="ExchangeBan",
    ends="nothing open",
    orders=0,
)
async def ban_of_address(stage: Stage) -> None:
    stage.fail(http_status=429)
    await sends(stage)
    stage.mend()


@case(
    "the exchange's clock is 7 s ahead",
    does="measures it when it is refused (100421), and sends once more",
    states="intent filled",
    series="bingx_clock_offset_seconds",
    alert="ClockOffset",
)
async def clock_ahead(stage: Stage) -> None:
    stage.fail(clock_skew=7)
    await sends(stage)


@case(
    "the exchange's clock is 7 s behind",
    does="the same",
    states="intent filled",
    series="bingx_clock_offset_seconds",
    alert="ClockOffset",
)
async def clock_behind(stage: Stage) -> None:
    stage.fail(clock_skew=-7)
    await sends(stage)


CASES = (
    no_margin,
    no_margin_before,
    risk_control,
    five_errors,
    wrong_key,
    no_leverage,
    ban,
    ban_of_address,
    clock_ahead,
    clock_behind,
)
