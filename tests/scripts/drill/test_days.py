"""Short days for the digest: their windows, over midnight too, and what a digest says."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml

from scripts.drill.days import Days, listed
from scripts.stack.home import ROOT

LATE = datetime(2026, 1, 31, 23, 57, 40, tzinfo=UTC)
DIGEST = """Alerts of severity info in the last 1d2h

Firing now     SlowOrders
Resolved since Deadlocks TelegramGap

This mail comes every day, also when there is nothing to tell. If it stays away, something is broken."""


def test_the_first_window_opens_at_the_next_minute_in_whatever_zone_it_is_asked() -> None:
    opens = datetime(2026, 1, 31, 23, 58, tzinfo=UTC)
    assert Days.after(LATE).first == opens
    assert Days.after(LATE.astimezone(timezone(timedelta(hours=5, minutes=45)))).first == opens
    assert Days.after(opens).first == opens + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seconds", "opened"),
    [(-0.1, None), (0, 0), (59.9, 0), (60, None), (119.9, None), (120, 120), (179, 120), (180, None)],
)
def test_a_window_is_open_for_a_minute_and_closed_for_the_next(seconds: float, opened: int | None) -> None:
    days = Days.after(LATE)
    seen = days.opening(days.first + timedelta(seconds=seconds))
    assert seen == (None if opened is None else days.first + timedelta(seconds=opened))


@pytest.mark.parametrize(("seconds", "opens"), [(-500, 0), (0, 0), (0.1, 120), (119, 120), (120, 120)])
def test_the_next_window_is_one_that_opens_not_one_that_is_open(seconds: float, opens: int) -> None:
    days = Days.after(LATE)
    assert days.next_opening(days.first + timedelta(seconds=seconds)) == days.first + timedelta(seconds=opens)


def test_the_windows_go_on_over_midnight_as_alertmanager_writes_it() -> None:
    text = (ROOT / "observability" / "generated" / "local" / "alertmanager.yml").read_text("utf-8")
    before, after = yaml.safe_load(text), yaml.safe_load(Days.after(LATE).put_into(text))
    [interval] = after["time_intervals"][0]["time_intervals"]
    assert interval["location"] == "UTC"
    assert interval["times"][:2] == [
        {"start_time": "23:58", "end_time": "23:59"},
        {"start_time": "00:00", "end_time": "00:01"},
    ]
    odd = Days.after(LATE + timedelta(minutes=1)).put_into(text)
    assert {"start_time": "23:59", "end_time": "24:00"} in _times(odd)
    changed = [
        key
        for old, new in zip(before["route"]["routes"], after["route"]["routes"], strict=True)
        for key in old
        if old[key] != new[key]
    ]
    assert changed == ["group_interval", "repeat_interval"]
    assert {key for key in before if before[key] != after[key]} == {"route", "time_intervals"}


def test_the_alerts_that_a_digest_lists_are_read() -> None:
    assert listed(DIGEST) == ({"SlowOrders"}, {"Deadlocks", "TelegramGap"})
    assert listed("Firing now     nothing\nResolved since nothing") == (frozenset(), frozenset())


@pytest.mark.parametrize(
    "text",
    ["", "Firing now SlowOrders", "Firing now\nResolved since nothing", DIGEST.replace("Resolved", "Over")],
)
def test_a_digest_without_both_lists_is_none(text: str) -> None:
    assert listed(text) is None


def _times(config: str) -> list[dict[str, str]]:
    return list(yaml.safe_load(config)["time_intervals"][0]["time_intervals"][0]["times"])
