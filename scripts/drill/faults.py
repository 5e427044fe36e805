"""The fault of each alert, and why an alert has none."""

from collections.abc import Mapping
from itertools import chain

from scripts.drill import (
    faults_database,
    faults_exchange,
    faults_machine,
    faults_money,
    faults_monitoring,
    faults_signals,
    faults_system,
    faults_trading,
)
from scripts.drill.fault import Daily, Fault

FAULTS: Mapping[str, Fault | Daily] = dict(
    chain.from_iterable(
        module.FAULTS.items()
        for module in (
            faults_system,
            faults_machine,
            faults_database,
            faults_monitoring,
            faults_exchange,
            faults_money,
            faults_trading,
            faults_signals,
        )
    )
)

# One of each severity: what `make drill` plays unless it is told which.
QUICK = ("HighOrderFailureRate", "TargetDown", "Deadlocks")

# An alert that no drill plays, and why.
UNDRILLED: Mapping[str, str] = {
    "DatabaseGrowing": "it speaks where a week of growth fills the disk; to stage that takes gigabytes",
    "UnexpectedLiveTrading": "the bot refuses live mode at a simulated exchange; no drill trades real money",
}
