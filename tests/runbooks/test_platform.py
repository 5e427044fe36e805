"""Where the stack runs: here with a true supervisord; elsewhere by what docker and the others are asked."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.stack import supervisor
from scripts.stack.home import Home
from scripts.stack.ports import Ports
from scripts.stack.services import Service
from tests.runbooks.databases import LIBRARIES, ROOT, TEMPLATES, Said, run

pytestmark = pytest.mark.stack

WORDS = ("json.sh", "prelude.sh")
PATIENCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Says words of the platform; `shadows` has programs that come before those of the machine."""

    folder: Path
    home: Path
    platform: str = ""

    def say(self, text: str, *, kind: str = "action", **changes: str) -> Said:
        parts = [*(TEMPLATES / one for one in WORDS), LIBRARIES / "platform.sh", LIBRARIES / "bot.sh"]
        sources = "; ".join(f". '{part}'" for part in parts)
        enter = f"platform_enter {self.platform}; " if self.platform else ""
        program = f'{sources}; export RUNBOOK_DEADLINE=$(($(date +%s) + 30)); {enter}eval "$1"'
        known = {
            "PATH": f"{self.folder / 'shadows'}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LC_ALL": "C",
            "RUNBOOK_STEP_KIND": kind,
            "RUNBOOK_FINDINGS": str(self.folder / "findings"),
            "TRADEWATCH_ROOT": str(self.folder / "root"),
            "TRADEWATCH_HOME": str(self.home),
            "ASKED": str(self.folder / "asked"),
        }
        words = ["bash", "-Eeuo", "pipefail", "-O", "inherit_errexit", "-c", program, "words", text]
        return run(words, {**known, **changes})

    def does(self, text: str, **changes: str) -> str:
        said = self.say(text, **changes)
        assert said.code == 0, said.err
        return said.out.strip()

    def asked(self) -> list[list[str]]:
        """What the shadows were asked, and forget it."""
        file = self.folder / "asked"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def shadow(self, program: str, text: str = "") -> None:
        """The program writes down its arguments, and then does this."""
        (self.folder / "shadows").mkdir(exist_ok=True)
        file = self.folder / "shadows" / program
        note = f"""jq -cn '$ARGS.positional' --args -- {program} "$@" >>"$ASKED" """
        file.write_text(f"#!/bin/bash\n{note}\n{text}\n")
        file.chmod(0o755)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(folder=tmp_path, home=tmp_path / "it's $HOME; {stack}")
    for program in ("docker", "kubectl", "systemctl", "journalctl"):
        made.shadow(program, "exit 1")
    return made


