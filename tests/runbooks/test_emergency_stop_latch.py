"""The latch of the emergency stop, what it is told, where it finds the stack, and what it never shows."""

import asyncio
import json
import os
import pty
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote

import pytest

from bot.adapters.control import ControlDirectory
from bot.domain.switch import Halt, Level
from scripts.postgres import free_port
from tests.bot.made_control import control_directory
from tests.bot.play import KEYS, TOKEN, Exchange, running_simulator
from tests.runbooks.pressing import (
    LONG,
    STOP,
    held,
    hurried,
    place,
    press,
    program,
    resting,
    run,
    surroundings,
)

NOBODY = "http://127.0.0.1:1"
BRIEF = {"EMERGENCY_SECONDS": "0"}  # one round


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    async with running_simulator(tmp_path / "exchange") as running:
        yield running


@pytest.fixture
def control(tmp_path: Path) -> Path:
    return control_directory(tmp_path / "control")


def latched(control: Path) -> Halt | None:
    """What the bot makes of it."""
    return ControlDirectory(control).read()


async def test_the_latch_is_written_whatever_else_is_gone(tmp_path: Path, control: Path) -> None:
    pressed = await press(tmp_path, NOBODY, "--level", "2", "--reason", "it \\ says\nno", **BRIEF)
    assert (pressed.code, pressed.last[:35]) == (9, "NOT PROVED at level 2: latch at lev"), pressed
    halt = latched(control)
    assert halt is not None
    assert (halt.level, halt.reason.partition(", by ")[0]) == (Level.CANCEL_ENTRIES, "it \\ says no")
    assert (control / "HALT").stat().st_mode & 0o777 == 0o644
    assert names(control) == ["HALT", "tradewatch-control"]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize(
    ("there", "asked", "then"),
    [
        ("3 by hand", 1, 3),
        ("3: by hand", 2, 3),
        ("1 by hand", 2, 2),
        ("30 minutes", 2, 2),
        ("", 1, 1),
        ("", 2, 2),
    ],
)
async def test_a_level_is_never_lowered(
    tmp_path: Path, control: Path, there: str, asked: int, then: int
) -> None:
    (control / "HALT").write_text(there)
    await press(tmp_path, NOBODY, "--level", str(asked), **BRIEF)
    halt = latched(control)
    assert halt is not None
    assert halt.level == then
    assert ((control / "HALT").read_text() == there) == (latched_level(there) >= asked)


def latched_level(text: str) -> int:
    word = text.partition(" ")[0].rstrip(":")
    return int(word) if word in ("1", "2", "3") else 1


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
async def test_whatever_has_the_name_is_level_1_and_holds_nobody_up(
    tmp_path: Path, control: Path, kind: str
) -> None:
    halt = control / "HALT"
    make = {
        "folder": halt.mkdir,
        "pipe": lambda: os.mkfifo(halt),
        "link": lambda: halt.symlink_to(tmp_path / "gone"),
    }
    make[kind]()
    assert "says level 1" in (await press(tmp_path, NOBODY, **BRIEF)).out
    pressed = await press(tmp_path, NOBODY, "--level", "2", **BRIEF)
    if kind == "folder":
        assert "the latch says only level 1" in pressed.errors
    else:
        assert "says level 2" in pressed.out


async def test_presses_at_once_leave_the_highest_level(tmp_path: Path, control: Path) -> None:
    program(tmp_path)
    levels = [("--level", level) for level in "121212"]
    pressing = [press(tmp_path, NOBODY, *each, **BRIEF) for each in levels]
    await asyncio.gather(
        *pressing, press(tmp_path, NOBODY, "--level", "3", "--confirm", "simulator", **BRIEF)
    )
    halt = latched(control)
    assert halt is not None
    assert halt.level == Level.FLATTEN


async def test_a_level_that_comes_meanwhile_is_not_lowered(tmp_path: Path, control: Path) -> None:
    """Somebody else writes level 3 after it was looked whether there is a HALT."""
    hurried(tmp_path)
    shim = tmp_path / "shims" / "ln"
    shim.write_text(f'#!/bin/sh\necho "3 else" >{quote(str(control / "HALT"))}\nexec /bin/ln "$@"\n')
    shim.chmod(0o755)
    await press(tmp_path, NOBODY, "--level", "2", **BRIEF)
    assert (control / "HALT").read_text() == "3 else\n"


