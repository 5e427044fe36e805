"""The stretch of time that a dashboard shows."""

from dataclasses import dataclass
from datetime import datetime

# Seconds, and seconds between two points: a few hundred points are as many as a chart can show.
RANGES = {"15m": (900, 5), "1h": (3600, 15), "6h": (21600, 60), "24h": (86400, 300)}
DEFAULT = "1h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    name: str
    begin: float
    end: float
    step: float

    @classmethod
    def until(cls, now: datetime, name: str) -> "Window":
        seconds, step = RANGES[name]
        end = round(now.timestamp(), 3)
        return cls(name=name, begin=end - seconds, end=end, step=step)