@pytest.fixture
def local(shell: Shell) -> Iterator[Shell]:
    """A supervisord of a stack with two services that do nothing."""
    home = Home(path=shell.home, ports=Ports())
    (home.path / "log").mkdir(parents=True)
    idle = [
        Service(name=name, command=("bash", "-c", "echo begun; exec sleep 1000"), ready="")
        for name in ("bot", "postgres")
    ]
    supervisor.write_config(home, idle)
    (home.path / "env").write_text('export PATH="/of/the/stack:$PATH"\nexport BOT_URL=http://here PGPORT=1\n')
    process = subprocess.Popen(supervisor.command(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Shell(folder=shell.folder, home=shell.home, platform="local")
    try:
        end = time.monotonic() + PATIENCE
        while made.say("service_state bot; service_state db").out != "running\nrunning\n":
            assert time.monotonic() < end, (home.log("supervisord")).read_text()
        yield made
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_a_stack_of_this_machine_is_seen_as_long_as_its_supervisord_lives(local: Shell, shell: Shell) -> None:
    assert shell.does("platform_detect") == "local"
    assert shell.does("platform_detect", TRADEWATCH_HOME="/nowhere") == ""
    pid = (local.home / "supervisord.pid").read_text()
    (local.home / "supervisord.pid").write_text(str(os.getpid()))
    assert shell.does("platform_detect") == ""
    (local.home / "supervisord.pid").write_text(pid)


def test_values_of_the_environment_win_over_those_of_the_stack(local: Shell) -> None:
    shown = 'echo "$BOT_URL $PGPORT $PGUSER ${PATH%%:*} $BACKUP_DIR"'
    assert local.does(shown) == f"http://here 1 postgres /of/the/stack {local.home}/backups"
    assert local.does(shown, BOT_URL="http://mine", BACKUP_DIR="/b").startswith("http://mine 1 postgres")
    other = local.say("true", TRADEWATCH_PLATFORM="compose")
    assert (other.code, "has the variables of the platform compose" in other.err) == (1, True)


def test_a_service_of_this_machine_is_stopped_frozen_and_started(local: Shell) -> None:
    assert local.does("service_stop bot; service_state bot; service_state db").split("\n")[-2:] == [
        "stopped",
        "running",
    ]
    assert local.does("service_stop bot") == "stop of bot is done"
    assert local.does("service_start bot; service_state bot").endswith("running")
    assert local.does("service_logs bot 1") == "begun"
    control = ["supervisorctl", "--configuration", str(local.home / "supervisord.conf"), "pid", "postgres"]
    pid = int(
        subprocess.run(
            control,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
        ).stdout
    )
    os.kill(pid, signal.SIGSTOP)
    assert local.does("service_state db") == "frozen"
    os.kill(pid, signal.SIGCONT)
    assert local.does("service_restart db; service_state db").endswith("running")
    assert local.say("service_state nobody").code == 1
    assert local.say("service_stop bot", kind="probe").code == 1
    assert local.say("in_place db 1 sleep 30").code == 124


CONTAINERS = """case $1 in
ps) [[ $* == *"project=trading-bot"* ]] || exit 0
    [[ $* != *--quiet* ]] || { echo aaa; exit; }
    printf 'bot\\taaa\\trunning\\t127.0.0.1:18080->8080/tcp\\n'
    printf 'db\\tbbb\\trunning\\t127.0.0.1:25432->5432/tcp\\n' ;;
inspect) [[ $* != *Status* ]] || { echo "${STATE:-running}"; exit; }
    printf 'TRADING_MODE=simulator\\nBINGX_BASE_URL=http://simulator:8090\\nSECRET=x\\n' ;;
top) printf 'PID STAT\\n1 %s\\n' "${STAT:-Ss}" ;;
logs) echo said ;;
esac"""


def test_containers_are_reached_by_what_docker_tells_of_them(shell: Shell) -> None:
    shell.shadow("docker", CONTAINERS)
    assert shell.does("platform_detect") == "compose"
    assert shell.does("platform_detect", COMPOSE_PROJECT_NAME="other") == ""
    (shell.folder / "root").mkdir()
    (shell.folder / "root" / ".env").write_text("PROMETHEUS_PORT=19090\nBOT_PORT=1\n")
    made = Shell(folder=shell.folder, home=shell.home, platform="compose")
    shown = 'echo "$BOT_URL $PGHOST:$PGPORT $PROMETHEUS_URL $ALERTMANAGER_URL $TRADING_MODE $BINGX_BASE_URL"'
    assert made.does(shown) == (
        "http://127.0.0.1:18080 127.0.0.1:25432 http://127.0.0.1:19090 http://127.0.0.1:9093 "
        "simulator http://127.0.0.1:8090"
    )
    assert made.does("printenv SECRET || echo none") == "none"
    shell.asked()
    # The clock runs in the container: a docker that is killed leaves its program there.
    made.does("in_place db 7 psql -c 'SELECT 1'")
    assert shell.asked()[-1] == [
        "docker",
        "exec",
        "-i",
        "bbb",
        "timeout",
        "-k",
        "2",
        "7",
        "psql",
        "-c",
        "SELECT 1",
    ]
    assert made.does("service_state bot") == "running"
    assert made.does("service_state bot", STAT="Ts") == "frozen"
    for told, state in (
        ("paused", "frozen"),
        ("exited", "stopped"),
        ("restarting", "restarting"),
        ("dead", "failed"),
    ):
        assert made.does("service_state bot", STATE=told) == state
    assert made.does("service_logs bot 3") == "said"
    shell.asked()
    made.does("service_restart bot")
    assert shell.asked()[-1] == ["docker", "restart", "aaa"]
    assert made.say("service_stop grafana").code == 1


def test_pods_are_reached_by_kubectl_alone(shell: Shell) -> None:
    shell.shadow(
        "kubectl",
        '[[ $* != *jsonpath* ]] || { echo "${REPLICAS:-1 1}"; exit; }\n'
        '[[ $* != *"get deployment"* ]] || echo found',
    )
    assert shell.does("platform_detect") == "kubernetes"
    made = Shell(folder=shell.folder, home=shell.home, platform="kubernetes")
    shell.asked()
    made.does("in_place db 7 psql", KUBE_NAMESPACE="trading", KUBE_CONTEXT="prod")
    begin = ["kubectl", "--context=prod", "--namespace=trading"]
    assert shell.asked() == [
        [*begin, "exec", "-i", "statefulset/postgresql", "--", "timeout", "-k", "2", "7", "psql"]
    ]
    for told, state in (("1 1", "running"), ("1 ", "restarting"), ("0 ", "stopped")):
        assert made.does("service_state bot", REPLICAS=told) == state
    shell.asked()
    made.does("service_stop bot; service_start bot; service_restart bot")
    assert [one[2:] for one in shell.asked()] == [
        ["scale", "--replicas=0", "deployment/trading-bot"],
        ["scale", "--replicas=1", "deployment/trading-bot"],
        ["rollout", "restart", "deployment/trading-bot"],
    ]


def test_units_are_asked_by_systemctl(shell: Shell) -> None:
    shell.shadow(
        "systemctl",
        "[[ $* != *LoadState* ]] || { echo loaded; exit; }\n"
        '[[ $1 != show ]] || printf "MainPID=%s\\nActiveState=%s\\n" "$$" "${STATE:-active}"',
    )
    assert shell.does("platform_detect") == "systemd"
    made = Shell(folder=shell.folder, home=shell.home, platform="systemd")
    for told, state in (
        ("active", "running"),
        ("activating", "restarting"),
        ("inactive", "stopped"),
        ("failed", "failed"),
    ):
        assert made.does("service_state db", STATE=told) == state
    shell.asked()
    made.does("service_stop bot", UNIT_BOT="trader")
    assert shell.asked() == [["systemctl", "stop", "trader"]]


def test_whoever_ends_a_step_ends_what_it_runs() -> None:
    step = f". '{LIBRARIES / 'platform.sh'}'; in_place db 400 bash -c 'echo $$; exec tail -f /dev/null'"
    with subprocess.Popen(
        ["timeout", "500", "bash", "-c", step],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "TRADEWATCH_PLATFORM": "local"},
    ) as running:
        assert running.stdout is not None
        program = int(running.stdout.readline())
        try:
            running.terminate()
            # Its end of the pipe is the last: this is over when the program is.
            running.communicate(timeout=PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.kill(program, signal.SIGKILL)