async def test_a_directory_that_is_not_there_is_said_and_the_rest_goes_on(
    tmp_path: Path, exchange: Exchange
) -> None:
    pressed = await press(tmp_path, exchange.url)
    assert (pressed.code, "NO LATCH" in pressed.errors) == (9, True)
    assert not (tmp_path / "control").exists()
    (tmp_path / "control").mkdir()
    assert "NO LATCH" in (await press(tmp_path, exchange.url)).errors
    assert names(tmp_path / "control") == []
    pressed = await press(tmp_path, NOBODY, **BRIEF)
    assert (pressed.code, pressed.last[:11]) == (1, "NOT STOPPED")


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A control directory on a disk that has no room for a letter, though for a name."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder))
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED on a full disk: this user may not mount a tmpfs")
    try:
        (folder / "tradewatch-control").touch()
        with suppress(OSError), open(folder / "filler", "wb", 0) as file:
            while True:
                file.write(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("shell", ["bash", "dash"])
async def test_on_a_full_disk_an_empty_file_closes_and_the_level_is_tried_again(
    tmp_path: Path, full: Path, exchange: Exchange, shell: str
) -> None:
    wanted = {"CONTROL_DIR": str(full), "TMPDIR": str(full), "shell": shell}
    pressed = await press(tmp_path, exchange.url, "--level", "2", EMERGENCY_SECONDS="1", **wanted)
    halt = latched(full)
    assert halt is not None
    assert (pressed.code, halt.level) == (9, Level.NO_ENTRIES), pressed
    assert "the latch says only level 1" in pressed.errors
    pressing = asyncio.create_task(press(tmp_path, exchange.url, "--level", "2", **wanted))
    (full / "filler").unlink()
    pressed = await pressing
    halt = latched(full)
    assert halt is not None
    assert (pressed.code, halt.level) == (0, Level.CANCEL_ENTRIES), pressed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--level", "4"), "--level is 1, 2 or 3"),
        (("--level",), "--level wants a value"),
        (("--levle", "2"), "no such argument: --levle"),
        (("halt",), "no such argument: halt"),
        (("--platform", "moon"), "--platform is"),
    ],
)
async def test_wrong_arguments_stop_nothing_and_say_so(
    tmp_path: Path, control: Path, arguments: tuple[str, ...], said: str
) -> None:
    pressed = await press(tmp_path, NOBODY, *arguments)
    assert (pressed.code, pressed.out) == (2, "")
    assert pressed.errors.startswith(f"NOTHING WAS STOPPED: {said}")
    assert latched(control) is None


@pytest.mark.parametrize("flag", ["--help", "--list", "--plan"])
async def test_what_only_tells_does_nothing(tmp_path: Path, control: Path, flag: str) -> None:
    pressed = await press(tmp_path, NOBODY, flag)
    assert (pressed.code, pressed.errors, latched(control)) == (0, "", None)
    assert "level" in pressed.out


async def test_a_dry_run_only_reads(tmp_path: Path, control: Path, exchange: Exchange) -> None:
    await place(exchange, **LONG)
    await place(exchange, **STOP)
    before = resting(exchange), held(exchange)
    pressed = await press(tmp_path, exchange.url, "--level", "3", "--dry-run")
    assert (resting(exchange), held(exchange)) == before
    assert (latched(control), (tmp_path / ".local").exists()) == (None, False)
    # No bot answers.
    assert (pressed.code, "would close" in pressed.out, "would cancel, once" in pressed.out) == (
        3,
        True,
        True,
    )


async def test_the_mode_is_typed_on_a_terminal(tmp_path: Path, control: Path, exchange: Exchange) -> None:
    await place(exchange, **LONG)
    ours, its = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *("bash", str(program(tmp_path)), "--level", "3"),
        env=surroundings(tmp_path, exchange.url),
        stdin=its,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(its)
    assert process.stderr is not None
    async with asyncio.timeout(20):
        said = await process.stderr.readuntil(b"anything else stays at level 2: ")
        halt = latched(control)
        assert halt is not None
        assert (halt.level, b": BTC-USDT LONG 0.1\n" in said) == (Level.CANCEL_ENTRIES, True)
        os.write(ours, b"simulator\n")
        await process.communicate()
    os.close(ours)
    halt = latched(control)
    assert halt is not None
    assert (process.returncode, held(exchange), halt.level) == (0, [], Level.FLATTEN)


async def test_wrong_or_missing_keys_are_said_with_what_a_person_has_to_do(
    tmp_path: Path, control: Path, exchange: Exchange
) -> None:
    without = await press(tmp_path, exchange.url, "--level", "2", without=("BINGX_API_KEY",))
    wrong = await press(
        tmp_path, exchange.url, "--level", "2", BINGX_SECRET_KEY="another", EMERGENCY_SECONDS="1"
    )
    for pressed, why in ((without, "BINGX_API_KEY is not set"), (wrong, "refused: 100001")):
        assert (pressed.code, why in pressed.errors, "by hand" in pressed.errors) == (9, True, True), pressed
        assert "Cancel each limit or trigger order that OPENS" in pressed.errors
    assert latched(control) is not None


