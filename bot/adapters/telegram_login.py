"""How a person logs in to Telegram: number, code, and a password if there is one. It ends in a session."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from telethon import errors

TRIES = 3


class LoginError(Exception):
    """There is no session; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who sits at the terminal; what is typed after `ask_secret` is not shown."""

    ask: Callable[[str], str]
    ask_secret: Callable[[str], str]
    say: Callable[[str], None]


async def log_in(client: Any, person: Person) -> str:
    try:
        await client.connect()
        await _sign_in(client, person)
        return str(client.session.save())
    except errors.FloodWaitError as error:
        raise LoginError(f"Telegram takes no more attempts for {error.seconds} s") from None
    except errors.ApiIdInvalidError:
        raise LoginError("TELEGRAM_API_ID and TELEGRAM_API_HASH do not belong together") from None
    except (errors.RPCError, OSError, ValueError) as error:
        raise LoginError(f"Telegram refused, or did not answer: {error}") from None
    finally:
        await client.disconnect()


async def _sign_in(client: Any, person: Person) -> None:
    phone = person.ask("Phone number of the account, as +15550100123: ").strip()
    if ":" in phone:
        raise LoginError("that is a bot's token; a bot cannot read channels, so log in as a person")
    try:
        await client.send_code_request(phone)
    except (errors.PhoneNumberInvalidError, TypeError, ValueError):
        raise LoginError("that is no phone number that Telegram knows") from None
    person.say("Telegram has sent a code, to the app of that account if it has one.")
    try:
        await _tried(lambda: client.sign_in(phone, person.ask("Code: ").strip()), person)
    except errors.SessionPasswordNeededError:
        await _tried(lambda: client.sign_in(password=person.ask_secret("Password: ")), person)


async def _tried(step: Callable[[], Awaitable[Any]], person: Person) -> None:
    for _ in range(TRIES):
        try:
            await step()
            return
        except (errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError, errors.PasswordHashInvalidError):
            person.say("That is not right.")
        except errors.PhoneCodeExpiredError:
            raise LoginError("the code is too old, or was shown to somebody in Telegram itself") from None
    raise LoginError(f"not right {TRIES} times")
