"""BingX's own numbers: signature vectors, the parameters of orders, and what an answer's envelope means."""

import hmac
import json
import random
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest

from bot.adapters import bingx_codes as codes
from bot.adapters import bingx_wire as wire
from bot.domain.account import NewOrder, PositionSide, Purpose
from bot.domain.signal import Side
from bot.ports import OutcomeUnknown, TryAgain

# The key pair that BingX prints in its documents.
SECRET = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"
STOPS = (
    'stopLoss={"type":"STOP_MARKET","stopPrice":60000,"workingType":"MARK_PRICE"}&symbol=BTC-USDT'
    '&takeProfit={"type":"TAKE_PROFIT_MARKET","stopPrice":70000,"workingType":"MARK_PRICE"}'
)
ORDER = NewOrder(
    purpose=Purpose.ENTRY,
    symbol="1000PEPE-USDT",
    side=Side.SELL,
    position_side=PositionSide.SHORT,
    client_id="tws1",
    quantity=Decimal("100"),
    price=Decimal("0.0000081"),
    stop=Decimal("0.0000001"),
)
STOP = NewOrder(
    purpose=Purpose.STOP,
    symbol="BTC-USDT",
    side=Side.SELL,
    position_side=PositionSide.LONG,
    trigger=Decimal("59094.0"),
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


@pytest.mark.parametrize(
    ("order", "extra"),
    [
        pytest.param(STOP, {"closePosition": "true"}, id="stop of the whole position"),
        pytest.param(replace(STOP, quantity=Decimal("0.1")), {"quantity": "0.1"}, id="stop of a part"),
        pytest.param(
            replace(STOP, position_side=PositionSide.BOTH, quantity=Decimal("0.1")),
            {"positionSide": "BOTH", "quantity": "0.1", "reduceOnly": "true"},
            id="stop of a part in one-way mode",
        ),
        pytest.param(
            replace(STOP, position_side=PositionSide.BOTH),
            {"positionSide": "BOTH", "closePosition": "true"},
            id="stop of the whole position in one-way mode, which the exchange takes without reduceOnly",
        ),
        pytest.param(
            replace(STOP, purpose=Purpose.TARGET),
            {"type": "TAKE_PROFIT_MARKET", "closePosition": "true"},
            id="target",
        ),
    ],
)
def test_protection_goes_out_as(order: NewOrder, extra: dict[str, str]) -> None:
    base = {"symbol": "BTC-USDT", "side": "SELL", "positionSide": "LONG", "type": "STOP_MARKET"}
    assert wire.order_parameters(order) == (
        base | {"stopPrice": "59094.0", "workingType": "MARK_PRICE"} | extra
    )


@pytest.mark.parametrize(
    ("side", "reduce"), [(PositionSide.LONG, {}), (PositionSide.BOTH, {"reduceOnly": "true"})]
)
def test_a_close_at_the_market_only_reduces(side: PositionSide, reduce: dict[str, str]) -> None:
    close = replace(STOP, purpose=Purpose.CLOSE, trigger=None, quantity=Decimal("1E-7"), position_side=side)
    assert wire.order_parameters(replace(close, client_id="c1")) == {
        "symbol": "BTC-USDT",
        "side": "SELL",
        "positionSide": side.value,
        "type": "MARKET",
        "quantity": "0.0000001",
        "clientOrderId": "c1",
        **reduce,
    }


def test_one_target_can_be_attached_beside_the_stop() -> None:
    told = wire.order_parameters(replace(ORDER, target=Decimal("7E-8")))
    assert (
        told["takeProfit"]
        == '{"type":"TAKE_PROFIT_MARKET","stopPrice":0.00000007,"workingType":"MARK_PRICE"}'
    )
    assert set(json.loads(told["stopLoss"])) == set(json.loads(told["takeProfit"]))


def test_numbers_of_any_size_go_out_without_exponent_and_come_back_equal() -> None:
    dice = random.Random(20260116)
    for _ in range(500):
        value = Decimal(dice.randint(1, 10**12)).scaleb(dice.randint(-12, 6))
        told = wire.order_parameters(replace(ORDER, quantity=value, price=value, stop=value))
        assert set(told["quantity"]) <= set("0123456789."), value
        assert Decimal(told["quantity"]) == Decimal(told["price"]) == value
        assert json.loads(told["stopLoss"], parse_float=Decimal)["stopPrice"] == value


def test_whatever_is_signed_is_what_the_exchange_reads_back() -> None:
    dice = random.Random(20260117)
    alphabet = 'abcXYZ019 {}":,.-_~+%/\u00d8\u20ac'
    for _ in range(300):
        names = dice.sample(["symbol", "side", "stopLoss", "quantity", "clientOrderId"], dice.randint(1, 5))
        told = {name: "".join(dice.choices(alphabet, k=dice.randint(1, 30))) for name in names}
        *pairs, (last, signature) = parse_qsl(wire.signed_query(told, SECRET).replace("+", "%2B"))
        assert (last, dict(pairs)) == ("signature", told)
        raw = "&".join(f"{name}={value}" for name, value in pairs)
        assert signature == hmac.new(SECRET.encode(), raw.encode(), "sha256").hexdigest()


def body(code: int, text: str = "") -> bytes:
    return json.dumps({"code": code, "msg": text, "data": {}}).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (200, b"<html>", OutcomeUnknown),
        (200, b"{}", OutcomeUnknown),
        (200, b"[]", OutcomeUnknown),
        (200, b'{"code": "none"}', OutcomeUnknown),
        (200, b'{"code": 0, "data": NaN}', OutcomeUnknown),
        (200, b'{"code": 0, "data": {"price": -Infinity}}', OutcomeUnknown),
        (200, b"[" * 100_000, OutcomeUnknown),
        (302, b"", OutcomeUnknown),
        (400, b"<html>", TryAgain),
        (404, b"", TryAgain),
        (403, b"<html>Cloudflare</html>", codes.RateLimited),
        (418, b"<html>", codes.RateLimited),
        (429, b"", codes.RateLimited),
        (408, b"", OutcomeUnknown),
        (500, b"<html>", OutcomeUnknown),
        (504, body(101204), OutcomeUnknown),
        (502, body(0), OutcomeUnknown),
    ],
)
def test_what_an_answer_without_a_usable_code_means(
    status: int, content: bytes, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        wire.envelope(status, content)
    assert type(caught.value) is kind


def test_a_good_answer_keeps_every_digit() -> None:
    told = wire.envelope(200, b'{"code":0,"msg":"","data":{"id":1745839584339562496,"price":0.00000810}}')
    assert (told.code, told.data["id"], str(told.data["price"])) == (0, 1745839584339562496, "0.00000810")
