"""Faults of the exchange: what it answers, and how late."""

from collections.abc import Mapping

from scripts.drill.fault import Daily, Fault

FAULTS: Mapping[str, Fault | Daily] = {}
