"""What `make reload` reads in the answers of Prometheus and Alertmanager, and takes for a difference."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.reload import Last, ReloadError, config_differences, hash_of, last

ROOT = Path(__file__).resolve().parents[2]
WANTED: dict[str, Any] = yaml.safe_load((ROOT / "observability/generated/compose/prometheus.yml").read_text())
# What Alertmanager 0.33.1 told of this file.
SMALLEST, ITS_HASH = b"route: {receiver: a}\nreceivers: [{name: a}]\n", 1.84816797860636e14


def loaded() -> dict[str, Any]:
    """What Prometheus tells: every default written out, and paths from the root."""
    told = copy.deepcopy(WANTED)
    told["runtime"] = {"gogc": 75}
    told["global"]["scrape_protocols"] = ["OpenMetricsText1.0.0"]
    told["rule_files"] = ["/etc/prometheus/rules/*.yml"]
    for job in told["scrape_configs"]:
        job["scheme"] = "http"
    return told


def test_defaults_and_absolute_paths_are_no_difference() -> None:
    assert list(config_differences(WANTED, loaded())) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda config: config["global"].update(scrape_interval="30s"), "prometheus.yml: global: scrape_"),
        (lambda config: config["global"].pop("evaluation_interval"), "prometheus.yml: global: evaluation_"),
        (lambda config: config["scrape_configs"].pop(), "prometheus.yml: scrape_configs is"),
        (
            lambda config: config["scrape_configs"][0]["static_configs"][0].update(targets=["bot:1"]),
            "prometheus.yml: scrape_configs[0]: static_configs[0]: targets[0] is 'bot:1' where it runs",
        ),
        (lambda config: config.pop("alerting"), "prometheus.yml: alerting is None where it runs"),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_its_place(change: Any, told: str) -> None:
    other = loaded()
    change(other)
    (difference,) = config_differences(WANTED, other)
    assert difference.startswith(told)


def test_the_hash_is_that_of_alertmanager() -> None:
    assert hash_of(SMALLEST) == ITS_HASH
    assert hash_of(SMALLEST + b"\n") != ITS_HASH


def test_the_last_reload_is_read_from_the_metrics() -> None:
    text = """\
# TYPE prometheus_config_last_reload_successful gauge
prometheus_config_last_reload_successful 0
prometheus_config_last_reload_success_timestamp_seconds 1.7953949479070811e+09
"""
    assert last(text, "prometheus") == Last(successful=False, at=1795394947.9070811)
    with pytest.raises(ReloadError, match="alertmanager_config_last_reload_successful"):
        last(text, "alertmanager")
