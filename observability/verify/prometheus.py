"""promtool on configuration, rules and tests."""

from collections.abc import Iterator
from pathlib import Path

from config.spec.model import Project
from config.spec.problem import Problem
from observability.verify import rule_tests
from observability.verify.tool import run, run_all


def verify(project: Project, out: Path) -> Iterator[Problem]:
    """Yield a problem for each file that promtool refuses, at the spec that it is made from."""
    for name, environment in project.environments.items():
        good, said = run("promtool", "check", "config", f"{name}/prometheus.yml", cwd=out)
        if not good:
            yield Problem(environment.where(), said, "promtool/config")
    rules = sorted(path.relative_to(out).as_posix() for path in (out / "rules").glob("*.yml"))
    good, said = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *rules, cwd=out)
    if not good:
        yield Problem(project.bundle.where(), said, "promtool/rules")
        return
    calls = [
        ("promtool", "test", "rules", f"--junit={_report(name)}", f"tests/{name}.yml")
        for name in project.alerts
    ]
    for alert, (good, said) in zip(project.alerts.values(), run_all(calls, cwd=out), strict=True):
        if not good:
            yield from rule_tests.failures(alert, out / _report(alert.name), said)


def _report(alert: str) -> str:
    return f"{alert}.junit.xml"
