"""When the named time intervals of a configuration are open: by the wall clock of their zone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Config = Mapping[str, Any]
_KNOWN = {"times", "location"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From a minute of the local day up to another one."""

    zone: ZoneInfo
    opens: int
    closes: int

    def has(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone)
        return self.opens <= local.hour * 60 + local.minute < self.closes


class Intervals:
    """The windows of a configuration; raises ValueError for an interval that this compiler never writes."""

    def __init__(self, config: Config) -> None:
        self._windows = {
            named["name"]: [window for one in named["time_intervals"] for window in _windows(one)]
            for named in config.get("time_intervals", ())
        }

    def is_open(self, names: Iterable[str], moment: datetime) -> bool:
        """Whether a route that is active in these intervals is so at a moment; without any it always is."""
        wanted = [window for name in names for window in self._windows[name]]
        return not wanted or any(window.has(moment) for window in wanted)


def _windows(interval: Config) -> list[Window]:
    if unknown := set(interval) - _KNOWN:
        raise ValueError(f"a time interval by {', '.join(sorted(unknown))} is none that this compiler writes")
    zone = ZoneInfo(interval.get("location", "UTC"))
    return [
        Window(zone=zone, opens=_minute(times["start_time"]), closes=_minute(times["end_time"]))
        for times in interval["times"]
    ]


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
