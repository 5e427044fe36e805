"""Faults while an entry is sent: whatever becomes of the answer, one order and no second."""

from dataclasses import replace

from tests.bot.faults.stage import PACE, Stage, case, looked
from tests.bot.play import until

UNKNOWN = 'orders_by_status{status="unknown"}'
NOT_SENT = 'orders_failed_total{reason="not_sent",source="test"}'
ONLY_SEND = ["place_order"]
SEND_AND_ASK = ["place_order", "query_order"]
TOO_OLD = replace(PACE, resend_within=0)
SHOWS_AT_ONCE = replace(PACE, visibility_window=0.2)


async def sends(stage: Stage) -> None:
    await stage.signal()
    await stage.moves()


@case(
    "drop before accept, once",
    does="asks until absence is proved, then sends the same again",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def dropped_before(stage: Stage) -> None:
    stage.fail(drop_before=1)
    await sends(stage)


@case(
    "drop before accept, for long",
    does="asks until absence is proved; the signal is too old by then",
    states="intent unknown not_sent",
    series=NOT_SENT,
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
    pace=TOO_OLD,
)
async def dropped_for_long(stage: Stage) -> None:
    stage.fail(drop_before=True)
    await sends(stage)


@case(
    "drop after accept",
    does="asks by the order's id, and takes over what it hears",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def dropped_after(stage: Stage) -> None:
    stage.fail(drop_after=True, only=SEND_AND_ASK)
    await sends(stage)
    stage.mend()


@case(
    "reset before accept",
    does="as after a drop",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def reset_before(stage: Stage) -> None:
    stage.fail(drop_before=1, reset=True)
    await sends(stage)


@case(
    "reset after accept",
    does="as after a drop",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def reset_after(stage: Stage) -> None:
    stage.fail(drop_after=True, reset=True, only=SEND_AND_ASK)
    await sends(stage)
    stage.mend()


@case(
    "504, and nothing was done",
    does="asks until absence is proved, then sends the same again, until it is taken",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def gateway_timeout(stage: Stage) -> None:
    stage.fail(http_status=504, only=ONLY_SEND)
    await sends(stage)
    stage.mend()


@case(
    "504, and it was done",
    does="asks by the order's id: 504 is no failure",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def gateway_timeout_after(stage: Stage) -> None:
    stage.fail(http_status_after=504, only=SEND_AND_ASK)
    await sends(stage)
    stage.mend()


@case(
    "502 with a page of HTML, to orders and to questions about them",
    does="holds the order as unknown while nobody answers; a failed question proves nothing",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def bad_gateway(stage: Stage) -> None:
    stage.fail(http_status=502, only=SEND_AND_ASK)
    await sends(stage)
    failures = 'bingx_api_errors_total{endpoint="query_order",kind="http"}'
    await until(stage.reads(failures, 4))
    assert stage.path() == ("intent", "unknown")
    stage.mend()


@case(
    "502 with a page of HTML, to everything",
    does="sends nothing whose margin and leverage it cannot read",
    states="intent not_sent",
    series='bingx_api_errors_total{endpoint="positions",kind="http"}',
    alert="ExchangeAPIDown",
    ends="nothing open",
    orders=0,
)
async def bad_gateway_everywhere(stage: Stage) -> None:
    stage.fail(http_status=502)
    await sends(stage)
    stage.mend()


@case(
    "200 with a page of HTML, and it was done",
    does="cannot read it, so asks",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def page_of_html(stage: Stage) -> None:
    stage.fail(no_json=True, only=SEND_AND_ASK)
    await sends(stage)
    stage.mend()


@case(
    "answer after 30 s",
    does="gives up waiting after 3 s and asks",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def slow_answer(stage: Stage) -> None:
    stage.fail(delay=30, only=SEND_AND_ASK)
    await sends(stage)
    stage.mend()


@case(
    "request reaches the exchange late",
    does="waits until the exchange would refuse it as too old before it sends the same again",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def late_request(stage: Stage) -> None:
    stage.fail(delay_before=3.5, only=ONLY_SEND)
    await sends(stage)
    stage.mend()


@case(
    "order shown late",
    does='does not believe one "no such order"',
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def shown_late(stage: Stage) -> None:
    stage.fail(drop_after=1, hide_orders=0.7)
    await sends(stage)


@case(
    "order shown too late, though its position is there",
    does="takes a position that nothing else explains for a sign of it, sends nothing and asks on",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
    pace=SHOWS_AT_ONCE,
)
async def position_shown_first(stage: Stage) -> None:
    stage.fail(drop_after=1, hide_orders=300)
    await sends(stage)
    await until(stage.bot_sees(1))
    await looked(stage, 8)
    assert stage.path() == ("intent", "unknown")
    stage.mend()


@case(
    "order shown too late, so it goes out twice: duplicate id",
    does="believes the exchange that it has an order of this id, though it does not show it",
    states="intent unknown pending filled",
    series='reconciliation_differences{kind="order_missing"}',
    alert="ReconciliationDifference",
    pace=SHOWS_AT_ONCE,
)
async def duplicate_id(stage: Stage) -> None:
    stage.prices("60500")
    stage.fail(drop_after=1, hide_orders=300)
    await sends(stage)
    stage.mend()
    await until(stage.reads(stage.series, 0))
    stage.prices("60000")


@case(
    "busy (109500), and nothing was done",
    does="takes it as unknown, proves absence, sends the same again",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def busy(stage: Stage) -> None:
    stage.fail(errors={"place_order": {"code": 109500, "msg": "busy", "times": 1}})
    await sends(stage)


@case(
    "busy (80012, as before October 2025)",
    does="the same",
    states="intent unknown filled",
    series=UNKNOWN,
    alert="OrdersUnknown",
)
async def busy_before(stage: Stage) -> None:
    stage.turn(codes="old")
    stage.fail(errors={"place_order": {"code": 109500, "msg": "busy", "times": 1}})
    await sends(stage)


CASES = (
    dropped_before,
    dropped_for_long,
    dropped_after,
    reset_before,
    reset_after,
    gateway_timeout,
    gateway_timeout_after,
    bad_gateway,
    bad_gateway_everywhere,
    page_of_html,
    slow_answer,
    late_request,
    shown_late,
    position_shown_first,
    duplicate_id,
    busy,
    busy_before,
)
