"""The catalogue and the instruments are one; what is exported before anything happened."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bot.domain.mode import Mode
from bot.domain.order import State
from bot.domain.reason import Reason, Verdict
from bot.metrics import CatalogueError, instruments
from config.spec.load import load_metrics
from config.spec.model import Metric

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def catalogue() -> dict[str, Metric]:
    metrics, problems = load_metrics(CONFIG)
    assert not problems
    return {metric.name: metric for metric in metrics}


def test_a_missing_an_extra_and_a_mistyped_metric_are_named_together(catalogue: dict[str, Metric]) -> None:
    extra = replace(catalogue["bot_ready"], name="bot_extra")
    wrong = replace(catalogue["orders_by_status"], type="counter")
    given = [metric for name, metric in catalogue.items() if name not in ("bot_ready", "orders_by_status")]
    with pytest.raises(CatalogueError) as caught:
        instruments([*given, extra, wrong], CollectorRegistry())
    assert str(caught.value) == (
        "bot_ready is in the bot but not in config/metrics.yaml; "
        "bot_extra is in config/metrics.yaml but not in bot/metrics.py; "
        "orders_by_status is a counter with labels in config/metrics.yaml, but a Gauge in bot/metrics.py"
    )


def test_metrics_of_other_jobs_are_theirs(catalogue: dict[str, Metric]) -> None:
    other = replace(catalogue["bot_ready"], name="node_load1", job="node")
    assert instruments([*catalogue.values(), other], CollectorRegistry())


def test_counters_start_at_zero_and_gauges_are_absent(catalogue: dict[str, Metric]) -> None:
    registry = CollectorRegistry()
    metrics = instruments(catalogue.values(), registry)
    text = generate_latest(registry).decode()
    assert 'orders_failed_total{reason="rejected",source="telegram"} 0.0' in text
    assert "order_processing_seconds_count 0.0" in text
    assert "\nbot_ready " not in text
    assert "orders_by_status{" not in text
    assert "_created" not in text
    metrics.bot_ready.set(1)
    metrics.bot_ready.set(0)
    assert "\nbot_ready 0.0" in generate_latest(registry).decode()


def test_the_catalogue_knows_every_label_value_that_the_bot_uses(catalogue: dict[str, Metric]) -> None:
    assert set(catalogue["orders_by_status"].labels["status"]) == set(State)
    assert set(catalogue["signal_verdicts_total"].labels["verdict"]) == set(Verdict)
    assert {reason.verdict for reason in Reason} < set(Verdict)
    assert set(catalogue["bot_trading_mode"].labels["mode"]) == set(Mode)


def test_what_is_planned_or_the_librarys_own_is_not_the_bots_to_make(catalogue: dict[str, Metric]) -> None:
    planned = replace(catalogue["bot_ready"], name="bot_later", planned=True)
    library = replace(catalogue["bot_ready"], name="process_open_fds")
    assert instruments([*catalogue.values(), planned, library], CollectorRegistry())


def test_what_the_catalogue_says_of_the_process_is_exported(catalogue: dict[str, Metric]) -> None:
    registry = CollectorRegistry()
    instruments(catalogue.values(), registry)
    wanted = {name for name in catalogue if name.startswith("process_")}
    assert wanted
    text = generate_latest(registry).decode()
    assert {name for name in wanted if f"\n{name} " not in text} == set()
