"""What a drill breaks for each alert, and the traffic that goes on meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.spec.duration import Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of the simulator, and the orders that show it.

    `every` is the time between two signals. `calm` is how long all goes well before the fault, which is also
    the negative control. Once the fault is mended, signals come `recovery` times as often, so that the share
    of failures falls soon.
    """

    simulator: Mapping[str, Any]
    every: Duration
    calm: Duration
    recovery: int


FAULTS: Mapping[str, Fault] = {
    "HighOrderFailureRate": Fault(
        simulator={"reject_orders": {"code": 101204, "msg": "Insufficient margin"}},
        every=Duration(60_000),
        calm=Duration(900_000),
        recovery=10,
    ),
}
