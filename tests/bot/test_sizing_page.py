"""docs/sizing.md: how large an order becomes, or why there is none, worked out by hand and compared.

`make test ARGS=--update` writes it anew.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import make_limits
from bot.config import load_bot
from bot.domain.parser import parse
from bot.domain.plan import Contract, Funds, Limits, Plan, Refusal, make_plan
from bot.domain.risk import Exposure, against_trade, rooms
from bot.domain.signal import Side, Signal
from tests.bot.desks import RICH

ROOT = Path(__file__).parents[2]
HEAD = """\
# How large an order becomes

Made by `make test ARGS=--update` from `tests/bot/sizing.yaml`; change that, not this. A test evaluates
every line, and compares each end with what the bot plans.

The quantity is what loses `risk_per_trade_percent` of the equity if the stop trades:

    equity × risk ÷ (|worst entry − stop| + fees of both + slippage of the stop)

It is capped by the quantity in the message, by `max_notional_usdt` of one order, by free margin × leverage,
and by the room that `max_total_notional_usdt`, `symbol_caps_usdt` and `source_caps_usdt` leave beside what
is held and on its way; then it is rounded down. What is less than the exchange takes is refused, never
rounded up, and the reason names the cap. A quantity above `max_notional_usdt` that is as high as the price
is refused: whoever writes `BUY BTCUSDT 60000` means a price.

- A signal becomes one order: a LIMIT at the worst price still accepted. In a zone or a list that is the
  edge that the price reaches first, without one the last price ± `max_slippage_percent`.
- Leverage is the lowest of the message, `max_leverage`, the contract, and what puts liquidation at least
  half as far again from the entry as the stop. A position is taken to be liquidated where its loss leaves
  of its margin 1 % of its value, for maintenance, and the fee of closing. That is the share `d` of the
  price away from a long at leverage 1 ÷ (d + 0.0105 × (1 − d)), from a short at 1 ÷ (d + 0.0105 × (1 + d)).
  Leverage never sets the size.
- Margin is always isolated, whatever the message says of it.
- What our orders hold counts until the position is gone, with all of it, also after a target has traded.
- Caps count the higher of entry and last price, for a short may be filled above its limit.
- A slip of the point makes a price ten times or a tenth of what was meant. So an entry, stop or target that
  is five times the last price or more, or a fifth of it or less, is refused; and an entry that is further
  from the last price than `max_price_distance_percent`.

The examples use the limits of `config/bot.yaml`, and what they name themselves:

