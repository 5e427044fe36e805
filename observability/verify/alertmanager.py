"""amtool on configuration, and on the way of every alert in every environment."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from config.spec.model import Project
from config.spec.problem import Problem
from observability.names import DAILY_DIGEST, DIGEST_SEVERITY, HEARTBEAT_SEVERITY, WATCHDOG
from observability.render.alertmanager import receiver_of
from observability.verify.tool import run, run_all

Way = tuple[str, str, str]  # alert, severity, and the receiver that it must reach
_EQUAL = re.compile(r'(\w+)="([^"\\]*)"')


def verify(project: Project, out: Path) -> Iterator[Problem]:
    """Yield a problem for each configuration that amtool refuses and each alert that goes astray."""
    for name, environment in project.environments.items():
        config = f"{name}/alertmanager.yml"
        good, said = run("amtool", "check-config", config, cwd=out)
        if not good:
            yield Problem(environment.where(), said, "amtool/config")
            continue
        alike = _alike(_ways(project), (out / config).read_text("utf-8"))
        calls = [_call(config, *ways[0]) for ways in alike]
        for ways, (good, said) in zip(alike, run_all(calls, cwd=out), strict=True):
            if not good:
                message = f"{_shown(ways)} in {name}: {said}"
                yield Problem(project.routing.where(), message, "amtool/routes")


def _alike(ways: Iterable[Way], config: str) -> list[list[Way]]:
    """Put the ways together that no route can tell apart, so that one of them is proof for all."""
    matchers = _matchers(yaml.load(config, yaml.CSafeLoader)["route"])
    found: dict[object, list[Way]] = {}
    for way in ways:
        alert, severity, receiver = way
        labels = {("alertname", alert), ("severity", severity)}
        key = (alert, severity) if matchers is None else frozenset(labels & matchers)
        found.setdefault((key, receiver), []).append(way)
    return list(found.values())


def _matchers(route: dict[str, Any]) -> set[tuple[str, str]] | None:
    """Return the labels and values that a route and those below want; None where one wants more than that."""
    if not route.keys().isdisjoint(("match", "match_re")):
        return None
    found: set[tuple[str, str]] = set()
    for text in route.get("matchers") or ():
        if not (equal := _EQUAL.fullmatch(text)):
            return None
        found.add((equal[1], equal[2]))
    for child in route.get("routes") or ():
        if (below := _matchers(child)) is None:
            return None
        found |= below
    return found


def _shown(ways: list[Way]) -> str:
    alert, severity, receiver = ways[0]
    more = f" and {len(ways) - 1} more like it do" if len(ways) > 1 else " does"
    return f"{alert} of severity {severity}{more} not reach {receiver}"


def _call(config: str, alert: str, severity: str, receiver: str) -> tuple[str, ...]:
    labels = (f"alertname={alert}", f"severity={severity}")
    wanted = f"--verify.receivers={receiver}"
    return "amtool", "config", "routes", "test", f"--config.file={config}", wanted, *labels


def _ways(project: Project) -> Iterator[Way]:
    """Yield each alert with its severity and the receiver that it must reach."""
    for alert in project.alerts.values():
        for severity in alert.levels:
            yield alert.name, severity, receiver_of(project, severity)
    yield WATCHDOG, HEARTBEAT_SEVERITY, "heartbeat"
    yield DAILY_DIGEST, DIGEST_SEVERITY, "digest"
