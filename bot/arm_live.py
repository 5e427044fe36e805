"""`python -m bot arm-live`: a person types whose account it is, and the bot may trade real money in it."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bot.app import Configuration, exchange_alone
from bot.arming import arm_for, write
from bot.domain import money
from bot.domain.account import Balance
from bot.domain.mode import Mode
from bot.identity import uid_of
from bot.ports import StopTrading, TryAgain
from bot.settings import Settings, read_settings

DONE, FAILED, WRONG = 0, 1, 2


def run(environment: Mapping[str, str], configuration: Configuration) -> int:
    settings, problems = read_settings(environment, arming=True)
    if settings is not None and settings.mode is not Mode.LIVE:
        problems = [f"TRADING_MODE is {settings.mode}; only live is armed"]
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        problems.append("arm-live wants a person at a terminal, who types the uid of the account")
    if settings is None or problems:
        print("\n".join(problems), file=sys.stderr)
        return WRONG
    return arm(settings, configuration, input, print)


def arm(
    settings: Settings, configuration: Configuration, ask: Callable[[str], str], say: Callable[[str], None]
) -> int:
    try:
        balances = asyncio.run(_balances(settings, configuration))
        uid = uid_of(balances)
    except (TryAgain, StopTrading) as error:
        say(f"not armed: {error}")
        return FAILED
    say(f"The key opens the account {uid} at {settings.bingx_base_url}. It holds")
    for each in balances:
        held, open_ = money.plain(each.balance), money.plain(each.unrealised)
        say(f"  {held} {each.asset}, and {open_} in open positions")
    if ask("Type the uid of the account in which the bot may trade real money: ").strip() != uid:
        say("not armed: that is another uid")
        return FAILED
    try:
        write(settings.arm_file, arm_for(uid, settings.bingx_api_key.reveal(), datetime.now(UTC)))
    except OSError as error:
        say(f"not armed: cannot write {settings.arm_file}: {error.strerror}")
        return FAILED
    say(f"armed: {settings.arm_file}; remove it to disarm, and restart the bot either way")
    return DONE


async def _balances(settings: Settings, configuration: Configuration) -> Sequence[Balance]:
    async with exchange_alone(settings, configuration) as exchange:
        return await exchange.balances()
