"""One call of an endpoint, with its parameters read as BingX reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.simulator.book import Book
from bot.simulator.errors import BingXError

WEEK = 7 * 24 * 3600 * 1000  # milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    book: Book
    now: int
    parameters: Mapping[str, str]
    hidden_for_ms: float = 0
    positions_hidden_for_ms: float = 0
    share: Decimal = Decimal(1)

    def symbol(self) -> str:
        return self.book.market.contract(self.parameters.get("symbol", "")).symbol

    def chosen(self) -> list[str]:
        return [self.symbol()] if "symbol" in self.parameters else list(self.book.market.contracts)

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        told = self.parameters.get(name, str(default))
        if not told.isdecimal() or not least <= int(told) <= most:
            raise BingXError(109400, f"Invalid parameters: {name} must be a whole number, {least} to {most}")
        return int(told)

    def one_of(self, name: str, *allowed: str) -> str:
        told = self.parameters.get(name, "")
        if told not in allowed:
            raise BingXError(109400, f"Invalid parameters: {name} must be one of {', '.join(allowed)}")
        return told

    def span(self) -> tuple[int, int]:
        """The asked time of a list: the week before its end unless told otherwise, and never longer."""
        end = self.integer("endTime", self.now, 0, 10**14)
        start = self.integer("startTime", max(end - WEEK, 0), 0, 10**14)
        if end - start > WEEK:
            raise BingXError(109400, "Invalid parameters: startTime and endTime must be at most 7 days apart")
        return start, end
