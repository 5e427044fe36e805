"""promtool on configuration, rules and tests."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from config.spec.model import Project
from config.spec.problem import Problem
from observability.render import edge_tests
from observability.render import rule_tests as people_tests
from observability.verify import needed_rules, rule_tests
from observability.verify.tool import run, run_all
from observability.write import lay_out


def verify(project: Project, files: Mapping[str, str], out: Path) -> Iterator[Problem]:
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
    lay_out(out, needed_rules.with_needed_rules(project, files))
    yield from _tested(project, files, out)


def _tested(project: Project, files: Mapping[str, str], out: Path) -> Iterator[Problem]:
    """Run the tests of every alert; the longest begin first, so that none runs alone at the end."""
    longest_first = sorted(project.alerts.values(), key=rule_tests.length, reverse=True)
    calls = [
        ("promtool", "test", "rules", f"--junit={_report(alert.name)}", *_tests(alert.name, files))
        for alert in longest_first
    ]
    told = dict(zip((alert.name for alert in longest_first), run_all(calls, cwd=out), strict=True))
    for alert in project.alerts.values():
        good, said = told[alert.name]
        if not good:
            shown = said.replace(f"{needed_rules.folder_of(alert.name)}/", "")
            yield from rule_tests.failures(alert, out / _report(alert.name), shown)


def _tests(alert: str, files: Mapping[str, str]) -> list[str]:
    """Return the tests of an alert, people's first, beside the rules that they need."""
    paths = (told.path_of(alert) for told in (people_tests, edge_tests))
    return [f"{needed_rules.folder_of(alert)}/{path}" for path in paths if path in files]


def _report(alert: str) -> str:
    return f"{alert}.junit.xml"
