"""What BingX's documents leave open or tell in two ways: a switch each, its likelier value first."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


def _one_of(*values: str, of: str) -> Any:
    return field(default=values[0], metadata={"values": values, "of": of})


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    codes: str = _one_of("new", "old", of="error codes since October 2025, or those before")
    rate_code: str = _one_of("100410", "109429", of="code of too many requests")
    gateway_status: str = _one_of("200", "400", of="HTTP status of 100001, 100421 and their kind")
    beyond_precision: str = _one_of("109400", "110425", "truncate", of="a number with too many decimals")
    duplicate: str = _one_of("101481", "101400", of="code of a client order id that was used before")
    margin: str = _one_of("101204", "101253", "110424", of="code of too little margin")
    no_position: str = _one_of("101205", "109420", of="code of a close without a position")
    too_much: str = _one_of("110203", "110424", of="code of closing, or protecting, more than there is")
    cancel_absent: str = _one_of("109400", "109421", of="code of cancelling an order that never was")
    cancel_closed: str = _one_of(
        "109422", "109421", "109400", "109201", of="code of cancelling an order that is over"
    )
    hidden: str = _one_of("109421", "109423", of="code for an order that hide_orders still hides")
    ack: str = _one_of("full", "new", "bare", of="answer to an order: as it is, as NEW, or without status")
    cancelled: str = _one_of("CANCELLED", "CANCELED", of="spelling of the status")
    empty_side: str = _one_of("LONG", "refused", of="no positionSide in hedge mode")
    one_way_side: str = _one_of(
        "sided", "both", of="positions of one-way mode: LONG or SHORT, or signed BOTH"
    )
    mode_as: str = _one_of("text", "bool", of="dualSidePosition in answers")
    stop_client_id: str = _one_of("ignored", "refused", of="a client order id sent with a stop")
    client_id_window: str = _one_of("life", "2h", of="how long an order is found by its client order id")
    partial_stop: str = _one_of("grows", "when_done", of="attached stop of an entry that is filled in part")
    oversized_stop: str = _one_of(
        "closes_rest", "fails", of="a triggered stop that is larger than what is left of the position"
    )
    leftover_stops: str = _one_of("stay", "go", of="stops of a position that was closed")
    history: str = _one_of("newest", "oldest", of="which order comes first in allOrders")
    longest_window: str = _one_of("5000", "60000", of="longest recvWindow in milliseconds")
    asset: str = _one_of("USDT", "VST", of="asset of the demo account's balance")
    empty_income: str = _one_of("list", "null", of="data of income when there is none")


def parse(before: Switches, told: object) -> Switches:
    """The switches with the given ones set; ValueError says what is wrong with them."""
    known = {each.name: each.metadata["values"] for each in fields(Switches)}
    if not isinstance(told, Mapping) or not told:
        raise ValueError(f"send an object with one or more of {', '.join(known)}")
    for name, value in told.items():
        if name not in known:
            raise ValueError(f"unknown switch {name!r}; known are {', '.join(known)}")
        if value not in known[name]:
            raise ValueError(f"switch {name} must be one of {', '.join(known[name])}")
    return replace(before, **told)


def shown(switches: Switches) -> dict[str, str]:
    return asdict(switches)


def listed() -> str:
    """For --help: a line for each switch."""
    return "\n".join(
        f"  {each.name}={'|'.join(each.metadata['values'])}  {each.metadata['of']}"
        for each in fields(Switches)
    )
