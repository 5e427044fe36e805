"""Faults of the database and of the backup."""

from collections.abc import Mapping

from config.spec.duration import Duration
from scripts.drill.causes import deadlock_broken, orders_answered_late
from scripts.drill.fault import Daily, Fault

FAULTS: Mapping[str, Fault | Daily] = {
    "Deadlocks": Daily(
        what="two transactions wait for each other",
        cause=deadlock_broken,
        every=Duration(600_000),
        beside="SlowOrders",
        beside_what="the exchange answers late",
        beside_cause=orders_answered_late,
    ),
}
