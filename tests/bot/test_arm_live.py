"""Arming: the account that the key opens is shown, and only who types its uid arms the bot."""

import asyncio
import os
import pty
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import Configuration
from bot.arm_live import arm
from bot.arming import NotArmedError, armed_uid
from bot.settings import Settings
from bot.start import read_configuration
from tests.bot.play import CONFIG, KEYS, Exchange, settings

UID = "1000000000000000001"
ROOT = Path(__file__).parents[2]


def configuration() -> Configuration:
    made, problems = read_configuration(CONFIG)
    assert made is not None, problems
    return made


def armed(told: Settings) -> str | None:
    try:
        return armed_uid(told.arm_file, KEYS.api_key)
    except NotArmedError:
        return None


async def arming(told: Settings, typed: str) -> tuple[int, str]:
    """The exit code, and all that was said and asked."""
    said = list[str]()

    def ask(question: str) -> str:
        said.append(question)
        return typed

    code = await asyncio.to_thread(arm, told, configuration(), ask, said.append)
    return code, "\n".join(said)


@pytest.fixture
def told(exchange: Exchange, tmp_path: Path) -> Settings:
    return replace(settings("postgresql://x/y", exchange.url), arm_file=tmp_path / "armed")


async def test_who_types_the_uid_arms_the_bot_for_that_account_and_key(told: Settings) -> None:
    code, said = await arming(told, f" {UID} ")
    assert (code, armed(told)) == (0, UID)
    assert f"The key opens the account {UID} at {told.bingx_base_url}" in said
    assert "10000000.0000 USDT, and 0.0000 in open positions" in said
    assert KEYS.api_key not in said
    with pytest.raises(NotArmedError):
        armed_uid(told.arm_file, "another-key")


@pytest.mark.parametrize("typed", ["", "yes", UID[:-1]])
async def test_anything_else_arms_nothing(told: Settings, typed: str) -> None:
    code, said = await arming(told, typed)
    assert (code, armed(told)) == (1, None)
    assert said.endswith("not armed: that is another uid")


async def test_without_an_answer_nothing_is_asked(told: Settings, exchange: Exchange) -> None:
    exchange.simulator.faults = replace(exchange.simulator.faults, http_status=502)
    code, said = await arming(told, UID)
    assert (code, armed(told)) == (1, None)
    assert said.startswith("not armed: ")
    assert "Type" not in said


async def test_a_file_that_cannot_be_written_is_told(told: Settings, tmp_path: Path) -> None:
    code, said = await arming(replace(told, arm_file=tmp_path / "no" / "armed"), UID)
    assert code == 1
    assert said.endswith("armed: No such file or directory")


def live(folder: Path, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TRADING_MODE": "live",
        "DATABASE_URL": "postgresql://x/y",
        "BINGX_API_KEY": "the-api-key",
        "BINGX_SECRET_KEY": "the-secret-key",
        "ARM_FILE": str(folder / "armed"),
        **changes,
    }


async def command(*words: str, terminal: bool, **variables: str) -> tuple[int | None, str]:
    """Exit code and errors of `python -m bot`, with a terminal of its own or with none."""
    parent, child = pty.openpty()
    with closing(os.fdopen(parent, "rb", 0)), closing(os.fdopen(child, "r+b", 0)):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *words,
            env=variables,
            cwd=ROOT,
            stdin=child if terminal else asyncio.subprocess.DEVNULL,
            stdout=child if terminal else asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_nobody_at_a_terminal_arms_nothing(tmp_path: Path) -> None:
    code, errors = await command("arm-live", terminal=False, **live(tmp_path))
    assert code == 2
    assert errors == "arm-live wants a person at a terminal, who types the uid of the account\n"


async def test_only_live_is_armed(tmp_path: Path) -> None:
    code, errors = await command("arm-live", terminal=True, **live(tmp_path, TRADING_MODE="vst"))
    assert (code, errors) == (2, "TRADING_MODE is vst; only live is armed\n")


async def test_unarmed_the_bot_does_not_start(tmp_path: Path) -> None:
    code, errors = await command(terminal=True, **live(tmp_path))
    assert code == 2
    assert errors == (
        f"TRADING_MODE=live is not armed: cannot read {tmp_path}/armed: No such file or directory; "
        "run `python -m bot arm-live`\n"
    )
