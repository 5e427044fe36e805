"""The exchange's contracts and last prices as last seen; a price too old is no price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.plan import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    priced_at: float | None = None  # monotonic

    def price(self, symbol: str, now: float, oldest: float) -> Decimal | None:
        if self.priced_at is None or now - self.priced_at > oldest:
            return None
        return self.prices.get(symbol)
