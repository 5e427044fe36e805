"""Words that mend at the exchange, for positions which cannot be mended; a history that was cut."""

from pathlib import Path

import pytest

from tests.runbooks.databases import LIBRARIES, Desk

pytestmark = pytest.mark.stack

# What the exchange lists and takes; calls are written down, and all refused.
EXCHANGE = """
account_positions() { printf '%s\\tlong\\t0.00002\\t100\\t100\\t0\\t10\\t0\\n' BTC-USDT ETH-USDT SOL-USDT; }
account_orders() { :; }
exchange_ask() { echo '{"code":0,"data":{"dualSidePosition":"true"}}'; }
exchange_call() { echo "$3" >>"$CALLS"; return 1; }
"""


def test_one_stop_that_is_not_taken_keeps_no_other_position_bare(desk: Desk, tmp_path: Path) -> None:
    desk.sql("UPDATE orders SET closed_at = now()")
    for at, symbol in enumerate(("BTC-USDT", "ETH-USDT", "SOL-USDT"), start=1):
        desk.sql(f"UPDATE orders SET symbol = '{symbol}', closed_at = NULL, stop = 90 WHERE id = {at}")
    words = "; ".join(f". '{LIBRARIES / name}.sh'" for name in ("account", "mend"))
    calls = tmp_path / "calls"
    said = desk.say(f"{words}\n{EXCHANGE}\nmend_place_stops", CALLS=str(calls))
    assert (said.code, said.err.count("the exchange took no stop")) == (1, 3), said
    placed = [dict(pair.split("=") for pair in line.split("&")) for line in calls.read_text().splitlines()]
    assert sorted(one["symbol"] for one in placed) == ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
    # The exchange takes no 2e-05.
    assert {one["quantity"] for one in placed} == {"0.00002"}
    assert {one["stopPrice"] for one in placed} == {"90"}


def test_a_history_that_was_cut_is_said_to_be(desk: Desk) -> None:
    """A transfer behind the thousandth line would be no transfer, and all would be well."""
    one = '{"incomeType":"TRADING_FEE","income":"-1","symbol":"BTC-USDT","time":1}'
    order = (
        '{"symbol":"BTC-USDT","side":"BUY","positionSide":"LONG","type":"MARKET","executedQty":"1",'
        '"avgPrice":"1","updateTime":1,"orderId":1,"clientOrderId":"a"}'
    )
    many = '$(seq "$MANY")'
    words = f"""
        . '{LIBRARIES / "account.sh"}'
        account_ask() {{
            case $1 in
                */income) printf '{{"data":[%s%s]}}' "$(printf '{one},%.0s' {many})" '{one}' ;;
                *) printf '{{"data":{{"orders":[%s%s]}}}}' "$(printf '{order},%.0s' {many})" '{order}' ;;
            esac
        }}
        trades=$(account_trades 1)
        income=$(account_income 1)
        echo "$(wc -l <<<"$trades") $(wc -l <<<"$income")"
    """
    whole = desk.say(words, kind="probe", MANY="998")
    assert (whole.out, whole.findings) == ("999 999\n", ()), whole
    cut = desk.say(words, kind="probe", MANY="999")
    assert (cut.out, len(cut.findings)) == ("1000 1000\n", 2), cut
    none = desk.say(
        f". '{LIBRARIES / 'account.sh'}'; account_ask() {{ echo '{{\"data\":[]}}'; }}; account_income 1",
        kind="probe",
    )
    assert (none.code, none.out, none.findings) == (0, "", ()), none
