"""Runbooks about process, Telegram, signals and monitoring: each names what is wrong in a true stack."""

import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.stack.ports import Ports, variable
from tests.runbooks.databases import ROOT

pytestmark = pytest.mark.stack

# A few runbooks in every run; BOT_RUNBOOKS_COUNT=99 takes all.
COUNT = int(os.environ.get("BOT_RUNBOOKS_COUNT", "2"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
BOUND = 90
STALE = "stale: 300 s old"
FAULT = "fault: a fault of ours: ValueError; see the log"
TWO_PLACES = {"revoked": "AUTH_KEY_DUPLICATED", "drop": True}


class Stack:
    """A running `python -m scripts.stack`, with what goes wrong in it."""

    def __init__(self, home: Path) -> None:
        self.home, self.ports = home, Ports.free()
        settings = {variable(name): str(port) for name, port in asdict(self.ports).items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.stack", "--home", str(home)],
            env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if "Tradewatch is ready" in line:
                return
        raise AssertionError(said)

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=BOUND)

    def call(self, service: str, path: str, told: object = None, method: str | None = None) -> Any:
        url = f"http://127.0.0.1:{getattr(self.ports, service)}{path}"
        data = None if told is None else json.dumps(told).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=10) as answer:
            return answer.read().decode()

    def status(self, *path: str) -> Any:
        value = json.loads(self.call("bot", "/status"))
        for key in path:
            value = value[key]
        return value

    def watches(self) -> bool:
        """Whether Prometheus has its targets, which takes seconds after its start, and each answers."""
        told = json.loads(self.call("prometheus", "/api/v1/targets?state=active"))["data"]["activeTargets"]
        return bool(told) and all(target["health"] == "up" for target in told)

    def supervisor(self, *words: str) -> None:
        configuration = str(self.home / "supervisord.conf")
        # It ends with 3 when it tells of a service that does not run.
        subprocess.run(["supervisorctl", "-c", configuration, *words], check=False, capture_output=True)

    def sql(self, text: str) -> None:
        variables = {"PGHOST": "127.0.0.1", "PGPORT": str(self.ports.postgres), "PGUSER": "postgres"}
        variables |= {"PGDATABASE": "trading_bot", "PGPASSFILE": str(self.home / "secrets" / "pgpass")}
        command = [str(ROOT / ".tools/bin/psql"), "-XwqAt", "-v", "ON_ERROR_STOP=1", "-c", text]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **variables})

    def run(self, runbook: str, *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "runbooks" / f"{runbook}.sh", "--run-dir", self.home / "runs", *flags],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "TRADEWATCH_HOME": str(self.home)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack") / "home")
    yield running
    running.close()


def until(holds: Callable[[], bool]) -> None:
    """There is no event to await: what answers is another process."""
    end = time.monotonic() + BOUND
    while True:
        try:
            if holds():
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError, KeyError):
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


