"""What a silence keeps quiet, by a true Alertmanager."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts.stack.home import TOOLS
from scripts.stack.ports import Ports
from tests.runbooks.databases import LIBRARIES, ROOT, TEMPLATES

pytestmark = pytest.mark.stack

# They tell of positions, stops, money, and of who else trades.
GRAVE = (
    *yaml.safe_load((ROOT / "config" / "alerts" / "money.yaml").read_text("utf-8"))["alerts"],
    *("ForeignOrder", "UnexpectedLiveTrading", "SecondInstance", "Watchdog"),
)


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    port = Ports.free().alertmanager
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    flags = (f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--storage.path=data")
    command = [str(TOOLS / "alertmanager"), "--config.file=alertmanager.yml", *flags]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log) as one,
    ):
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{url}/-/ready").close()
                break
            except OSError:
                assert time.monotonic() < end, "Alertmanager does not start"
                time.sleep(0.02)
        yield url
        one.terminate()


def speaks(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts?silenced=false") as answer:
        return sorted(alert["labels"]["alertname"] for alert in json.load(answer))


def test_no_silence_is_for_what_costs_money(alertmanager: str) -> None:
    """Whatever is asked for: `.*` is soon typed."""
    alerts = [{"labels": {"alertname": name}} for name in (*GRAVE, "BotDown")]
    header = {"Content-Type": "application/json"}
    body = json.dumps(alerts).encode()
    urllib.request.urlopen(urllib.request.Request(f"{alertmanager}/api/v2/alerts", body, header)).close()
    assert speaks(alertmanager) == sorted((*GRAVE, "BotDown"))
    parts = (TEMPLATES / "json.sh", TEMPLATES / "prelude.sh", LIBRARIES / "silence.sh")
    words = "; ".join(f". '{part}'" for part in parts)
    subprocess.run(
        ["bash", "-Eeuo", "pipefail", "-c", f"{words}; silence_begin '.*' 5 'a test'"],
        env={
            "PATH": "/usr/bin:/bin",
            "ALERTMANAGER_URL": alertmanager,
            "RUNBOOK_ID": "test",
            "RUNBOOK_STEP_KIND": "action",
        },
        check=True,
    )
    assert speaks(alertmanager) == sorted(GRAVE)
