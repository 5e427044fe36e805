"""The lease: of all instances on one database only its holder may send entries."""

from bot.desk import Desk
from bot.domain import health


async def hold_lease(desk: Desk, holder: str) -> None:
    """Take it, or say again that we live. What it allows is counted from before the question."""
    asked = desk.clock()
    epoch = await desk.store.take_lease(holder, desk.pace.lease)
    check = desk.checks["lease"]
    if epoch is None:
        desk.checks["lease"] = health.failed(check, "another instance of the bot holds the lease", asked)
    else:
        desk.checks["lease"] = health.passed(check, asked)
        desk.lease_until = asked + desk.pace.lease
    desk.follows = epoch is None
    if epoch != desk.epoch:
        desk.log.info("lease", holder=holder, epoch=epoch, epoch_was=desk.epoch)
    desk.epoch = epoch
    show_lease(desk)


def show_lease(desk: Desk) -> None:
    desk.metrics.bot_lease_held.set(desk.holds_lease())