Change = Callable[[Stack], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault, what the runbook says of it, and how it is mended: by hand, or by a step of the runbook."""

    runbook: str
    fault: Change
    says: str
    mend: Change | str
    flags: Sequence[str] = ()
    well: Sequence[str] | None = None  # other flags where nothing is wrong


def telegram(told: dict[str, object]) -> Change:
    def fault(stack: Stack) -> None:
        stack.call("simulator", "/control/telegram/faults", told)
        until(lambda: stack.status("telegram", "connected") is False)
        if "revoked" in told:
            until(lambda: "gave up" in stack.status("telegram", "reason"))

    return fault


def heard_again(stack: Stack) -> None:
    stack.call("simulator", "/control/telegram/faults", method="DELETE")
    until(lambda: stack.status("telegram", "connected") is True)


def restarted(stack: Stack) -> None:
    """The runbook's own action, once nothing stands against it."""
    stack.call("simulator", "/control/telegram/faults", method="DELETE")
    ran = stack.run("telegram_disconnected", "--step", "restart", "--yes")
    assert ran.returncode == 0, ran.stdout
    assert stack.status("telegram", "connected") is True


def notices(told: dict[str, object]) -> Change:
    return lambda stack: stack.call("sink", "/telegram/faults", told)


def notices_again(stack: Stack) -> None:
    stack.call("sink", "/telegram/faults", method="DELETE")
    until(lambda: stack.status("notices", "failing") == {})


def ended(service: str) -> Change:
    return lambda stack: stack.supervisor("stop", service)


def answers_badly(stack: Stack) -> None:
    stack.call("simulator", "/control/faults", {"http_status": 502})
    until(lambda: stack.status("health", "checks", "exchange", "ok") is False)


def answers_well(stack: Stack) -> None:
    stack.call("simulator", "/control/faults", method="DELETE")
    until(lambda: stack.status("health", "ready") is True)


def stored(reason: str, verdict: str) -> Change:
    return lambda stack: stack.sql(
        "INSERT INTO signals (source, chat, message_id, message, verdict, reason)"
        f" VALUES ('telegram', '1', 'staged', 'BUY BTCUSDT 0.1', '{verdict}', '{reason}')"
    )


def forgotten(stack: Stack) -> None:
    stack.sql("DELETE FROM signals WHERE message_id = 'staged'")


def taken_lease(stack: Stack) -> None:
    stack.sql("UPDATE lease SET holder = 'another', epoch = epoch + 1, until = now() + interval '1 hour'")
    until(lambda: stack.status("lease", "held") is False)


def free_lease(stack: Stack) -> None:
    stack.sql("UPDATE lease SET until = now()")
    until(lambda: stack.status("health", "ready") is True)


def armed(stack: Stack) -> None:
    (stack.home / "tradewatch-armed").touch()


def disarmed(stack: Stack) -> None:
    (stack.home / "tradewatch-armed").unlink()


def took(stack: Stack) -> bool:
    return "alertmanager_config_last_reload_successful 1" in stack.call("alertmanager", "/metrics")


def bad_configuration(stack: Stack) -> None:
    file = stack.home / "config/local/alertmanager.yml"
    file.with_suffix(".good").write_text(file.read_text())
    file.write_text("route: nowhere\n")
    stack.supervisor("signal", "HUP", "alertmanager")
    until(lambda: not took(stack))


def good_configuration(stack: Stack) -> None:
    file = stack.home / "config/local/alertmanager.yml"
    file.write_text(file.with_suffix(".good").read_text())
    ran = stack.run("monitoring_rules", "--step", "reload", "--yes")
    assert ran.returncode == 0, ran.stdout
    assert took(stack)


def nothing(_: Stack) -> None:
    """The fault is in the flags."""


CASES = (
    Case(runbook="telegram_api", fault=notices({"method": "getMe", "status": 401}), mend=notices_again,
         says="the token is revoked or wrong"),
    Case(runbook="bot_down", fault=ended("bot"), mend="start",
         says="the bot's process has ended, and nobody starts it"),
    Case(runbook="target_down", fault=ended("node_exporter"), mend="start", says="node-exporter is stopped"),
    Case(runbook="quick_diagnosis", fault=answers_badly, mend=answers_well,
         says="the exchange does not answer the bot"),
    Case(runbook="signal_processing_errors", fault=stored(FAULT, "unreadable"), mend=forgotten,
         says="1 signals of the last twelve hours met a fault of the bot itself"),
    Case(runbook="telegram_disconnected", fault=telegram(TWO_PLACES), mend=restarted,
         says="the session was used from two places at once"),
    Case(runbook="notices_failing", fault=notices({"method": "getChat", "status": 403}), mend=notices_again,
         says="the bot was blocked by the person"),
    Case(runbook="bot_not_ready", fault=answers_badly, mend=answers_well,
         says="the exchange does not answer from here either"),
    Case(runbook="second_instance", fault=taken_lease, mend=free_lease, says="ours does not hold the lease"),
    Case(runbook="no_signals", fault=telegram({"down": True}), mend=heard_again,
         says="there is no connection to Telegram"),
    Case(runbook="telegram_channel_silent", fault=telegram({"down": True}), mend=heard_again,
         says="there is no connection to Telegram"),
    Case(runbook="telegram_gap", fault=stored(STALE, "refused"), mend=forgotten,
         says="1 signals of the last six hours were refused because they came too late"),
    Case(runbook="signal_processing", fault=nothing, mend=nothing, flags=("--set", "message=good morning"),
         says="the message would not be traded (ignored)"),
    Case(runbook="unexpected_live_trading", fault=armed, mend=disarmed, says="armed for live trading by"),
    Case(runbook="application_recovery", fault=ended("bot"), mend="restart",
         says="the bot's process has ended", well=("--step", "cause")),
    # Whether the Watchdog has arrived depends on when Prometheus began; whether the generated files are those
    # of the specs depends on the checkout.
    Case(runbook="monitoring_delivery", fault=ended("alertmanager"), mend="start",
         says="Alertmanager is not ready", well=("--step", "ways")),
    Case(runbook="monitoring_rules", fault=bad_configuration, mend=good_configuration,
         says="Alertmanager refused its new configuration", flags=("--step", "taken"),
         well=("--step", "taken")),
    # A machine that runs tests is busy.
    Case(runbook="performance", fault=ended("bot"), mend=lambda stack: stack.supervisor("start", "bot"),
         says="the bot does not answer", flags=("--step", "bot"), well=("--step", "bot")),
    Case(runbook="application_profile", fault=ended("bot"),
         mend=lambda stack: stack.supervisor("start", "bot"), says="the bot does not answer",
         flags=("--step", "usage"), well=("--set", "samples=2", "--set", "every=1")),
)  # fmt: skip


def test_each_fault_is_named_and_none_where_all_is_well(
    stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    chosen = sorted(random.Random(SEED).sample(range(len(CASES)), min(COUNT, len(CASES))))
    record_property("sampled", f"{len(chosen)} of {len(CASES)} runbooks, BOT_RUNBOOKS_COUNT=99 for all")
    for case in (CASES[number] for number in chosen):
        until(lambda: stack.status("health", "ready") is True and stack.status("telegram", "connected"))
        until(stack.watches)
        flags = () if case.well is None else case.well
        ran = stack.run(case.runbook, "--only-probes", *flags)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "finding: " not in ran.stdout, ran.stdout

        case.fault(stack)
        ran = stack.run(case.runbook, "--only-probes", *case.flags)
        assert case.says in ran.stdout, ran.stdout
        assert ran.returncode == 3, ran.stdout
        if not isinstance(case.mend, str):
            case.mend(stack)
            continue
        ran = stack.run(case.runbook, "--step", case.mend, "--yes")
        assert ran.returncode == 0, ran.stdout


def test_no_secret_is_told_by_a_runbook_that_looks_at_credentials(stack: Stack) -> None:
    ran = stack.run("telegram_api", "--only-probes", "--json")
    told = ran.stdout + ran.stderr
    told += "".join(file.read_text() for file in (stack.home / "runs").rglob("*.*") if file.is_file())
    token = (stack.home / "secrets/telegram_bot_token").read_text().strip()
    assert "TELEGRAM_BOT_TOKEN: set, 43 characters, its shape is right, fingerprint " in told
    assert token.partition(":")[2] not in told
