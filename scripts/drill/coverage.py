"""When each alert was last drilled, and how that ended: kept, told to Prometheus, and a gate."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.spec.model import Project
from scripts.drill.verdict import Drill, Verdict
from scripts.drill.wording import span

_FILE, _METRICS = "last.json", "drills.prom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last drill of an alert that had a verdict, and the last one that passed; aware UTC."""

    at: datetime
    verdict: Verdict
    passed: datetime | None


def read(folder: Path) -> dict[str, Last]:
    """Return what is known of each alert; raise ValueError for a file that somebody has spoiled."""
    file = folder / _FILE
    if not file.exists():
        return {}
    return {name: _last(kept) for name, kept in json.loads(file.read_text("utf-8")).items()}


def keep(folder: Path, drills: Iterable[Drill]) -> dict[str, Last]:
    """Add drills to what is known, and return all of it; one without a verdict changes nothing."""
    known = read(folder)
    for drill in drills:
        if drill.finished and drill.verdict is not Verdict.HARNESS:
            before = known.get(drill.alert)
            passed = drill.finished if drill.passed else before.passed if before else None
            known[drill.alert] = Last(at=drill.finished, verdict=drill.verdict, passed=passed)
    data = {
        name: {
            "at": last.at.isoformat(),
            "verdict": last.verdict.value,
            "passed": last.passed and last.passed.isoformat(),
        }
        for name, last in sorted(known.items())
    }
    _write(folder / _FILE, json.dumps(data, indent=2) + "\n")
    return known


def tell(textfile: Path, project: Project, known: Mapping[str, Last]) -> None:
    """Leave for node_exporter how many alerts there are by the end of their last drill, and the oldest."""
    ends = [known[name].verdict.value if name in known else "never" for name in project.alerts]
    lines = ["# HELP drill_alerts Alerts, by how their last drill ended", "# TYPE drill_alerts gauge"]
    lines += [
        f'drill_alerts{{verdict="{verdict}"}} {ends.count(verdict)}'
        for verdict in ("passed", "failed", "never")
    ]
    passed = [known[name].passed for name in project.alerts if name in known]
    times = [moment.timestamp() for moment in passed if moment]
    if times:
        name = "drill_oldest_pass_timestamp_seconds"
        lines += [
            f"# HELP {name} When the alert passed its drill whose last pass is the oldest",
            f"# TYPE {name} gauge",
        ]
        lines.append(f"{name} {min(times):.0f}")
    _write(textfile / _METRICS, "\n".join(lines) + "\n")


def tell_all_passed(textfile: Path, project: Project) -> None:
    """Leave what drills of every alert leave, where to play them would take longer than all the rest."""
    now = datetime.now(UTC)
    passed = Last(at=now, verdict=Verdict.PASSED, passed=now)
    tell(textfile, project, dict.fromkeys(project.alerts, passed))


def gaps(
    project: Project, known: Mapping[str, Last], excused: Mapping[str, str], now: datetime, most: timedelta
) -> list[str]:
    """Return a sentence for each alert that did not pass a drill within so long, and is not excused."""
    found = []
    for name in project.alerts:
        last = known.get(name)
        if name in excused:
            continue
        if last is None:
            found.append(f"{name} was never drilled")
        elif last.verdict is not Verdict.PASSED:
            found.append(f"{name} failed its last drill, {span((now - last.at).total_seconds())} ago")
        elif last.passed and now - last.passed > most:
            found.append(f"{name} was drilled last {span((now - last.passed).total_seconds())} ago")
    return found


def as_table(project: Project, known: Mapping[str, Last], excused: Mapping[str, str], now: datetime) -> str:
    """Return a line for each alert: its runbook, and how and when its last drill ended."""
    rows = []
    for name, alert in project.alerts.items():
        last = known.get(name)
        end = f"{last.verdict.value} {span((now - last.at).total_seconds())} ago" if last else "never"
        rows.append((name, alert.runbook, f"no drill: {excused[name]}" if name in excused else end))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in rows)


def _last(kept: Mapping[str, str | None]) -> Last:
    passed = kept["passed"]
    return Last(
        at=datetime.fromisoformat(str(kept["at"])),
        verdict=Verdict(kept["verdict"]),
        passed=datetime.fromisoformat(passed) if passed else None,
    )


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, "utf-8")
    new.replace(file)
