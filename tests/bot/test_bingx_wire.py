"""BingX's own numbers: signature vectors, code by code what an answer means, and orders in their shapes."""

import json
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest

from bot.adapters import bingx_wire as wire
from bot.domain.order import Event, Order
from bot.domain.signal import Side
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain

# The key pair that BingX prints in its documents.
SECRET = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"
STOPS = (
    'stopLoss={"type":"STOP_MARKET","stopPrice":60000,"workingType":"MARK_PRICE"}&symbol=BTC-USDT'
    '&takeProfit={"type":"TAKE_PROFIT_MARKET","stopPrice":70000,"workingType":"MARK_PRICE"}'
)
ORDER = Order(
    client_id="tws1",
    source="test",
    symbol="1000PEPE-USDT",
    side=Side.SELL,
    quantity=Decimal("100"),
    price=Decimal("0.0000081"),
    stop=Decimal("0.0000001"),
)


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        pytest.param(
            "symbol=BTC-USDT&timestamp=1667872120843&side=LONG&leverage=6",
            "4f581ecdb1fa09b9d6e57886b6f70cffed17f82b93399722939e49a38edec2bf",
            id="official",
        ),
        pytest.param(
            "recvWindow=0&symbol=BTC-USDT&timestamp=1696751141337",
            "f8d883609dfd31c824feb4de865b071008dedb1d461451fa70847875c8e7a7a2",
            id="official text, true value",
        ),
        pytest.param(
            "recvWindow=0&subAccountString=abc12345&timestamp=1696751141337",
            "8d0d3ea9b592be3678c33332ab13e9102e093e67255921e15a581146c87c272f",
            id="official text for sub-accounts, true value",
        ),
        pytest.param(
            "clientOrderId=sig1a2b3c&positionSide=LONG&quantity=0.001&recvWindow=5000&side=BUY"
            "&symbol=BTC-USDT&timestamp=1700000000000&type=MARKET",
            "126b74984bc2ee233b7fa0dafa83d435b0db48a501c4897335945317a57dcbbf",
            id="an order",
        ),
        pytest.param(
            "clientOrderId=sig1a2b3c&positionSide=LONG&quantity=0.001&recvWindow=5000&side=BUY"
            f"&{STOPS}&timestamp=1700000000000&type=MARKET",
            "636b8a0bb32d0c6fb16833879e35ac36b781c909b4d947ad0b1af2ef08a746dc",
            id="an order with JSON, signed raw",
        ),
    ],
)
def test_signature_vectors(text: str, signature: str) -> None:
    assert wire.sign(SECRET, text) == signature


def test_the_value_in_the_official_documents_is_wrong() -> None:
    printed = "1e63e8cfd1c04919881e60cf369e404b9b7c87d3a09bc300f1abfdcce7da57e8"
    assert wire.sign(SECRET, "recvWindow=0&symbol=BTC-USDT&timestamp=1696751141337") != printed


def test_a_query_is_sorted_signed_raw_and_sent_quoted() -> None:
    stop, profit = STOPS.split("&symbol=BTC-USDT&takeProfit=")
    parameters = {
        "type": "MARKET",
        "takeProfit": profit,
        "stopLoss": stop.removeprefix("stopLoss="),
        "timestamp": "1700000000000",
        "symbol": "BTC-USDT",
        "side": "BUY",
        "recvWindow": "5000",
        "quantity": "0.001",
        "positionSide": "LONG",
        "clientOrderId": "sig1a2b3c",
    }
    query = wire.signed_query(parameters, SECRET)
    assert query.endswith("&signature=636b8a0bb32d0c6fb16833879e35ac36b781c909b4d947ad0b1af2ef08a746dc")
    assert "%7B%22type%22%3A%22STOP_MARKET%22" in query
    assert [name for name, _ in parse_qsl(query)] == [*sorted(parameters), "signature"]


@pytest.mark.parametrize("value", ["a&b", "a=b", "a?b", "a#b", "a\rb", "a\nb"])
def test_a_value_that_could_smuggle_a_parameter_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="symbol may not contain"):
        wire.signed_query({"symbol": value}, SECRET)


def test_an_order_goes_out_with_plain_numbers_and_its_stop() -> None:
    told = wire.order_parameters(ORDER)
    assert (told["side"], told["positionSide"], told["type"]) == ("SELL", "SHORT", "LIMIT")
    assert (told["quantity"], told["price"], told["clientOrderId"]) == ("100", "0.0000081", "tws1")
    assert told["stopLoss"] == '{"type":"STOP_MARKET","stopPrice":0.0000001,"workingType":"MARK_PRICE"}'
    assert json.loads(told["stopLoss"])["stopPrice"] == 1e-7


