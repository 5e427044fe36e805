"""Each trap of shell is run here by real bash, and goes wrong; then the checks refuse the very same text.

Those of PostgreSQL are in test_step_traps_database.py. Three need containers and were measured once, with
Docker 20.10: a container that is restarted keeps the variables that it was made with (step_restart); of
`timeout 2 docker exec CONTAINER sleep 77` the sleep goes on in the container, and `docker exec CONTAINER
timeout 2 sleep 78` leaves nothing (step_exec_timeout); `docker inspect` prints the variables of the container
(step_environment).
"""

import os
import socket
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.observability.step_found import found

# As the engine runs a step.
HEAD = "set -Eeuo pipefail\nshopt -s inherit_errexit\n"


def bash(text: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", HEAD + text],
        env={"PATH": os.environ["PATH"], **(env or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.mark.parametrize(
    "text",
    [
        "look() { local size=$(false); echo done; }\nlook",
        "export SIZE=$(false)\necho done",
        "false || true\necho done",
        "ls /nowhere 2>/dev/null || echo done",
        "set +e\nfalse\necho done",
        "size=$(false || :)\necho done",
        "set +o errexit\nfalse\necho done",
    ],
)
def test_a_hidden_failure_ends_with_0(text: str) -> None:
    done = bash(text)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert found(text) == {"step_masked"}


def test_a_failure_that_nobody_hides_ends_the_step() -> None:
    text = "size=$(false)\necho done"
    assert (bash(text).returncode, bash(text).stdout) == (1, "")
    assert found(text) == set()


def test_counting_up_from_0_ends_the_step_though_nothing_failed() -> None:
    text = "count=0\n((count++))\necho done"
    assert (bash(text).returncode, bash(text).stdout) == (1, "")
    assert found(text) == {"step_masked"}
    assert bash(right := "count=0\ncount=$((count + 1))\necho done").stdout == "done\n"
    assert found(right) == set()


def test_a_verification_that_never_fails_proves_nothing() -> None:
    text = "grep -q open /nowhere || true"
    assert bash(text).returncode == 0
    assert found("df", verify={"run": text, "timeout": "5s"}) == {"step_masked"}


@pytest.mark.parametrize("text", ["timeout 5 shop_count", "echo a | xargs shop_count", "nice shop_count"])
def test_a_program_cannot_run_a_word(text: str) -> None:
    done = bash(f"shop_count() {{ echo 7; }}\nexport -f shop_count\n{text}")
    assert (done.returncode, done.stdout) == (127, "")
    assert found(text) == {"step_word_passed"}


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ('curl --silent -H "X-TOKEN: $SHOP_TOKEN" "http://127.0.0.1:$PORT"', True),
        ('curl --silent "http://127.0.0.1:$PORT/shop$SHOP_TOKEN/status"', True),
        (
            'printf \'header = "X-TOKEN: %s"\\n\' "$SHOP_TOKEN" | curl --silent --config - "http://127.0.0.1:$PORT"',
            False,
        ),
        ('curl --silent -H @<(printf "X-TOKEN: %s" "$SHOP_TOKEN") "http://127.0.0.1:$PORT"', False),
    ],
)
def test_everybody_sees_a_secret_that_is_an_argument(text: str, is_seen: bool) -> None:
    secret = uuid.uuid4().hex
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        env = {**os.environ, "SHOP_TOKEN": secret, "PORT": str(server.getsockname()[1])}
        with subprocess.Popen(["bash", "-c", HEAD + text], env=env, stdout=subprocess.DEVNULL) as process:
            connection, _ = server.accept()
            with connection:
                seen = _arguments_with(secret)
                connection.recv(65536)
                connection.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")
            process.wait(30)
    assert bool(seen) is is_seen
    assert found(text.replace("$PORT", "80")) == ({"step_secret"} if is_seen else set())


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ('echo "the token is $SHOP_TOKEN"', "step_secret"),
        ('cat <<<"$SHOP_TOKEN"', "step_secret"),
        ("printenv SHOP_TOKEN", "step_secret"),
        ('copy="Bearer $SHOP_TOKEN"\necho "$copy"', "step_secret"),
        ('cat "$SHOP_TOKEN_FILE"', "step_secret"),
        ("env", "step_environment"),
        ("export -p", "step_environment"),
        ("set -x\n[[ -n $SHOP_TOKEN ]]", "step_environment"),
        ("cat /proc/self/environ", "step_environment"),
    ],
)
def test_a_secret_is_printed(text: str, check: str, tmp_path: Path) -> None:
    secret, file = uuid.uuid4().hex, tmp_path / "token"
    file.write_text(secret)
    done = bash(text, {"SHOP_TOKEN": secret, "SHOP_TOKEN_FILE": str(file)})
    assert secret in done.stdout + done.stderr
    assert found(text, kind="probe") == {check}


