"""The digest on every day of a year, also on those of 23 and of 25 hours."""

import os
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from config.spec.load import load_project
from observability.dispatch.alertmanager import dispatched
from observability.dispatch.told import Act, Event, Post, labels_of

# The days about both changes of one zone in every run; ROUTING_COUNT=99 takes the whole year of all.
COUNT = int(os.environ.get("ROUTING_COUNT", "1"))
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
LONG = timedelta(days=800)
CONFIG = yaml.safe_load(Path("observability/generated/local/alertmanager.yml").read_text("utf-8"))


def with_window(zone: str, opens: str, closes: str) -> Any:
    window = {"times": [{"start_time": opens, "end_time": closes}], "location": zone}
    return {**CONFIG, "time_intervals": [{"name": "digest", "time_intervals": [window]}]}


def digests(config: Any, begin: datetime, days: int, *acts: Event) -> list[datetime]:
    """Return when digests are sent of an alert that fires all the time, as the daily one does."""
    labels = labels_of({"alertname": "DailyDigest", "severity": "digest"})

    def told(at: datetime) -> Event:
        return Event(at=at, what=Post(labels=labels, starts=begin, ends=begin + LONG))

    starts = [act.at for act in acts if act.what is Act.START]
    events = [told(begin), *acts, *(told(at + timedelta(minutes=1)) for at in starts)]
    return [one.at for one in dispatched(config, events, begin, begin + timedelta(days=days))]


def test_every_local_day_of_a_year_has_one_digest_within_five_minutes_of_its_window(
    record_property: Any,
) -> None:
    zones = ZONES[:COUNT]
    spans = [(date(2026, 1, 1), 365)] if COUNT > 1 else [(date(2026, 3, 20), 15), (date(2026, 10, 18), 15)]
    days = sum(length for _, length in spans)
    record_property("sampled", f"{days} days of {len(zones)} of {len(ZONES)} zones, ROUTING_COUNT=99 for all")
    for name in zones:
        zone = ZoneInfo(name)
        for first, length in spans:
            begin = datetime.combine(first, time(0, 2, 13), zone).astimezone(UTC)
            sent = [at.astimezone(zone) for at in digests(with_window(name, "08:00", "11:00"), begin, length)]
            by_day = Counter(at.date() for at in sent)
            assert by_day == Counter(first + timedelta(days=day) for day in range(length)), name
            assert {(at.hour, at.minute // 5) for at in sent} == {(8, 0)}, name


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
@pytest.mark.parametrize("minute", [0, 97, 179], ids=lambda minute: f"{minute}m")
def test_a_digest_that_comes_late_in_its_window_takes_none_from_the_day_after(day: date, minute: int) -> None:
    """As when Alertmanager starts late in the window, the day before the clocks change."""
    zone = ZoneInfo("Europe/Berlin")
    before = datetime.combine(day - timedelta(days=1), datetime.min.time(), zone)
    begin = (before.replace(hour=8) + timedelta(minutes=minute)).astimezone(UTC)
    sent = digests(with_window(zone.key, "08:00", "11:00"), begin, 4)
    days = [at.astimezone(zone).date() for at in sent]
    assert days[:4] == [day + timedelta(days=shift) for shift in (-1, 0, 1, 2)]


def test_a_window_in_the_hour_that_spring_leaves_out_has_no_digest_and_the_doubled_hour_has_one() -> None:
    """What the window must not be: nobody hears of silence on that day."""
    zone = ZoneInfo("Europe/Berlin")
    config = with_window(zone.key, "02:10", "02:50")
    for around, wanted in ((date(2026, 3, 29), 0), (date(2026, 10, 25), 1)):
        begin = datetime.combine(around - timedelta(days=2), datetime.min.time(), zone).astimezone(UTC)
        by_day = Counter(at.astimezone(zone).date() for at in digests(config, begin, 5))
        assert by_day[around] == wanted
        assert by_day[around - timedelta(days=1)] == by_day[around + timedelta(days=1)] == 1


@pytest.mark.parametrize(("stop", "digests_of_the_day"), [(Act.STOP, 1), (Act.KILL, 2)])
def test_a_restart_inside_the_window_sends_no_second_digest_but_a_kill_does(
    stop: Act, digests_of_the_day: int
) -> None:
    begin = datetime(2026, 6, 1, 7, 58, tzinfo=UTC)
    acts = [
        Event(at=begin + timedelta(minutes=minute), what=act) for minute, act in ((10, stop), (11, Act.START))
    ]
    assert len(digests(with_window("UTC", "08:00", "11:00"), begin, 1, *acts)) == digests_of_the_day


def test_the_rendered_window_is_the_one_of_the_spec_in_its_zone() -> None:
    project, problems, _ = load_project(Path("config"))
    assert project is not None, problems
    digest = project.routing.digest
    zone = ZoneInfo(digest.timezone)
    sent = digests(CONFIG, datetime(2026, 3, 1, tzinfo=UTC), 3)
    assert [at.astimezone(zone).strftime("%H:%M") for at in sent] == [digest.opens] * 3


def test_a_repeat_that_is_longer_than_a_short_day_leaves_days_out() -> None:
    """The negative control: the same tests find a repeat of a whole day."""
    config = with_window("Europe/Berlin", "08:00", "11:00")
    routes = config["route"]["routes"]
    daily = [one | {"repeat_interval": "24h"} if one["receiver"] == "digest" else one for one in routes]
    config = {**config, "route": {**config["route"], "routes": daily}}
    begin = datetime(2026, 3, 20, tzinfo=UTC)
    zone = ZoneInfo("Europe/Berlin")
    sent = [at.astimezone(zone) for at in digests(config, begin, 60)]
    # Each comes a look later than the one before it, until the window is over.
    assert len({at.date() for at in sent}) < 60
