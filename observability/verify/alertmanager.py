"""amtool on configuration, and on the way of every alert in every environment."""

from collections.abc import Iterator
from pathlib import Path

from config.spec.model import Project
from config.spec.problem import Problem
from observability.names import DAILY_DIGEST, DIGEST_SEVERITY, HEARTBEAT_SEVERITY, WATCHDOG
from observability.render.alertmanager import receiver_of
from observability.verify.tool import run, run_all


def verify(project: Project, out: Path) -> Iterator[Problem]:
    """Yield a problem for each configuration that amtool refuses and each alert that goes astray."""
    for name, environment in project.environments.items():
        config = f"{name}/alertmanager.yml"
        good, said = run("amtool", "check-config", config, cwd=out)
        if not good:
            yield Problem(environment.where(), said, "amtool/config")
            continue
        ways = list(_ways(project))
        calls = [_call(config, *way) for way in ways]
        for (alert, severity, receiver), (good, said) in zip(ways, run_all(calls, cwd=out), strict=True):
            if not good:
                message = f"{alert} of severity {severity} does not reach {receiver} in {name}: {said}"
                yield Problem(project.routing.where(), message, "amtool/routes")


def _call(config: str, alert: str, severity: str, receiver: str) -> tuple[str, ...]:
    labels = (f"alertname={alert}", f"severity={severity}")
    wanted = f"--verify.receivers={receiver}"
    return "amtool", "config", "routes", "test", f"--config.file={config}", wanted, *labels


def _ways(project: Project) -> Iterator[tuple[str, str, str]]:
    """Yield each alert with its severity and the receiver that it must reach."""
    for alert in project.alerts.values():
        for severity in alert.levels:
            yield alert.name, severity, receiver_of(project, severity)
    yield WATCHDOG, HEARTBEAT_SEVERITY, "heartbeat"
    yield DAILY_DIGEST, DIGEST_SEVERITY, "digest"
