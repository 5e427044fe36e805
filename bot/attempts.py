"""Steps that are tried one after the other: one that fails keeps no other from its turn."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from bot.desk import Desk, stop_trading
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain

T = TypeVar("T")


async def tried(step: Callable[..., Awaitable[None]], desk: Desk, *more: object) -> Exception | None:
    try:
        await step(desk, *more)
    except (TryAgain, OutcomeUnknown, Refused) as error:
        return error
    except StopTrading as error:
        stop_trading(desk, str(error))
    return None


async def each(step: Callable[[Desk, T], Awaitable[None]], desk: Desk, items: Iterable[T]) -> None:
    """Raises the first failure after all had their turn: one that fails keeps no other from its own."""
    raise_first([await tried(step, desk, item) for item in items])


def raise_first(failures: Iterable[Exception | None]) -> None:
    for failure in failures:
        if failure:
            raise failure
