"""The bot's instruments, built from the catalogue: both name the same metrics, or the bot does not start."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, get_type_hints

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from config.spec.model import Metric


class Reading:
    """A gauge without labels that is absent until it was measured: a 0 nobody measured could page."""

    def __init__(self, name: str, help: str, registry: CollectorRegistry) -> None:  # noqa: A002
        self._gauge = Gauge(name, help, registry=None)
        self._registry: CollectorRegistry | None = registry

    def set(self, value: float) -> None:
        self._gauge.set(value)
        if self._registry is not None:
            self._registry.register(self._gauge)
            self._registry = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One field per metric of the catalogue that is the bot's own to move."""

    orders_total: Counter
    orders_failed_total: Counter
    orders_by_status: Gauge
    orders_by_status_updated_timestamp_seconds: Reading
    orders_failed_in_a_row: Reading
    order_processing_seconds: Histogram
    signals_unfinished_age_seconds: Reading
    signals_unfinished_age_seconds_updated_timestamp_seconds: Reading
    entries_past_expiry: Reading
    reconciliation_differences: Gauge
    reconciliation_differences_updated_timestamp_seconds: Reading
    signals_received_total: Counter
    signal_verdicts_total: Counter
    signal_processing_errors_total: Counter
    signals_by_source: Gauge
    signals_by_source_updated_timestamp_seconds: Reading
    telegram_connected: Reading
    telegram_last_message_timestamp_seconds: Gauge
    telegram_gap_messages_total: Counter
    bingx_api_calls_total: Counter
    bingx_api_errors_total: Counter
    bingx_order_execution_seconds: Histogram
    bingx_ban_until_timestamp_seconds: Reading
    bingx_clock_offset_seconds: Reading
    bingx_clock_offset_updated_timestamp_seconds: Reading
    bingx_prices_updated_timestamp_seconds: Reading
    positions: Gauge
    positions_updated_timestamp_seconds: Reading
    positions_without_stop_found_total: Counter
    position_liquidation_distance_ratio: Gauge
    exchange_balance_usdt: Reading
    exchange_balance_usdt_updated_timestamp_seconds: Reading
    exchange_balance_btc: Reading
    exchange_balance_btc_updated_timestamp_seconds: Reading
    equity_usdt: Reading
    equity_usdt_updated_timestamp_seconds: Reading
    unrealised_pnl_usdt: Reading
    realised_pnl_today_usdt: Reading
    daily_loss_usdt: Reading
    daily_loss_limit_usdt: Reading
    balance_difference_usdt: Reading
    db_connections_active: Reading
    db_connections_idle: Reading
    db_connections_max: Reading
    db_connection_errors_total: Counter
    db_query_duration_seconds: Histogram
    db_transactions_total: Counter
    bot_trading_mode: Gauge
    bot_trading_enabled: Reading
    bot_ready: Reading
    bot_switch_level: Reading
    bot_switch_changed_timestamp_seconds: Reading
    bot_lease_held: Reading
    notices_total: Counter
    notices_lost_total: Counter
    notices_failing: Reading


# What the client library makes by itself: memory, files, processor time and age of the process.
_LIBRARY = "process_"


class CatalogueError(Exception):
    """The catalogue and the code disagree about what the bot measures."""


def instruments(catalogue: Iterable[Metric], registry: CollectorRegistry) -> Metrics:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ours = {metric.name: metric for metric in catalogue if _is_ours(metric)}
    wanted = get_type_hints(Metrics)
    problems = [
        *(f"{name} is in the bot but not in config/metrics.yaml" for name in sorted(wanted.keys() - ours)),
        *(
            f"{name} is in config/metrics.yaml but not in bot/metrics.py"
            for name in sorted(ours.keys() - wanted)
        ),
    ]
    made = {name: _MAKE[metric.type](metric, registry) for name, metric in ours.items() if name in wanted}
    problems += [
        f"{name} is a {ours[name].type}{' with labels' if ours[name].labels else ''} in config/metrics.yaml, "
        f"but a {wanted[name].__name__} in bot/metrics.py"
        for name, instrument in made.items()
        if not isinstance(instrument, wanted[name])
    ]
    if problems:
        raise CatalogueError("; ".join(problems))
    ProcessCollector(registry=registry)
    return Metrics(**made)


def _is_ours(metric: Metric) -> bool:
    return metric.job == "bot" and not metric.planned and not metric.name.startswith(_LIBRARY)


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    counter = Counter(metric.name, metric.help, list(metric.labels), registry=registry)
    _start_at_zero(metric, counter.labels)
    return counter


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    buckets = [float(bound) for bound in metric.buckets]
    histogram = Histogram(metric.name, metric.help, list(metric.labels), registry=registry, buckets=buckets)
    _start_at_zero(metric, histogram.labels)
    return histogram


def _gauge(metric: Metric, registry: CollectorRegistry) -> Gauge | Reading:
    if metric.labels:
        return Gauge(metric.name, metric.help, list(metric.labels), registry=registry)
    return Reading(metric.name, metric.help, registry)


def _start_at_zero(metric: Metric, child: Callable[..., object]) -> None:
    if metric.labels:
        for values in product(*metric.labels.values()):
            child(*values)


_MAKE: dict[str, Callable[[Metric, CollectorRegistry], Any]] = {
    "counter": _counter,
    "gauge": _gauge,
    "histogram": _histogram,
}
