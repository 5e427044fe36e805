"""Faults of signals: where they come from, and what becomes of them."""

from collections.abc import Mapping

from scripts.drill.fault import Daily, Fault

FAULTS: Mapping[str, Fault | Daily] = {}