"""
SHOWN = (
    "risk_per_trade_percent",
    "max_slippage_percent",
    "default_stop_percent",
    "taker_fee_percent",
    "stop_slippage_percent",
    "max_price_distance_percent",
    "max_leverage",
    "max_notional_usdt",
    "max_total_notional_usdt",
    "max_positions",
    "max_trades_per_direction",
    "daily_loss_limit_usdt",
)
CONTRACTS = {
    symbol: Contract(
        symbol=symbol,
        price_tick=Decimal(tick),
        quantity_step=Decimal(step),
        min_quantity=Decimal(least),
        min_notional=Decimal(2),
        online=True,
    )
    for symbol, tick, step, least in (
        ("BTC-USDT", "0.1", "0.0001", "0.0001"),
        ("ETH-USDT", "0.01", "0.01", "0.01"),
        ("1000PEPE-USDT", "0.0000001", "1", "100"),
    )
}
EXAMPLES: list[dict[str, Any]] = yaml.load(
    (ROOT / "tests" / "bot" / "sizing.yaml").read_text("utf-8"), yaml.BaseLoader
)
TRADING = load_bot(ROOT / "config")[0].trading  # type: ignore[union-attr]
OPERATORS: Mapping[type, Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_an_example_ends_as_it_was_worked_out(example: dict[str, Any]) -> None:
    result = decided(example)
    if "refused" in example:
        assert isinstance(result, Refusal), result
        assert result.reason == example["refused"]
    else:
        assert isinstance(result, Plan), result
        order = example["order"]
        assert result == replace(
            result,
            quantity=Decimal(order["quantity"]),
            price=Decimal(order["price"]),
            stop=Decimal(order["stop"]),
            leverage=int(order["leverage"]),
            targets=tuple(map(Decimal, order.get("targets", ()))),
        )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_every_line_of_an_example_is_right(example: dict[str, Any]) -> None:
    for what, expression, told in example.get("steps", ()):
        assert is_value(expression, told), f"{what}: {expression} is {value(expression)}, and not {told}"


def test_a_wrong_line_is_noticed() -> None:
    assert is_value("10 / 3", "3.33…")
    assert not is_value("10 / 3", "3.34…")
    assert not is_value("10 / 3", "3.33")
    assert not is_value("10 / 4", "2.5…")


def test_the_page_of_sizes_is_fresh(request: pytest.FixtureRequest) -> None:
    file = ROOT / "docs" / "sizing.md"
    if request.config.getoption("--update"):
        file.write_text(page(), "utf-8")
    assert file.read_text("utf-8") == page(), "make test ARGS=--update writes it anew"


def decided(example: dict[str, Any]) -> Plan | Refusal:
    signal = parse(example["message"])
    assert isinstance(signal, Signal)
    signal = replace(signal, leverage=int(example["leverage"]) if "leverage" in example else None)
    limits, funds = limits_of(example), None
    if "equity" in example:
        funds = Funds(equity=Decimal(example["equity"]), free_margin=Decimal(example["free"]))
    held = [
        Exposure(
            symbol=each["symbol"],
            is_long=each["side"] == "long",
            source=each.get("source"),
            notional=Decimal(each["notional"]),
        )
        for each in example.get("held", ())
    ]
    room, contract = rooms(signal.symbol, "test", held, limits), CONTRACTS[signal.symbol]
    plan = make_plan(signal, contract, Decimal(example["last"]), limits, funds, room)
    if isinstance(plan, Refusal):
        return plan
    money = replace(
        RICH, unrealised=-Decimal(example.get("lost", 0)), loss_limit=TRADING.daily_loss_limit_usdt
    )
    return against_trade((plan.symbol, plan.side is Side.BUY), held, limits, money) or plan


def limits_of(example: dict[str, Any]) -> Limits:
    given, trading = example.get("limits", {}), TRADING
    if "default_stop_percent" in given:
        trading = replace(trading, default_stop_percent=None)
    for name in ("symbol_caps_usdt", "source_caps_usdt"):
        caps = {each: Decimal(most) for each, most in given.get(name, {}).items()}
        trading = replace(trading, **{name: caps})  # type: ignore[arg-type]
    return make_limits(trading).narrowed(Decimal(example.get("size_factor", 1)), [])


def value(expression: str) -> Decimal:
    """Of plain numbers, the four operations and brackets."""

    def of(node: ast.expr) -> Decimal:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](of(node.left), of(node.right))
        assert isinstance(node, ast.Constant), expression
        return Decimal(ast.get_source_segment(expression, node) or "")

    return of(ast.parse(expression, mode="eval").body)


def is_value(expression: str, told: str) -> bool:
    exact = value(expression)
    if not told.endswith("…"):
        return exact == Decimal(told)
    begins = Decimal(told.removesuffix("…"))
    return exact != begins and exact.quantize(begins, ROUND_DOWN) == begins


def page() -> str:
    rows = "".join(f"| `{name}` | {getattr(TRADING, name)} |\n" for name in SHOWN)
    limits = f"| limit | |\n| --- | --- |\n{rows}"
    return HEAD + limits + "".join(map(_told, EXAMPLES))


def _told(example: dict[str, Any]) -> str:
    said = f"{example['says']}\n\n" if "says" in example else ""
    steps = "".join(
        f"| {what} | {_sign(expression)} | {_sign(told)} |\n"
        for what, expression, told in example.get("steps", ())
    )
    table = f"| | | |\n| --- | --- | ---: |\n{steps}\n" if steps else ""
    return f"\n## {example['name']}\n\n{said}{_given(example)}\n{table}{_end(example)}\n"


def _given(example: dict[str, Any]) -> str:
    symbol = _symbol(example)
    told = [
        f"message `{example['message']}`"
        + (f", leverage {example['leverage']}" if "leverage" in example else "")
    ]
    told.append(f"last price of {symbol} {example['last']}")
    if "equity" in example:
        told.append(f"equity {example['equity']} USDT, free margin {example['free']} USDT")
    told += [f"`size_factor` {example['size_factor']}"] if "size_factor" in example else []
    told += [f"today's loss {example['lost']} USDT"] if "lost" in example else []
    for each in example.get("held", ()):
        whose = f"from {each['source']}" if "source" in each else "not ours"
        told.append(f"held: {each['symbol']} {each['side']}, {whose}, worth {each['notional']} USDT")
    for name, limit in example.get("limits", {}).items():
        shown = (
            ", ".join(f"{key} {most}" for key, most in limit.items())
            if isinstance(limit, dict)
            else "not set"
        )
        told.append(f"`{name}`: {shown}")
    return "".join(f"- {line}\n" for line in told)


def _end(example: dict[str, Any]) -> str:
    if "refused" in example:
        return f"**Refused**: `{example['refused']}`"
    order, asset = example["order"], _symbol(example).partition("-")[0]
    side = example["message"].partition(" ")[0]
    targets = f", targets {', '.join(order['targets'])}" if "targets" in order else ""
    told = f"{side} {order['quantity']} {asset} at {order['price']}, stop {order['stop']}{targets}"
    return f"**Order**: {told}, leverage {order['leverage']}"


def _symbol(example: dict[str, Any]) -> str:
    return f"{example['message'].split()[1].removesuffix('USDT')}-USDT"


def _sign(text: str) -> str:
    return text.replace("*", "×").replace("-", "−").replace("/", "÷")
