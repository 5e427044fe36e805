"""Faults of the machine and of the processes on it."""

from collections.abc import Mapping

from config.spec.duration import Duration
from scripts.drill.causes import hanging
from scripts.drill.fault import Daily, Fault, Script

FAULTS: Mapping[str, Fault | Daily] = {
    "TargetDown": Fault(
        what="postgres_exporter hangs",
        cause=hanging("postgres_exporter"),
        mend=(Script(),),
        calm=Duration(420_000),
    ),
}
