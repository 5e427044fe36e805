"""The commands of whoever operates the bot, as processes: with the bot well, refusing, mute and gone."""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.commands.exits import Exit
from bot.desk import Desk
from scripts.postgres import free_port
from tests.bot.fakes import FakeStore
from tests.bot.made_control import control_directory
from tests.bot.play import TOKEN, get
from tests.bot.switch_desk import a_row, open_desk, rows, seen
from tests.bot.test_operator import served

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str


@dataclass(slots=True, kw_only=True)
class Shell:
    """Where the commands are typed; `environment` is what they find there."""

    environment: dict[str, str]

    async def __call__(self, *words: str, python: tuple[str, ...] = ()) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *python, "-m", "bot", *words,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "USER": "ann", **self.environment},
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        assert TOKEN not in out.decode() + err.decode()
        assert "Traceback" not in err.decode()
        return Said(code=process.returncode, out=out.decode(), err=err.decode())


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(switches=[a_row(0, "first")])


@pytest.fixture
async def desk(control: Path, store: FakeStore) -> Desk:
    return await open_desk(control, store)


@pytest.fixture
async def shell(desk: Desk, control: Path) -> AsyncIterator[Shell]:
    """With the bot running."""
    async with served(desk) as url:
        yield Shell(
            environment={
                "HTTP_PORT": url.rpartition(":")[2],
                "HTTP_HOST": "0.0.0.0",
                "ADMIN_TOKEN": TOKEN,
                "CONTROL_DIR": str(control),
            }
        )


@pytest.fixture
def alone(control: Path) -> Shell:
    """With nobody there."""
    variables = {"HTTP_PORT": str(free_port()), "ADMIN_TOKEN": TOKEN, "CONTROL_DIR": str(control)}
    return Shell(environment=variables)


