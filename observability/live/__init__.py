"""Asks a running Prometheus whether it has what the specs say: rules, targets, metrics, and values."""
