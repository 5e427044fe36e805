"""Whose account the keys open: checked before anything is traded in it, and again as long as the bot runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk import Desk
from bot.domain.account import Balance
from bot.domain.mode import Mode
from bot.ports import StopTrading, TryAgain


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The account that a person armed the bot for; none where no real money is traded."""

    armed_uid: str | None


async def identify(desk: Desk, identity: Identity) -> None:
    """Sets `desk.hedged` only once it is known that account, arming and database belong together."""
    uid = uid_of(await desk.account.balances())
    if desk.mode is Mode.LIVE and uid != identity.armed_uid:
        raise StopTrading(
            f"the keys open the account {uid}, but the bot was armed for {identity.armed_uid}: "
            "give it the right keys, or run `python -m bot arm-live` again"
        )
    await desk.store.stamp(desk.mode, uid)
    desk.hedged = await desk.account.is_hedged()


def uid_of(balances: Sequence[Balance]) -> str:
    uids = {each.uid for each in balances}
    if len(uids) != 1 or "" in uids:
        raise TryAgain("the exchange does not tell whose account this is")
    return uids.pop()