@pytest.mark.parametrize(
    "text",
    [
        'echo "${SHOP_TOKEN:+set}, ${#SHOP_TOKEN} characters"',
        "env | cut -d= -f1",
        "[[ -n $SHOP_TOKEN ]]",
        ': "${SHOP_TOKEN:?}"',
    ],
)
def test_whether_a_secret_is_set_can_be_told_without_it(text: str) -> None:
    secret = uuid.uuid4().hex
    done = bash(text, {"SHOP_TOKEN": secret})
    assert done.returncode == 0
    assert secret not in done.stdout + done.stderr
    assert found(text, kind="probe") == set()


def test_an_empty_variable_means_everything() -> None:
    done = bash('folder=""\nprintf "%s\\n" "$folder"/*')
    assert {"/usr", "/etc"} <= set(done.stdout.splitlines())  # what rm would have been given
    assert found('folder=$(shop_count)\nrm -rf "$folder"/*') == {"step_empty"}
    refused = bash('folder=""\nprintf "%s\\n" "${folder:?}"/*')
    assert (refused.returncode != 0, refused.stdout) == (True, "")
    assert found('folder=$(shop_count)\nrm -rf "${folder:?}"/*') == set()


def test_a_name_fits_other_processes_too() -> None:
    """pgrep shows whom pkill would end: also who only reads a file of that name."""
    name = f"shop-{uuid.uuid4().hex}"
    held = ["bash", "-c", 'exec -a "$0" sleep 60']
    with subprocess.Popen([*held, name]) as meant, subprocess.Popen([*held, f"less {name}.log"]) as other:
        try:
            _await_name(meant.pid, name)
            _await_name(other.pid, name)
            pids = bash(f"pgrep -f {name} || :").stdout.split()
        finally:
            meant.kill()
            other.kill()
    assert {str(meant.pid), str(other.pid)} <= set(pids)
    assert found(f"pkill -f {name}") == {"step_kill"}


def test_the_number_in_a_file_outlives_the_process(tmp_path: Path) -> None:
    """From then on it is free, and the system gives it to somebody else."""
    file = tmp_path / "pid"
    done = bash(f"sleep 0 & echo $! >{file}; wait $!; kill -0 $(cat {file})")
    assert (done.returncode, "No such process" in done.stderr) == (1, True)
    assert found('kill "$(cat /run/shop.pid)"') == {"step_kill"}
    assert found("sleep 60 &\nkill $!") == set()


def test_a_quote_that_is_open_ends_the_script_after_what_stands_before_it() -> None:
    text = 'echo first\necho "second'
    done = bash(text)
    assert (done.returncode, done.stdout) == (2, "first\n")
    assert found(text) == {"step_syntax"}


def test_grep_ends_with_2_on_what_it_cannot_read_and_knows_no_perl() -> None:
    assert bash("echo a | grep -qE '(a|b'").returncode == 2
    assert bash("echo 5 | grep -qE '^\\d$'").returncode != 0
    for pattern in ("(a|b", "^\\d$"):
        expect = {"matches": pattern, "finding": "nothing"}
        assert found("df", kind="probe", expect=expect) == {"step_expect"}


def test_a_piece_of_shell_sees_nothing_of_another() -> None:
    done = bash("folder=/tmp\nbash -uc 'echo \"$folder\"'")
    assert (done.returncode, done.stdout) == (127, "")
    assert found('df "$folder"', undo_not="a trap", unless="folder=/tmp") == {"step_variable"}


def test_a_word_of_no_library_is_not_found_in_the_middle() -> None:
    done = bash("echo first\nshop_cuont")
    assert (done.returncode, done.stdout) == (127, "first\n")
    assert found("shop_cuont") == {"runbook_uses"}


def test_a_parameter_called_path_would_hide_every_program() -> None:
    assert bash("PATH=/var/shop\nls").returncode == 127


def _arguments_with(text: str) -> list[str]:
    """Return the arguments of processes that hold a text, as `ps` shows them to everybody."""
    shown = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            shown.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has ended
    return [arguments for arguments in shown if text in arguments]


def _await_name(pid: int, name: str) -> None:
    while name not in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]:
        os.sched_yield()
