"""Days of two minutes, so that a drill sees more than one digest, and what a digest says.

Alertmanager knows windows of whole minutes of the wall clock alone, however fast the rest of a drill runs. So
the window of each short day is one minute, and the next one is closed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import yaml

DAY, WINDOW = timedelta(minutes=2), timedelta(minutes=1)
# In the proportions of a real day: looks are far shorter than the window, and a repeat longer.
_LOOK, _REPEAT = "2s", "100s"
_DAYS = 30  # as long as the longest drill may wait
LINES = ("Firing now", "Resolved since")
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Short days; the window of the first one opens at `first`, a whole minute."""

    first: datetime

    @classmethod
    def after(cls, moment: datetime) -> "Days":
        """Return days whose first window opens at the next whole minute after a moment."""
        minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
        return cls(first=minute + WINDOW)

    def opening(self, moment: datetime) -> datetime | None:
        """Return when the window opened in which a moment lies; None when it lies in none."""
        into_day = (moment - self.first) % DAY
        return moment - into_day if moment >= self.first and into_day < WINDOW else None

    def next_opening(self, moment: datetime) -> datetime:
        """Return when the first window opens at or after a moment."""
        return max(self.first, moment + (self.first - moment) % DAY)

    def put_into(self, config: str) -> str:
        """Return Alertmanager's configuration with these days in the place of the real ones."""
        data = yaml.safe_load(config)
        minutes = [self.first + index * DAY for index in range(_DAYS)]
        [interval] = data["time_intervals"]
        interval["time_intervals"] = [{"times": list(map(_window, minutes)), "location": "UTC"}]
        [route] = [one for one in data["route"]["routes"] if "active_time_intervals" in one]
        route |= {"group_interval": _LOOK, "repeat_interval": _REPEAT}
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def listed(text: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the alerts that a digest calls firing, and those it calls resolved; None if it is no digest."""
    found = []
    for label in LINES:
        lines = [line.removeprefix(label).split() for line in text.splitlines() if line.startswith(label)]
        if len(lines) != 1 or not lines[0]:
            return None
        found.append(frozenset(lines[0]) - {_NOTHING})
    firing, resolved = found
    return firing, resolved


def _window(opens: datetime) -> dict[str, str]:
    begin = opens.hour * 60 + opens.minute
    return {"start_time": _clock(begin), "end_time": _clock(begin + 1)}


def _clock(minute: int) -> str:
    """Return a minute of the day as Alertmanager writes it; the end of a day is 24:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
