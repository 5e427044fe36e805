"""The simulator reads the journals that its older versions have left."""

import json
from pathlib import Path
from typing import Any

from bot.simulator.journal import as_line
from tests.bot.simulator_calls import SHORT, STOP, Desk


def test_a_journal_that_named_only_changed_positions_is_read_too(tmp_path: Path) -> None:
    """A stop without its position would keep leverage and margin of its symbol as they are."""
    desk = Desk(tmp_path)
    desk.place(stopLoss=STOP, clientOrderId="a1")
    desk.place(symbol="LTC-USDT", **SHORT, quantity="1")
    first = as_old(desk.book.account.kept())
    desk.call("close_all", symbol="LTC-USDT")
    gone = {"symbol": "LTC-USDT", "side": "SHORT", "quantity": "0", "entry": "0", "realised": "0"}
    last = as_old(desk.book.account.kept()) | {"positions": [gone | {"id": 1, "updated": desk.now}]}
    orders = [as_line(order) for order in desk.book.history()]
    lines = [json.dumps(line, default=str) for line in (first | {"orders": orders}, last | {"orders": []})]
    (tmp_path / "journal.jsonl").write_text("\n".join([*lines, ""]))
    after = desk.restarted(tmp_path)
    assert (after.positions(), after.open()) == (desk.positions(), desk.open())
    assert after.positions() == {"LONG": "0.1"}
    for each in (desk, after):
        each.journal.close()


def as_old(kept: dict[str, Any]) -> dict[str, Any]:
    positions = kept.pop("positions")
    return {"account": kept, "positions": positions}