@contextlib.asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[str]:
    """The port of something that says this to everybody, or nothing at all."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            await reader.read()  # until whoever asked goes away
        else:
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(met, "127.0.0.1", 0) as server:
        yield str(server.sockets[0].getsockname()[1])


async def test_halt_tells_the_bot(shell: Shell, desk: Desk, store: FakeStore, control: Path) -> None:
    said = await shell("halt", "--level", "2", "--reason", "too wild", "--who", "ann")
    told = "halted: no new entries, resting ones are cancelled (level 2), kept by HALT file and database\n"
    assert said == Said(code=Exit.DONE, out=told, err="")
    assert (desk.level(), rows(store)) == (2, [(2, "too wild", "ann")])


async def test_halt_alone_is_enough_and_needs_no_package(shell: Shell, store: FakeStore) -> None:
    said = await shell("halt", python=("-S",))
    assert said.code == Exit.DONE
    [(level, reason, who)] = rows(store)
    assert (level, reason, who.partition("@")[0]) == (1, "no reason given", "ann")


async def test_halt_opens_nothing_that_is_closed_further(shell: Shell, desk: Desk, control: Path) -> None:
    await shell("halt", "--level", "3")
    (control / "HALT").unlink()
    said = await shell("halt")
    assert (said.code, desk.level()) == (Exit.DONE, 3)
    assert said.out.startswith("halted: no new entries, positions are closed (level 3)")


async def test_halt_says_what_does_not_keep_it(shell: Shell, desk: Desk, control: Path) -> None:
    (control / "tradewatch-control").unlink()
    said = await shell("halt")
    assert said.code == Exit.DONE
    assert "kept by database\nthe HALT file was not written: no " in said.out


async def test_without_the_bot_halt_writes_the_file(alone: Shell, control: Path) -> None:
    said = await alone("halt", "--reason", "stolen", "--level", "3", "--who", "bob")
    assert said.code == Exit.BY_FILE
    url = f"http://127.0.0.1:{alone.environment['HTTP_PORT']}"
    assert said.err == f"the bot does not answer at {url}: Connection refused\n"
    assert said.out.startswith(f"wrote {control}/HALT: no new entries, positions are closed (level 3)\n")
    assert (control / "HALT").read_text() == "3 stolen, by bob\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "the bot does not answer"),
        (b"", "the bot does not answer"),
        (b"SSH-2.0-OpenSSH\r\n", "the bot does not answer"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", "what answers"),
        (b"HTTP/1.0 200 OK\r\n\r\n\xff", "what answers"),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", "what answers"),
    ],
    ids=["nothing", "the end", "another protocol", "a page", "no text", "a list"],
)
async def test_whatever_answers_in_place_of_the_bot_halt_writes_the_file(
    alone: Shell, control: Path, answer: bytes | None, why: str
) -> None:
    async with answering(answer) as port:
        alone.environment["HTTP_PORT"] = port
        said = await alone("halt")
    assert (said.code, (control / "HALT").exists()) == (Exit.BY_FILE, True)
    assert said.err.startswith(f"{why} at http://127.0.0.1:{port}")


@pytest.mark.parametrize("variable", ["", "wrong", "a\nb"])
async def test_without_the_right_token_halt_writes_the_file_and_the_bot_sees_it(
    shell: Shell, desk: Desk, variable: str
) -> None:
    shell.environment["ADMIN_TOKEN"] = variable
    said = await shell("halt", "--level", "2")
    assert (said.code in (Exit.DONE, Exit.BY_FILE), desk.level()) == (True, 2)
    assert "a\nb" not in said.out + said.err
    if said.code == Exit.DONE:
        assert said.out.endswith("the bot sees it\n")


async def test_a_file_that_the_bot_does_not_see_is_no_halt(shell: Shell, desk: Desk, tmp_path: Path) -> None:
    shell.environment |= {"ADMIN_TOKEN": "", "CONTROL_DIR": str(control_directory(tmp_path / "other"))}
    said = await shell("halt")
    assert (said.code, desk.closed()) == (Exit.FAILED, "")
    assert "NOT HALTED: the bot at http://127.0.0.1:" in said.err


async def test_what_cannot_be_halted_is_said_in_capitals(alone: Shell, control: Path) -> None:
    (control / "tradewatch-control").unlink()
    said = await alone("halt")
    assert said.code == Exit.FAILED
    assert "NOT HALTED: the HALT file could not be written either: no " in said.err
    assert "stop the bot's process" in said.err


async def test_a_token_file_that_cannot_be_read_does_not_keep_anybody_from_halting(
    alone: Shell, control: Path
) -> None:
    alone.environment |= {"ADMIN_TOKEN": "", "ADMIN_TOKEN_FILE": "/nowhere", "HTTP_PORT": "x"}
    said = await alone("halt")
    assert (said.code in (Exit.DONE, Exit.BY_FILE), (control / "HALT").exists()) == (True, True)
    assert "HTTP_PORT is 'x'" in said.err
    assert "ADMIN_TOKEN_FILE: cannot read this file" in said.err


async def test_resume_takes_the_file_away_and_opens(shell: Shell, desk: Desk, store: FakeStore) -> None:
    await shell("halt")
    said = await shell("resume", "--reason", "mended", "--size-factor", "0.5", "--symbols", "BTC-USDT")
    told = "trading is open (level 0), kept by database\n"
    assert (said, desk.closed()) == (Said(code=Exit.DONE, out=told, err=""), "")
    assert (str(store.switches[-1].size_factor), store.switches[-1].symbols) == ("0.5", ("BTC-USDT",))


async def test_resume_says_what_still_closes(shell: Shell, desk: Desk) -> None:
    await shell("halt")
    desk.lease_until = 0.0
    said = await shell("resume", "--reason", "mended")
    assert (said.code, said.out.splitlines()[1]) == (
        Exit.DONE,
        "but it places no orders yet: halted: this instance does not hold the lease",
    )


async def test_refused_resume_shows_every_reason_and_puts_the_file_back(
    shell: Shell, desk: Desk, control: Path
) -> None:
    (control / "HALT").write_text("2 the key was stolen\n")
    desk.picture = seen("0.25")
    desk.trading_enabled = False
    said = await shell("resume", "--reason", "mended")
    assert (said.code, (control / "HALT").read_text()) == (Exit.FAILED, "2 the key was stolen\n")
    assert said.err.splitlines() == [
        "not opened:",
        "  - TRADING_ENABLED is not true: start the bot with TRADING_ENABLED=true",
        "  - BTC-USDT long: 0.25 of 0.25 has no stop; place one, close it or adopt it",
    ]


async def test_resume_with_another_control_directory_says_so(shell: Shell, tmp_path: Path) -> None:
    await shell("halt")
    other = control_directory(tmp_path / "other")
    shell.environment["CONTROL_DIR"] = str(other)
    said = await shell("resume", "--reason", "mended")
    assert said.code == Exit.FAILED
    assert said.err.splitlines()[-1] == f"  CONTROL_DIR is {other}, and the bot's is another"


async def test_without_the_bot_nothing_is_opened(alone: Shell, control: Path) -> None:
    (control / "HALT").write_text("whatever it says")
    said = await alone("resume", "--reason", "mended")
    assert (said.code, (control / "HALT").read_text()) == (Exit.NO_ANSWER, "whatever it says")
    assert said.err.startswith("not opened: the bot does not answer at http://127.0.0.1:")


async def test_a_halt_that_is_no_file_is_left_for_a_person(shell: Shell, control: Path) -> None:
    (control / "HALT").mkdir()
    said = await shell("resume", "--reason", "mended")
    assert said.code == Exit.FAILED
    assert said.err == f"not opened: take {control}/HALT away by hand: Is a directory\n"


@pytest.mark.parametrize(
    "words", [("resume", "--reason", "x"), ("adopt", "BTC-USDT", "long", "--stop", "1", "--reason", "x")]
)
async def test_what_opens_or_orders_needs_the_token(shell: Shell, words: tuple[str, ...]) -> None:
    shell.environment["ADMIN_TOKEN"] = ""
    said = await shell(*words)
    assert said == Said(code=Exit.WRONG, out="", err="set ADMIN_TOKEN or ADMIN_TOKEN_FILE\n")


@pytest.mark.parametrize(
    "words", [("resume",), ("halt", "--level", "0"), ("halt", "now"), ("adopt", "BTC-USDT"), ("stop",)]
)
async def test_wrong_words_change_nothing(shell: Shell, store: FakeStore, words: tuple[str, ...]) -> None:
    assert ((await shell(*words)).code, rows(store)) == (Exit.WRONG, [])


async def test_status_is_a_page_and_its_exit_code_says_whether_the_bot_trades(
    shell: Shell, desk: Desk, control: Path
) -> None:
    said = await shell("status")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert said.out.startswith("The bot in simulator mode: ready; places orders.\n\nswitch ")
    desk.picture = seen("0.25")
    await shell("halt", "--reason", "too wild")
    said = await shell("status")
    assert said.code == Exit.HALTED
    assert re.search(r"^switch +level 1, no new entries: too wild, by ann@", said.out, re.M)
    assert f"(file {control}/HALT)" in said.out
    assert re.search(r"BTC-USDT +long +0.25 +0.25 +100 +100 +NONE +0 +- +0$", said.out, re.M)
    assert re.search(r"^control directory +HALT file: too wild, by ann@", said.out, re.M)


async def test_status_as_the_bot_answers_it(shell: Shell) -> None:
    said = await shell("status", "--json")
    told = json.loads(said.out)
    assert (said.code, told["accepts_orders"]) == (Exit.DONE, True)
    _, same = await get(f"http://127.0.0.1:{shell.environment['HTTP_PORT']}/status")
    assert told.keys() == same.keys()


async def test_a_reader_of_status_that_has_seen_enough_is_no_trouble(shell: Shell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "status",
        env=shell.environment | {"PYTHONPATH": str(ROOT)}, stdout=writing, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    _, said = await process.communicate()
    assert (process.returncode, said) == (Exit.DONE, b"")


async def test_status_names_settings_that_cannot_be_read(alone: Shell) -> None:
    alone.environment["HTTP_PORT"] = "x"
    assert (await alone("status")).err.startswith("HTTP_PORT is 'x'; set a whole number")


async def test_status_without_the_bot(alone: Shell) -> None:
    said = await alone("status")
    assert (said.code, said.out) == (Exit.NO_ANSWER, "")
    async with answering(b'HTTP/1.0 500 no\r\n\r\n{"error": "internal error, see the log"}') as port:
        alone.environment["HTTP_PORT"] = port
        said = await alone("status")
    assert (said.code, "internal error, see the log" in said.err) == (Exit.NO_ANSWER, True)


async def test_adopt_tells_the_bot(shell: Shell, desk: Desk, store: FakeStore, alone: Shell) -> None:
    desk.picture = seen("0.25")
    words = ("adopt", "BTC-USDT", "long", "--stop", "90", "--targets", "110, 120", "--reason", "by hand")
    said = await shell(*words)
    assert (said.code, said.out.startswith("BTC-USDT long is ours now")) == (Exit.DONE, True)
    assert [str(target) for target in store.orders()[0].targets] == ["110", "120"]
    said = await shell("adopt", "BTC-USDT", "short", *words[3:])
    assert (said.code, said.err.startswith("not adopted: there is no short position")) == (Exit.FAILED, True)
    assert (await alone(*words)).code == Exit.NO_ANSWER


def test_every_exit_code_is_on_the_page() -> None:
    told = (ROOT / "docs" / "bot.md").read_text().split("\n## Commands\n")[1].split("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", told, re.M)} >= set(Exit)
