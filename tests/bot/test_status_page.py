"""What /status answers, as a page for a terminal."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters import http_status
from bot.commands.status_page import page
from bot.desk import Desk
from bot.domain.health import failed, first, passed
from bot.domain.hearing import Channel, Hearing
from bot.domain.order import State
from tests.bot.fakes import FakeStore
from tests.bot.switch_desk import a_row, switch_desk
from tests.bot.test_operator import ABOUT
from tests.bot.test_protection import trade


@pytest.fixture
def desk(control: Path) -> Desk:
    desk = switch_desk(control, FakeStore())
    desk.switch = a_row(0, "first")
    return desk


def test_the_page_shows_what_the_account_lost_holds_and_waits_for(desk: Desk) -> None:
    desk.live = {"e": replace(trade(), state=State.PENDING), "u": replace(trade(), state=State.UNKNOWN)}
    told = http_status.status(desk, ABOUT, datetime.now(UTC), {}, [])
    assert re.search(r"^money +not read yet$", page(told), re.M)
    told["money"] = {
        "equity_usdt": "1000.5000", "loss_today_usdt": "30.00", "loss_limit_usdt": "100",
        "difference_usdt": "-0.50", "age_seconds": 3.2,
    }  # fmt: skip
    told["reconciliation"]["differences"]["stop_missing"] = 2
    told["orders"] = None
    shown = page(told)
    assert re.search(
        r"^money +equity 1000\.5 USDT, lost today 30 of at most 100, read 3 s ago, "
        r"differs from what it should be by -0\.5$", shown, re.M,
    )  # fmt: skip
    told["money"] |= {"loss_today_usdt": "62.135058", "difference_usdt": "-0.0049"}
    assert re.search(
        r"^money +equity 1000\.5 USDT, lost today 62\.14 of at most 100, read 3 s ago$", page(told), re.M
    )
    assert re.search(r"^account .*; differences: stop_missing 2$", shown, re.M)
    assert re.search(r"^orders +the database does not answer$", shown, re.M)
    assert re.search(r"^resting entries\n.*\n  BTC-USDT +BUY +1 +1 +100 +90 +- +a$", shown, re.M)
    assert re.search(r"^orders of unknown outcome\n.*\n  BTC-USDT +BUY +1 +100 +- +a$", shown, re.M)


def test_while_something_does_not_answer_no_orders_can_be_placed(desk: Desk) -> None:
    assert http_status.status(desk, ABOUT, datetime.now(UTC), {}, [])["accepts_orders"] is True
    for name in ("exchange", "account"):
        desk.checks[name] = failed(first(name, 0), "no answer from the exchange", 1)
    told = http_status.status(desk, ABOUT, datetime.now(UTC), {}, [])
    summary = "The bot in simulator mode: not ready; cannot place orders; no answer from the exchange."
    assert (told["summary"], told["accepts_orders"]) == (summary, False)


def test_what_others_wrote_does_not_steer_the_terminal(desk: Desk) -> None:
    told = http_status.status(desk, ABOUT, datetime.now(UTC), {}, [])
    signal = {
        "source": "test",
        "message": f"\x1b[2J\nBUY\u202e {'x' * 80}",
        "verdict": "refused",
        "reason": "",
    }
    told["signals"] = [signal | {"order": None, "created_at": "2026-01-02T03:04:05.678+00:00"}]
    told["switch"]["reason"] = "\x1b[31mred\r\n"
    shown = page(told)
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert f"2026-01-02T03:04:05  test    [2J BUY {'x' * 35}…  refused  -" in shown


def test_what_fails_at_telegram_is_shown(desk: Desk) -> None:
    told = http_status.status(desk, ABOUT, datetime.now(UTC), {}, [])
    assert re.search(r"^notices +to nobody: TELEGRAM_BOT_TOKEN is not set, 0 waiting$", page(told), re.M)
    desk.notices.fail("sending", "Telegram answers sendMessage with 401: Unauthorized")
    told = http_status.status(desk, ABOUT, datetime.now(UTC), {}, [])
    assert re.search(r"^notices .*; sending: Telegram answers sendMessage with 401: Un", page(told), re.M)


def test_what_is_heard_of_each_channel_is_shown(desk: Desk) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    told = http_status.status(desk, ABOUT, now, {}, [])
    assert re.search(r"^telegram +off: no channel is read$", page(told), re.M)
    quiet = Channel(name="quiet", chat=-1, read_up_to=7, written_at=now - timedelta(hours=3))
    desk.hearing = Hearing(
        check=passed(first("telegram", 0), 1),
        channels=(quiet, Channel(name="new", chat=-2), Channel(name="odd", chat=-3, trouble="not in it")),
    )
    told = http_status.status(desk, ABOUT, now, {}, [])
    line = "quiet silent for 180 min; new nothing read yet; odd not in it"
    assert re.search(rf"^telegram +{line}$", page(told), re.M)
    assert "channel odd: not in it" in told["summary"]
    assert told["summary"].startswith("The bot in simulator mode: ready;")
    desk.hearing.check = failed(desk.hearing.check, "telegram gave up: log in", 2)
    told = http_status.status(desk, ABOUT, now, {}, [])
    assert re.search(rf"^telegram +telegram gave up: log in; {line}$", page(told), re.M)
    assert "telegram gave up: log in" in told["summary"]
