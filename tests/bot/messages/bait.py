"""Messages made by chance that look like a signal and are none: whatever is read from them is wrong."""

import random
from dataclasses import replace

from bot.domain.signal import Side, Signal
from tests.bot.messages.generate import Made, good, lines, pair, signal
from tests.bot.messages.words import TONGUES

OTHER = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


def _tongue(rng: random.Random) -> str:
    return rng.choice(tuple(TONGUES))


def _word(meant: Signal) -> str:
    return "LONG" if meant.side is Side.BUY else "SHORT"


def _plain(rng: random.Random, meant: Signal, entry: str, target: str, stop: str) -> str:
    return f"{_word(meant)} {pair(rng, meant)}\nEntry: {entry}\nTP1: {target}\nSL: {stop}"


def _entered(rng: random.Random) -> Signal:
    """A signal with an entry and a stop."""
    return next(each for each in iter(lambda: signal(rng), None) if each.entries and each.stop is not None)


def sideless(rng: random.Random) -> str:
    return lines(rng, signal(rng), _tongue(rng), sided=False).text


def two_trades(rng: random.Random) -> str:
    first, second = good(rng), good(rng)
    while first.signal.symbol == second.signal.symbol:
        second = good(rng)
    return rng.choice(("\n\n", "\n", " ")).join((first.text, second.text))


def turned(rng: random.Random) -> str:
    """Stop and targets on the wrong sides."""
    meant = next(each for each in iter(lambda: signal(rng), None) if each.stop is not None or each.entries)
    return lines(rng, replace(meant, side=OTHER[meant.side]), _tongue(rng)).text


def ticked(rng: random.Random) -> str:
    meant = _entered(rng)
    tick = rng.choice(("✅", " ✅", " ✔️", "☑️"))
    return _plain(rng, meant, f"{meant.entries[0]:f}", f"{meant.targets[0]:f}{tick}", f"{meant.stop:f}")


def negative(rng: random.Random) -> str:
    meant = _entered(rng)
    return _plain(
        rng, meant, f"{rng.choice('-−')}{meant.entries[0]:f}", f"{meant.targets[0]:f}", f"{meant.stop:f}"
    )


def percent_stop(rng: random.Random) -> str:
    meant = _entered(rng)
    return _plain(rng, meant, f"{meant.entries[0]:f}", f"{meant.targets[0]:f}", f"{rng.randint(1, 30)}%")


def percent_target(rng: random.Random) -> str:
    meant = _entered(rng)
    return _plain(rng, meant, f"{meant.entries[0]:f}", f"{rng.randint(1, 30)} %", f"{meant.stop:f}")


def condition(rng: random.Random) -> str:
    meant = _entered(rng)
    word = rng.choice(("above ", "below ", "if it breaks ", "> ", "< "))
    return _plain(rng, meant, f"{word}{meant.entries[0]:f}", f"{meant.targets[0]:f}", f"{meant.stop:f}")


def closing(rng: random.Random) -> str:
    meant = _entered(rng)
    return (
        f"{rng.choice(('Close', 'Exit', 'CLOSE'))} {_word(meant)} {pair(rng, meant)} at {meant.targets[0]:f}"
    )


def told(rng: random.Random) -> str:
    """A trade that somebody talks of."""
    meant = _entered(rng)
    text = rng.choice(
        (
            "If {pair} breaks {entry} I would {side} it to {target} with a stop at {stop}",
            "Should I {side} {pair} at {entry} with SL {stop} and TP {target}?",
            "{pair} {side} closed ✅ Entry: {entry} Exit: {target} Profit: +31%",
            "{pair} Target 1: {target} reached, move stop to {entry}",
        )
    )
    return text.format(
        pair=pair(rng, meant),
        side=_word(meant).lower(),
        entry=f"{meant.entries[0]:f}",
        target=f"{meant.targets[0]:f}",
        stop=f"{meant.stop:f}",
    )


def retold(rng: random.Random) -> str:
    """A whole signal, but an old one or an example."""
    heads = (
        "Yesterday I posted:",
        "[In reply to Mole Trades]",
        "Example of a signal:",
        "This is not a signal:",
    )
    return f"{rng.choice(heads)}\n{lines(rng, signal(rng), _tongue(rng)).text}"


BAIT = (
    sideless,
    two_trades,
    turned,
    ticked,
    negative,
    percent_stop,
    percent_target,
    condition,
    closing,
    told,
    retold,
)


def bait(rng: random.Random) -> Made:
    make = rng.choice(BAIT)
    return Made(make(rng), f"bait {make.__name__}", None)
