"""`python -m bot login`: what a person is asked, what is written, and that the session is never shown."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from telethon import errors

from bot.adapters.telegram_login import LoginError, Person, log_in
from bot.commands.exits import Exit
from bot.commands.login import LogIn, run

HASH = "0123456789abcdef0123456789abcdef"
GOOD = {"TELEGRAM_API_ID": "12345", "TELEGRAM_API_HASH": HASH}
SESSION = "1-the-session-that-nobody-may-see"


@dataclass(slots=True, kw_only=True)
class FakeClient:
    """Telegram for one account: its number, the code that it is sent, its password if it has one."""

    phone: str = "+15550100123"
    code: str = "11111"
    password: str = ""
    fail: Exception | None = None
    told_code: bool = False
    is_in: bool = False
    connected: bool = False

    @property
    def session(self) -> "FakeClient":
        return self

    def save(self) -> str:
        return SESSION if self.is_in else ""

    async def connect(self) -> None:
        if self.fail:
            raise self.fail
        self.connected = True

    async def disconnect(self) -> None:
        self.connected = False

    async def send_code_request(self, phone: str) -> None:
        if phone != self.phone:
            raise errors.PhoneNumberInvalidError(request=None)

    async def sign_in(self, phone: str = "", code: str = "", *, password: str = "") -> None:
        if not self.told_code:
            if code != self.code:
                raise errors.PhoneCodeInvalidError(request=None)
            self.told_code = True
            if self.password:
                raise errors.SessionPasswordNeededError(request=None)
        elif password != self.password:
            raise errors.PasswordHashInvalidError(request=None)
        self.is_in = True


@dataclass(slots=True, kw_only=True)
class FakePerson:
    """Gives these answers, one after the other."""

    answers: list[str]
    secrets: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def as_person(self) -> Person:
        return Person(
            ask=lambda _: self.answers.pop(0),
            ask_secret=lambda _: self.secrets.pop(0),
            say=self.heard.append,
        )


async def session_of(client: FakeClient, *answers: str, secrets: tuple[str, ...] = ()) -> str:
    person = FakePerson(answers=list(answers), secrets=list(secrets))
    try:
        return await log_in(client, person.as_person())
    finally:
        assert not client.connected


async def test_number_and_code_make_a_session() -> None:
    assert await session_of(FakeClient(), "+15550100123", " 11111 ") == SESSION


async def test_a_password_is_asked_for_if_there_is_one_and_is_not_shown() -> None:
    client = FakeClient(password="geheim")
    assert await session_of(client, "+15550100123", "11111", secrets=("wrong", "geheim")) == SESSION


async def test_a_code_may_be_mistyped_twice() -> None:
    assert await session_of(FakeClient(), "+15550100123", "1", "2", "11111") == SESSION


@pytest.mark.parametrize(
    ("client", "answers", "said"),
    [
        (FakeClient(), ["12345:AAtoken"], "a bot's token"),
        (FakeClient(), ["+1"], "no phone number"),
        (FakeClient(), ["+15550100123", "1", "2", "3"], "not right 3 times"),
        (FakeClient(fail=errors.FloodWaitError(request=None, capture=77)), [], "for 77 s"),
        (FakeClient(fail=errors.ApiIdInvalidError(request=None)), [], "do not belong together"),
        (FakeClient(fail=ConnectionError("no route")), [], "no route"),
    ],
)
async def test_why_there_is_no_session_is_said(client: FakeClient, answers: list[str], said: str) -> None:
    with pytest.raises(LoginError, match=said):
        await session_of(client, *answers)


def giving(session: str | None, why: str = "") -> LogIn:
    return lambda api_id, api_hash: (session, why)


def test_the_session_is_in_a_file_for_its_owner_alone_and_nowhere_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "telegram_session"
    assert run(file, GOOD, is_person=True, log_in=giving(SESSION)) == Exit.DONE
    assert file.read_text() == f"{SESSION}\n"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    told = "".join(capsys.readouterr())
    assert SESSION not in told
    assert f"TELEGRAM_SESSION_FILE={file}" in told


def test_a_new_session_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "telegram_session"
    file.write_text("old")
    file.chmod(0o644)
    environment = GOOD | {"TELEGRAM_SESSION_FILE": str(file)}
    assert run(None, environment, is_person=True, log_in=giving(SESSION)) == Exit.DONE
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{SESSION}\n", 0o600)


def test_the_old_session_stays_if_there_is_no_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegram_session"
    file.write_text("old")
    assert run(file, GOOD, is_person=True, log_in=giving(None, "not right 3 times")) == Exit.FAILED
    assert file.read_text() == "old"
    assert "not logged in: not right 3 times" in capsys.readouterr().err


def never(api_id: int, api_hash: str) -> tuple[str | None, str]:
    raise AssertionError("nobody may be asked")


@pytest.mark.parametrize(
    ("environment", "is_person", "out", "said"),
    [
        (GOOD, False, "session", "wants a person at a terminal"),
        ({}, True, "session", "set TELEGRAM_API_ID and TELEGRAM_API_HASH_FILE"),
        (GOOD | {"TELEGRAM_API_ID": "x"}, True, "session", "TELEGRAM_API_ID is 'x'"),
        (GOOD | {"TELEGRAM_API_HASH": "short"}, True, "session", "32 hexadecimal digits"),
        (GOOD, True, "", "cannot write"),
        (GOOD, True, "file/session", "cannot make the folder"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_types_a_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    is_person: bool,
    out: str,
    said: str,
) -> None:
    (tmp_path / "file").touch()
    assert run(tmp_path / out, environment, is_person=is_person, log_in=never) == Exit.WRONG
    told = capsys.readouterr().err
    assert said in told
    assert HASH not in told


def test_it_wants_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "login"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.returncode, "wants a person at a terminal" in done.stderr) == (2, True)
