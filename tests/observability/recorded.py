"""A real Prometheus filled with known history, and promtool's word on what rules make of the same."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from observability.verify.tool import find

STEP = 60_000  # milliseconds between two samples, and two evaluations
_LISTENS = re.compile(r'msg="?Listening on"? .*address=127\.0\.0\.1:(\d+)')
_FIRES = 'ALERTS{alertstate="firing"}'
_READY = "ready to receive web requests"
# The values of a series, a step apart; None where there is no sample.
History = Mapping[str, Sequence[float | None]]


@contextmanager
def serving(folder: Path, history: History, start: int) -> Iterator[str]:
    """Run a Prometheus that has a history which begins at `start`, ms since 1970; give its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    text, blocks = folder / "history.txt", folder / "blocks"
    text.write_text(_openmetrics(history, start), "utf-8")
    made = [find("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q", str(text), str(blocks)]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("{}", "utf-8")
    command = [find("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={blocks}"]
    server = subprocess.Popen(
        [*command, "--web.listen-address=127.0.0.1:0", "--storage.tsdb.retention.time=10y"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield f"http://127.0.0.1:{_port(server)}"
    finally:
        server.kill()
        server.communicate()


def _port(server: "subprocess.Popen[str]") -> str:
    assert server.stderr is not None
    port, said = "", []
    for line in server.stderr:
        said.append(line)
        port = found[1] if (found := _LISTENS.search(line)) else port
        if _READY in line:
            assert port, "".join(said)
            return port
    raise AssertionError(f"Prometheus ended: {''.join(said)}")


def _openmetrics(history: History, start: int) -> str:
    """Write the history; promtool reads every sample of a name before those of the next."""
    lines: dict[str, list[str]] = {}
    for series, values in history.items():
        name = series.partition("{")[0]
        told = lines.setdefault(name, [f"# TYPE {name} unknown"])
        times = (f"{(start + i * STEP) / 1000:.3f}" for i in range(len(values)))
        told += [
            f"{series} {value} {at}" for value, at in zip(values, times, strict=True) if value is not None
        ]
    return "\n".join([*(line for told in lines.values() for line in told), "# EOF\n"])


def promtool_says(
    folder: Path, rules: str, history: History, firing: Sequence[Sequence[Mapping[str, str]]]
) -> str:
    """Return what promtool objects where `firing` has the labels of all that fires at each step."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(rules, "utf-8")
    series = [
        {"series": series, "values": " ".join("_" if value is None else str(value) for value in values)}
        for series, values in history.items()
    ]
    step, last = f"{STEP // 1000}s", f"{(len(firing) - 1) * STEP // 1000}s"
    window = f"[{len(firing) * STEP // 1000}s:{step}]"
    # In one question to promtool each: what fires and should not, and what should and does not.
    differences = (f"{_FIRES} unless expected", f"expected unless {_FIRES}")
    asked = [f"count_over_time(({difference}){window})" for difference in differences]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": step,
        # Without it promtool takes the groups in any order, and alerts may read what was recorded before.
        "group_eval_order": [group["name"] for group in yaml.safe_load(rules)["groups"]],
        "tests": [
            {
                "interval": step,
                "input_series": series + list(_expected(firing)),
                "promql_expr_test": [{"expr": expr, "eval_time": last, "exp_samples": []} for expr in asked],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test, sort_keys=False, width=10_000), "utf-8")
    command = [find("promtool"), "test", "rules", "test.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _expected(firing: Sequence[Sequence[Mapping[str, str]]]) -> Iterator[dict[str, str]]:
    """Yield a series for all labels that fire at any step; it is there when they do, and marked as gone."""
    steps = [{tuple(sorted(labels.items())) for labels in every} for every in firing]
    for labels in sorted(set().union(*steps)):
        values = " ".join("1" if labels in every else "stale" for every in steps)
        told = ", ".join(f'{name}="{value}"' for name, value in [*labels, ("alertstate", "firing")])
        yield {"series": f"expected{{{told}}}", "values": values}
