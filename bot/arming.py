"""The file by which a person armed the bot for real money: bound to one account and one key."""

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_MODE = 0o600
_LARGEST = 1000  # bytes
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotArmedError(Exception):
    """Why the file does not arm the bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    uid: str
    key_sha256: str
    armed_at: str


def arm_for(uid: str, api_key: str, now: datetime) -> Arm:
    return Arm(uid=uid, key_sha256=_hash(api_key), armed_at=now.isoformat(timespec="seconds"))


def armed_uid(path: Path, api_key: str) -> str:
    """The account that the bot is armed for; NotArmedError if it is not, or for another key."""
    try:
        arm = Arm(**json.loads(_text(path)))
    except OSError as error:
        raise NotArmedError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, TypeError, RecursionError):
        raise NotArmedError(f"{path} is not what arm-live writes") from None
    if arm.key_sha256 != _hash(api_key):
        raise NotArmedError(f"{path} was written for another BINGX_API_KEY")
    return arm.uid


def write(path: Path, arm: Arm) -> None:
    """Whole or not at all; mkstemp makes it for its owner's eyes alone."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump({name: getattr(arm, name) for name in Arm.__slots__}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _text(path: Path) -> str:
    descriptor = os.open(path, _READ)
    try:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_uid != os.geteuid():
            raise NotArmedError(f"{path} is not a file of the user that the bot runs as")
        if stat.S_IMODE(told.st_mode) != _MODE:
            raise NotArmedError(f"{path} may be read or written by others: chmod 600 {path}")
        return os.read(descriptor, _LARGEST).decode()
    finally:
        os.close(descriptor)


def _hash(api_key: str) -> str:
    return hashlib.sha256(api_key.encode()).hexdigest()
