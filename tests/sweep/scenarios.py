"""The scenarios in which the bot is killed, and under which conditions each is played."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.switch import Level
from tests.sweep import plays
from tests.sweep.hand import BETWEEN_LOOKS, Hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`end` is where the price goes at last, so that every position meets its stop."""

    name: str
    play: Callable[[Hand], Awaitable[None]] | None  # none: the whole application, by its own timers
    switches: Mapping[str, str] = field(default_factory=dict)
    hedge: bool = True
    symbol: str = "BTC-USDT"
    begin: str = "60000"
    away: float = 0.0  # seconds from the kill to the next start
    meanwhile: tuple[str, ...] = ()  # prices
    end: tuple[str, ...] = ("58000",)
    crashes: int = 0  # lives after the first that are killed as well, each somewhere in its recovery
    from_start: bool = False  # also the steps by which the bot starts are killed
    pace: float = BETWEEN_LOOKS  # seconds between two looks
    lag: int = 0  # looks more until all that changed is shown
    most: int | None = None  # points, drawn evenly from all, where each takes long


WHEN_DONE = {"partial_stop": "when_done"}
TWO_HOURS = {"client_id_window": "2h"}
BOTH_STOPS = ("58000", "62000")
SCENARIOS = (
    Scenario(name="order alone", play=plays.alone),
    Scenario(name="start", play=plays.start, from_start=True),
    Scenario(name="limit", play=plays.limit),
    Scenario(name="zone", play=plays.zone),
    Scenario(name="message twice", play=plays.twice),
    Scenario(name="ladder of four", play=plays.ladder),
    Scenario(name="ladder, one-way", play=plays.ladder, hedge=False),
    Scenario(name="partial, stop grows", play=plays.partial),
    Scenario(name="partial, stop when done", play=plays.partial, switches=WHEN_DONE),
    Scenario(name="partial and expiry", play=plays.partial_then_expiry),
    Scenario(
        name="partial and expiry, late stop",
        play=plays.partial_then_expiry,
        switches=WHEN_DONE,
    ),
    Scenario(name="expiry", play=plays.expiry),
    Scenario(name="expiry after hours", play=plays.late_expiry, switches=TWO_HOURS),
    Scenario(name="target first", play=plays.target_first),
    Scenario(name="stop first", play=plays.stop_first),
    Scenario(name="stop first, late stop", play=plays.stop_first, switches=WHEN_DONE),
    Scenario(name="person cancels", play=plays.person_cancels),
    Scenario(name="exit by stop", play=plays.stopped),
    Scenario(name="exit by targets", play=plays.targets),
    Scenario(name="halt 1", play=plays.halted(Level.NO_ENTRIES), end=BOTH_STOPS),
    Scenario(name="halt 2", play=plays.halted(Level.CANCEL_ENTRIES), end=BOTH_STOPS),
    Scenario(name="halt 3, flatten", play=plays.halted(Level.FLATTEN), end=BOTH_STOPS),
    Scenario(name="answer lost", play=plays.lost_after),
    Scenario(name="answer lost, resting", play=plays.lost_after_resting),
    Scenario(name="answer lost, hidden", play=plays.lost_and_hidden, lag=2),
    Scenario(name="request lost", play=plays.lost_before),
    Scenario(name="request lost for good", play=plays.lost_for_good),
    Scenario(name="stop lost", play=plays.stop_lost, switches=WHEN_DONE),
    Scenario(name="stop hidden", play=plays.stop_hidden, switches=WHEN_DONE, pace=1.0, lag=10),
    Scenario(name="targets lost", play=plays.targets_lost),
    Scenario(name="cancel lost", play=plays.cancel_lost),
    Scenario(name="closes lost", play=plays.closes_lost, end=BOTH_STOPS),
    Scenario(name="two trades", play=plays.two_trades),
    Scenario(name="HALT file", play=plays.file_halts),
    Scenario(name="exit, large stops fail", play=plays.targets, switches={"oversized_stop": "fails"}),
    Scenario(
        name="short, one-way",
        play=plays.short,
        hedge=False,
        switches={"one_way_side": "both"},
        end=("62000",),
    ),
    Scenario(name="filled while dead", play=plays.limit, meanwhile=("59700",)),
    Scenario(name="stopped while dead", play=plays.ladder, meanwhile=("58900",)),
    Scenario(name="target while dead", play=plays.ladder, meanwhile=("61500",)),
    Scenario(
        name="dead for hours", play=plays.limit, switches=TWO_HOURS, away=3 * 3600, meanwhile=("59700",)
    ),
    Scenario(name="answer lost for hours", play=plays.lost_after, switches=TWO_HOURS, away=3 * 3600),
    Scenario(name="crash loop, targets", play=plays.targets, crashes=8, most=150),
    Scenario(name="crash loop, late stop", play=plays.partial, crashes=8, most=150, switches=WHEN_DONE),
    Scenario(
        name="crash loop, flatten", play=plays.halted(Level.FLATTEN), crashes=8, most=150, end=BOTH_STOPS
    ),
    Scenario(name="crash loop, request lost", play=plays.lost_before, crashes=8, most=150),
    Scenario(name="adopt", play=plays.adopting),
    Scenario(name="1000PEPE", play=plays.pepe, symbol="1000PEPE-USDT", begin="0.0000081", end=("0.0000078",)),
    Scenario(name="whole application", play=None, most=100),
)

# Of these the recovery is killed, too: after so much of the first life, as a share of its points.
RECOVERIES: Mapping[str, Sequence[float]] = {
    "zone": (0.1, 0.3, 0.5),
    "partial, stop when done": (0.5, 0.7, 0.9),
    "exit by targets": (0.4, 0.8),
    "halt 3, flatten": (0.5, 0.7, 0.9),
    "answer lost, hidden": (0.3, 0.6),
    "request lost": (0.5,),
    "stop lost": (0.8,),
    "closes lost": (0.8,),
    "stopped while dead": (0.5,),
    "adopt": (0.5,),
}
