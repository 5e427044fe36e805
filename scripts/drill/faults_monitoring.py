"""Faults of what watches: Prometheus, Alertmanager and the ways to people."""

from collections.abc import Mapping

from scripts.drill.fault import Daily, Fault

FAULTS: Mapping[str, Fault | Daily] = {}