def body(code: int, text: str = "") -> bytes:
    return json.dumps({"code": code, "msg": text, "data": {}}).encode()


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (100001, "Signature verification failed due to signature mismatch", StopTrading),
        (100413, "Incorrect apiKey", StopTrading),
        (100419, "IP does not match IP whitelist", StopTrading),
        (100421, "Null timestamp or timestamp mismatch", wire.ClockSkew),
        (100410, "rate limited", wire.RateLimited),
        (109429, "rate limited", wire.RateLimited),
        (109421, "order not exist", wire.Absent),
        (80016, "order not exist", wire.Absent),
        (109400, "order not exist", wire.Absent),
        (109400, "Invalid parameters", Refused),
        (101204, "Insufficient margin", Refused),
        (80012, '{"Code":101253,"Msg":"margin is not enough"}', Refused),
        (80012, "system error", OutcomeUnknown),
        (109500, "system error", OutcomeUnknown),
        (109423, "order is being processed", OutcomeUnknown),
        (101481, "clientOrderID cannot be repeated", OutcomeUnknown),
        (109201, "only allowed to be submitted once within 1 second", OutcomeUnknown),
        (101400, "clientOrderID cannot be repeated", OutcomeUnknown),
        (101400, "The minimum order amount is 0.0001 BTC.", Refused),
        (424242, "a code of next year", OutcomeUnknown),
    ],
)
def test_what_a_code_means(code: int, text: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        wire.answer(200, body(code, text))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (200, b"<html>", OutcomeUnknown),
        (200, b"{}", OutcomeUnknown),
        (200, b"[]", OutcomeUnknown),
        (403, b"<html>Cloudflare</html>", TryAgain),
        (429, b"", wire.RateLimited),
        (408, b"", OutcomeUnknown),
        (500, b"<html>", OutcomeUnknown),
        (504, body(101204), OutcomeUnknown),
        (502, body(0), OutcomeUnknown),
    ],
)
def test_what_an_answer_without_a_usable_code_means(
    status: int, content: bytes, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        wire.answer(status, content)


def test_an_absent_order_is_nothing_that_a_failed_call_could_be_taken_for() -> None:
    for status, content in ((500, body(109421)), (200, body(100410)), (200, body(109423)), (200, b"")):
        with pytest.raises((TryAgain, OutcomeUnknown)):
            wire.answer(status, content)


def test_the_answer_of_2024_without_status_or_fills_is_an_accepted_order() -> None:
    data = {"order": {"orderId": 1745839584339562496, "symbol": "LTC-USDT", "clientOrderID": "TWS1"}}
    report = wire.report(data, "tws1")
    assert (report.event, report.exchange_id, report.average_price) == (
        Event.ACCEPTED,
        "1745839584339562496",
        None,
    )


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("NEW", Event.ACCEPTED),
        ("Pending", Event.ACCEPTED),
        ("PARTIALLY_FILLED", Event.ACCEPTED),
        ("Filled", Event.FILLED),
        ("CANCELLED", Event.CANCELLED),
        ("CANCELED", Event.CANCELLED),
        ("EXPIRED", Event.CANCELLED),
        ("FAILED", Event.REJECTED),
    ],
)
def test_states_of_the_exchange(status: str, event: Event) -> None:
    told = {
        "orderId": 7,
        "clientOrderId": "tws1",
        "status": status,
        "executedQty": "0.5",
        "avgPrice": "60000.1",
    }
    report = wire.report({"order": told}, "tws1")
    assert (report.event, report.filled_quantity, report.average_price) == (
        event,
        Decimal("0.5"),
        Decimal("60000.1"),
    )


def test_an_answer_about_another_order_is_no_answer() -> None:
    with pytest.raises(ValueError, match="asked about tws1"):
        wire.report({"order": {"orderId": 7, "clientOrderId": "tws2", "status": "FILLED"}}, "tws1")


def test_contracts_give_steps_from_precisions() -> None:
    told = {
        "symbol": "BTC-USDT",
        "quantityPrecision": 4,
        "pricePrecision": 1,
        "tradeMinQuantity": 0.0001,
        "tradeMinUSDT": 2,
        "status": 1,
        "apiStateOpen": "true",
    }
    contract = wire.contracts([told])["BTC-USDT"]
    assert (contract.quantity_step, contract.price_tick) == (Decimal("0.0001"), Decimal("0.1"))
    assert (contract.min_quantity, contract.online) == (Decimal("0.0001"), True)
    assert not wire.contracts([told | {"status": 25}])["BTC-USDT"].online
    assert not wire.contracts([told | {"apiStateOpen": "false"}])["BTC-USDT"].online