async def test_no_secret_is_shown_or_is_an_argument(
    tmp_path: Path, control: Path, exchange: Exchange
) -> None:
    """Every program that it calls writes its arguments down."""
    await place(exchange, **LONG)
    await place(exchange, **STOP)
    shims, log = tmp_path / "shims", tmp_path / "arguments"
    environment = surroundings(tmp_path, exchange.url) | {"ADMIN_TOKEN": TOKEN, "HTTP_PORT": str(free_port())}
    for name in (
        "awk",
        "cat",
        "curl",
        "date",
        "head",
        "ln",
        "mv",
        "od",
        "openssl",
        "rm",
        "sed",
        "tail",
        "tr",
    ):
        shim = shims / name
        shim.write_text(
            f'#!/bin/sh\nprintf "%s " {name} "$@" >>{quote(str(log))}\nexec /usr/bin/{name} "$@"\n'
        )
        shim.chmod(0o755)
    command = ("bash", str(program(tmp_path)), "--level", "3", "--confirm", "simulator")
    pressed = await run(environment, *command)
    traced = await run(environment, "bash", "-x", *command[1:])
    assert (pressed.code, traced.code) == (0, 0), pressed
    written = log.read_text()
    assert "openssl dgst -sha256 -binary" in written
    assert "curl -q --config -" in written
    for secret in (KEYS.secret_key, KEYS.api_key, TOKEN):
        assert secret not in written
        assert secret not in pressed.out + pressed.errors + traced.out + traced.errors


async def test_the_journal_is_a_line_of_json(tmp_path: Path, control: Path, exchange: Exchange) -> None:
    (tmp_path / ".local").mkdir()
    await press(tmp_path, exchange.url, "--reason", 'a "reason" \\ with letters')
    lines = (tmp_path / ".local" / "runs" / "emergency_stop.jsonl").read_text().splitlines()
    begin, end = map(json.loads, lines)
    assert (begin["event"], end["event"], end["reason"]) == ("begin", "end", 'a "reason" \\ with letters')
    assert end["result"].startswith("STOPPED at level 1")


async def test_whoever_reads_along_may_go_away(tmp_path: Path, control: Path, exchange: Exchange) -> None:
    await place(exchange, **LONG)
    piped = f"bash {quote(str(program(tmp_path)))} --level 3 --confirm simulator 2>&1 | head -n 1 >/dev/null"
    pressed = await run(surroundings(tmp_path, exchange.url), "sh", "-c", piped)
    assert (pressed.code, held(exchange)) == (0, [])


async def test_it_finds_what_runs_by_itself(tmp_path: Path, exchange: Exchange) -> None:
    """Both stacks were made; the exchange of one answers, so it goes on there, and both are latched."""
    local, compose = tmp_path / ".local", tmp_path / ".local" / "compose"
    here, there = control_directory(local / "control"), control_directory(compose / "control")
    (compose / "secrets").mkdir()
    for name, value in (("bingx_api_key", KEYS.api_key), ("bingx_secret_key", KEYS.secret_key)):
        (compose / "secrets" / name).write_text(f"{value}\n")
    (local / "env").write_text(
        f"export CONTROL_DIR={quote(str(here))}\nexport BINGX_BASE_URL={NOBODY}\nexport PATH=/nowhere\n"
        "export BINGX_API_KEY=else\nexport BINGX_SECRET_KEY=else\nexport HTTP_PORT=1\n"
    )
    port = exchange.url.rpartition(":")[2]
    (tmp_path / ".env").write_text(f"#SIMULATOR_PORT=1\nSIMULATOR_PORT={port} # ours\nBOT_PORT=1\n")
    without = ("CONTROL_DIR", "BINGX_BASE_URL", "BINGX_API_KEY", "BINGX_SECRET_KEY", "HTTP_PORT")
    pressed = await press(tmp_path, exchange.url, "--level", "2", without=without)
    assert (pressed.code, "found local compose; going on with compose" in pressed.out) == (0, True), pressed
    for folder in (here, there):
        halt = latched(folder)
        assert halt is not None
        assert halt.level == 2
    (there / "HALT").unlink()
    pressed = await press(tmp_path, exchange.url, "--platform", "local", without=without, **BRIEF)
    assert (pressed.code, latched(there)) == (9, None)


async def test_kubernetes_takes_the_environment_alone(tmp_path: Path, exchange: Exchange) -> None:
    pressed = await press(tmp_path, exchange.url, "--platform", "kubernetes", CONTROL_DIR="/nowhere")
    assert "taken from the environment alone" in pressed.out
    assert "kubectl exec" in pressed.errors
    assert pressed.code == 9
