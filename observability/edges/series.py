"""What series do in a stretch of a derived test, and the values that they have because of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from observability.edges.evaluate import Labels

Series = tuple[str, Labels]
# A gauge stays, follows the clock, runs straight on, or begins anew so many times; a counter gets so much in
# each step, or at once; `run` is one in each of so many steps.
Does = Literal["stays", "follows", "runs", "anew", "each", "once", "run"]
COUNTING = frozenset({"each", "once", "run"})
_EXACT = 1024  # fractions of this binary numbers have whole
_BASE = Decimal(1_000_000)  # where a gauge begins that runs on, so that it stays a sensible one


@dataclass(frozen=True, slots=True)
class Signal:
    """What one series does from the beginning of a stretch on; `amount` is per step where it is of steps.

    What runs on or begins anew does so from `base`, or from where it is.
    """

    does: Does
    amount: Decimal
    base: Decimal | None = None


Regime = Mapping[Series, Signal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """So many steps in which every series does what the regime says; None means that nothing is exported.

    At the beginning of one that `restarts` every counter is 0 again.
    """

    regime: Regime | None
    steps: int
    restarts: bool = False


Values = list[Decimal | None]


def values_of(stretches: Sequence[Stretch], seconds: int, base: Decimal = Decimal(0)) -> dict[Series, Values]:
    """Return the values of every series; a counter is there from the start, and at `base` until it moves."""
    names = dict.fromkeys(name for stretch in stretches for name in stretch.regime or ())
    return {name: _values(name, stretches, seconds, base) for name in names}


def _values(name: Series, stretches: Sequence[Stretch], seconds: int, base: Decimal) -> Values:
    signals = [stretch.regime.get(name) if stretch.regime else None for stretch in stretches]
    counts = any(signal is not None and signal.does in COUNTING for signal in signals)
    values: Values = []
    total = base
    for stretch, signal in zip(stretches, signals, strict=True):
        if stretch.restarts or stretch.regime is None:
            total = Decimal(0)
        for place in range(stretch.steps):
            if stretch.regime is None:
                values.append(None)
            elif counts:
                if signal is not None and not (stretch.restarts and place == 0):
                    total += _more(signal, place - stretch.restarts)
                values.append(total)
            else:
                start = values[-place - 1] if len(values) > place else None
                values.append(
                    None if signal is None else _gauged(signal, place, len(values) * seconds, start or _BASE)
                )
    return values


def _more(signal: Signal, place: int) -> Decimal:
    match signal.does:
        case "once":
            return signal.amount if place == 0 else Decimal(0)
        case "run":
            return Decimal(place < signal.amount)
    return signal.amount


def _gauged(signal: Signal, place: int, now: int, start: Decimal) -> Decimal:
    base = start if signal.base is None else signal.base
    match signal.does:
        case "follows":
            return now + signal.amount
        case "runs":
            return base + signal.amount * place
        case "anew":
            return base + min(Decimal(place + 1), signal.amount)
    return signal.amount


def floats(world: Mapping[Series, Values]) -> dict[Series, list[float | None]]:
    """Return the world as Prometheus holds it."""
    return {
        name: [None if value is None else float(value) for value in values] for name, values in world.items()
    }


def merged(regimes: Iterable[Regime]) -> dict[Series, Signal]:
    """Return all of them together; the first that speaks of a series is heard."""
    told: dict[Series, Signal] = {}
    for regime in regimes:
        for name, signal in regime.items():
            told.setdefault(name, signal)
    return told


def is_rounded(world: Mapping[Series, Values]) -> bool:
    """Whether a series moves by a fraction step by step, which promtool adds up and so rounds."""
    return any(map(_moves_by_a_fraction, world.values()))


def _moves_by_a_fraction(values: Values) -> bool:
    for a, b, c in zip(values, values[1:], values[2:], strict=False):
        if a is not None and b is not None and c is not None and a != b and c - b == b - a:
            return (b - a) * _EXACT != ((b - a) * _EXACT).to_integral_value()
    return False


def quiet(regime: Regime) -> dict[Series, Signal]:
    """Return the regime without what happens in it once; what goes on goes on."""
    return {
        name: replace(signal, amount=Decimal(0)) if signal.does in ("once", "run", "anew") else signal
        for name, signal in regime.items()
    }


def without_events(regime: Regime) -> dict[Series, Signal]:
    """Return the regime with every counter at rest."""
    return {
        name: replace(signal, amount=Decimal(0)) if signal.does in COUNTING else signal
        for name, signal in regime.items()
    }
