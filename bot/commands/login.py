"""`python -m bot login`: a person logs in to Telegram, and the session is written where the bot reads it."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot.commands.exits import Exit
from bot.settings import CONTROL_DIR, Reader
from bot.settings_telegram import read_hash, read_id

OUT = CONTROL_DIR.parent / "secrets" / "telegram_session"
# Given id and hash of the application: the session, or why there is none.
LogIn = Callable[[int, str], tuple[str | None, str]]


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "login", help="log in to Telegram as a person, so that the bot can read channels"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"where the session goes (TELEGRAM_SESSION_FILE, else {OUT})"
    )
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> Exit:
    is_person = sys.stdin.isatty() and sys.stdout.isatty()
    return run(options.out, os.environ, is_person=is_person, log_in=_log_in)


def run(out: Path | None, environment: Mapping[str, str], *, is_person: bool, log_in: LogIn) -> Exit:
    reader = Reader(environment)
    api_id, api_hash = read_id(reader), read_hash(reader)
    file = out or Path(reader.text("TELEGRAM_SESSION_FILE", str(OUT)))
    problems = [*reader.problems, *([] if is_person else ["login wants a person at a terminal"])]
    if not problems and not (api_id and api_hash):
        problems.append(
            "set TELEGRAM_API_ID and TELEGRAM_API_HASH_FILE as https://my.telegram.org gives them"
        )
    problems = problems or _unwritable(file)
    if problems or api_hash is None:
        print("\n".join(problems), file=sys.stderr)
        return Exit.WRONG
    session, why = log_in(api_id, api_hash.reveal())
    if session is None:
        print(f"not logged in: {why}", file=sys.stderr)
        return Exit.FAILED
    try:
        _write(file, session)
    except OSError as error:
        print(f"logged in, but {file} cannot be written: {error.strerror}; log in again", file=sys.stderr)
        return Exit.FAILED
    print(f"logged in: the session is in {file}. Whoever has that file is you in Telegram.")
    print(f"Start the bot with TELEGRAM_SESSION_FILE={file}; use the session in no other program.")
    return Exit.DONE


def _unwritable(file: Path) -> list[str]:
    """Found out before somebody types a code for nothing."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return [f"cannot make the folder {file.parent}: {error.strerror}; name another file with --out"]
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        return [f"cannot write {file}; name another file with --out"]
    return []


def _write(file: Path, session: str) -> None:
    """Whole or not at all, and never for a moment readable by others."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{session}\n")
    new.replace(file)


def _log_in(api_id: int, api_hash: str) -> tuple[str | None, str]:
    from bot.app import log_in

    try:
        return asyncio.run(log_in(api_id, api_hash, input, getpass.getpass, print))
    except (EOFError, KeyboardInterrupt):
        return None, "interrupted"
