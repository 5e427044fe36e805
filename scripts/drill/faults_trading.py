"""Faults of orders, money and the switch."""

from collections.abc import Mapping

from config.spec.duration import Duration
from scripts.drill.causes import orders_rejected
from scripts.drill.fault import ByHand, Daily, Fault

FAULTS: Mapping[str, Fault | Daily] = {
    "HighOrderFailureRate": Fault(
        what="the exchange rejects every order",
        cause=orders_rejected,
        mend=(
            ByHand(
                does="moves money into the account",
                because="the exchange refuses the orders for want of margin, and only its owner has more",
            ),
        ),
        calm=Duration(900_000),
        recovery=10,
    ),
}
