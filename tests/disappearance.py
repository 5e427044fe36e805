"""A quiet world from which one metric, or one target, disappears: which alerts fire, and how soon?

Everything of the catalogue is there and well, for as long as the longest window looks back. Then promtool
evaluates the generated rules that read what is gone; which ones these are is told by their expressions.
"""

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from config.spec.model import Metric, Project
from observability.infer import exported_names
from observability.promql import metric_names
from observability.verify.tool import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Minutes: between two evaluations, until it disappears, and until we stop looking."""

    step: int
    gone: int
    end: int


# Most is noticed soon; only what is not is looked at for longer, after windows of a day were full.
SOON, LATE = Look(step=1, gone=60, end=4 * 60), Look(step=2, gone=26 * 60, end=57 * 60)
_UP = "up"
# By the minute what is not 0 in a quiet world: a value, `+` and what it grows by, or the time.
_NOW = "now"
_TIMES = ("_updated_timestamp_seconds", "_last_message_timestamp_seconds", "_last_verified_timestamp_seconds")
QUIET: dict[str, str | int | float] = {
    "signals_received_total": "+1",
    "signal_verdicts_total": "+1",
    "orders_total": "+1",
    "order_processing_seconds": "+1",
    "telegram_connected": 1,
    "bingx_api_calls_total": "+60",
    "bingx_order_execution_seconds": "+1",
    "exchange_balance_usdt": 1000,
    "exchange_balance_btc": 0.01,
    "equity_usdt": 1000,
    "daily_loss_limit_usdt": 50,
    "position_liquidation_distance_ratio": 0.5,
    "bot_trading_enabled": 1,
    "bot_ready": 1,
    "bot_lease_held": 1,
    "process_resident_memory_bytes": 60_000_000,
    "process_open_fds": 20,
    "process_max_fds": 1024,
    "db_connections_active": 1,
    "db_connections_max": 10,
    "db_query_duration_seconds": "+30",
    "db_transactions_total": "+30",
    "pg_up": 1,
    "pg_database_size_bytes": 10_000_000,
    "pg_settings_max_connections": 100,
    "pg_stat_activity_count": 1,
    "pg_stat_user_tables_n_live_tup": 10_000,
    "node_cpu_seconds_total": "+50",
    "node_memory_MemAvailable_bytes": 4_000_000_000,
    "node_memory_MemTotal_bytes": 8_000_000_000,
    "node_filesystem_avail_bytes": 50_000_000_000,
    "node_filesystem_size_bytes": 100_000_000_000,
    "checklist_last_run_timestamp_seconds": _NOW,
    "checklist_period_seconds": 86_400,
    "prometheus_config_last_reload_successful": 1,
    "alertmanager_config_last_reload_successful": 1,
    "alertmanager_notifications_total": "+1",
}
# What a label is whose values no catalogue can know; and values that there are in an ordinary time alone.
_LABELS = {"mountpoint": "/", "fstype": "ext4"}
_ORDINARY = {"bot_trading_mode": {"mode": "simulator"}}
_FIRES = re.compile(r"\{([^{}]*alertname=[^{}]*)\} ([0-9.eE+-]+)")
_LABEL = re.compile(r'(\w+)=\\?"([^"\\]*)\\?"')


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Noticed:
    """An alert that fires, and how many minutes after the disappearance it does."""

    after: int
    alert: str
    severity: str


class NotQuietError(Exception):
    """Something fires although nothing has disappeared yet."""


class Disappearance:
    """Asks what becomes of a disappearance by some rule files, as `generate` makes them."""

    def __init__(self, project: Project, files: Mapping[str, str]) -> None:
        self._project = project
        texts = [text for path, text in files.items() if path.startswith("rules/")]
        self._groups = [group for text in texts for group in yaml.safe_load(text)["groups"]]

    def of_metric(self, metric: Metric) -> list[Noticed]:
        """Return who notices that an exporter goes on without this metric."""
        gone, names = {metric.name}, set(exported_names(metric))
        return self._noticed(SOON, gone, names) or self._noticed(LATE, gone, names)

    def of_job(self, job: str) -> list[Noticed]:
        """Return who notices that every target of a job is down."""
        mine = [metric for metric in self._project.catalogue.metrics.values() if metric.job == job]
        names = {name for metric in mine for name in exported_names(metric)}
        return self._noticed(SOON, {metric.name for metric in mine}, {*names, _UP}, down=job)

    def readers(self, metric: Metric) -> list[str]:
        """Return the alerts that read a metric, through measures too."""
        affected = self._affected(set(exported_names(metric)))
        return list(dict.fromkeys(rule["alert"] for rule in self._rules if rule.get("alert") in affected))

    @cached_property
    def _rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._groups for rule in group["rules"]]

    @cached_property
    def _reads(self) -> list[tuple[str, set[str]]]:
        """What each rule is called and reads."""
        return [
            (rule.get("alert") or rule["record"], set(metric_names(rule["expr"]))) for rule in self._rules
        ]

    def _affected(self, names: Collection[str]) -> set[str]:
        """Return the names of the rules that read one of the names, or what such a rule records."""
        found = set(names)
        while more := {name for name, reads in self._reads if reads & found} - found:
            found |= more
        return found - set(names)

    def _needed(self, names: Collection[str]) -> set[str]:
        """Return all that rules of these names read, and these themselves."""
        found = set(names)
        while more := {one for name, reads in self._reads if name in found for one in reads} - found:
            found |= more
        return found

    def _noticed(self, look: Look, gone: set[str], names: set[str], down: str = "") -> list[Noticed]:
        alerts = {rule["alert"] for rule in self._rules if "alert" in rule} & self._affected(names)
        if not alerts:
            return []
        needed = self._needed(alerts)
        groups = [
            {
                **group,
                "rules": [rule for rule in group["rules"] if rule.get("alert", rule.get("record")) in needed],
            }
            for group in self._groups
        ]
        test = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": f"{look.step}m",
            "group_eval_order": [group["name"] for group in groups],
            "tests": [
                {
                    "interval": f"{look.step}m",
                    "input_series": [*self._series(look, needed, gone), *self._targets(look, down)],
                    "promql_expr_test": [_first_firing(look)],
                }
            ],
        }
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "rules.yml").write_text(yaml.safe_dump({"groups": groups}), "utf-8")
            Path(folder, "test.yml").write_text(yaml.safe_dump(test, width=10_000), "utf-8")
            good, said = run("promtool", "test", "rules", "test.yml", cwd=Path(folder))
        found = {} if good else dict(_read(said))
        if not good and not found:
            raise AssertionError(said)
        if early := [f"{one} at {minute}m" for one, minute in found.items() if minute < look.gone]:
            raise NotQuietError(", ".join(early))
        return sorted(
            Noticed(after=minute - look.gone, alert=alert, severity=severity)
            for (alert, severity), minute in found.items()
        )

    def _series(self, look: Look, needed: set[str], gone: set[str]) -> Iterator[dict[str, str]]:
        for metric in self._project.catalogue.metrics.values():
            lasts = look.gone if metric.name in gone else look.end
            for name in exported_names(metric):
                if name in needed and not metric.planned:
                    for labels in _labels(metric, name):
                        yield {"series": _named(name, labels), "values": _values(look, metric, name, lasts)}

    def _targets(self, look: Look, down: str) -> Iterator[dict[str, str]]:
        up, rest = look.gone // look.step - 1, (look.end - look.gone) // look.step
        for job in self._project.scrape.jobs:
            values = f"1x{up} 0x{rest}" if job == down else f"1x{up + rest}"
            yield {"series": _named(_UP, _target(job)), "values": values}


def all_noticed(asked: Disappearance, project: Project, names: Collection[str]) -> dict[str, list[Noticed]]:
    """Return who notices the disappearance of each of these metrics, some asked at a time."""
    metrics = [project.catalogue.metrics[name] for name in names]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(asked.of_metric, metrics), strict=True))


def _first_firing(look: Look) -> dict[str, Any]:
    """Ask when each alert fires for the first time; promtool tells it as what it did not expect."""
    first = f'min_over_time(timestamp(ALERTS{{alertstate="firing"}})[{look.end}m:{look.step}m])'
    return {"expr": f"min by (alertname, severity) ({first})", "eval_time": f"{look.end}m", "exp_samples": []}


def _read(said: str) -> Iterator[tuple[tuple[str, str], int]]:
    for labels, at in _FIRES.findall(said):
        told = dict(_LABEL.findall(labels))
        yield (told["alertname"], told["severity"]), round(float(at) / 60)


def _labels(metric: Metric, name: str) -> Iterator[dict[str, str]]:
    possible = {label: values or (_LABELS.get(label, "a"),) for label, values in metric.labels.items()} | {
        label: (value,) for label, value in _ORDINARY.get(metric.name, {}).items()
    }
    if name.endswith("_bucket") and metric.type == "histogram":
        possible["le"] = (*(str(float(bound)) for bound in metric.buckets), "+Inf")
    for values in product(*possible.values()):
        yield {**dict(zip(possible, values, strict=True)), **_target(metric.job)}


def _target(job: str) -> dict[str, str]:
    return {"job": job, "instance": f"{job}:1", "environment": "test"}


def _named(name: str, labels: Mapping[str, str]) -> str:
    told = ", ".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{told}}}"


def _values(look: Look, metric: Metric, name: str, lasts: int) -> str:
    """Return the values of a series in promtool's notation, until it disappears for good."""
    told = _NOW if metric.name.endswith(_TIMES) else QUIET.get(metric.name, 0)
    if name.endswith("_sum") and metric.type == "histogram":
        told = 0
    if told == _NOW:
        text = f"0+{look.step * 60}"
    elif isinstance(told, str):
        text = f"0+{look.step * int(told)}"
    else:
        text = f"{told}+0"
    return f"{text}x{lasts // look.step - 1}" + (" stale" if lasts < look.end else "")
