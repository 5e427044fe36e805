"""What a drill of one alert breaks, how it is mended, and which stack it needs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from config.spec.duration import Duration
from scripts.drill.world import World

# Done while the block lasts; what it yields shows that it is live. To leave it undoes the fault, and does no
# harm if a runbook has undone it already.
Cause = Callable[[World], AbstractAsyncContextManager[str]]
_MINUTE, _HOLDS, _CALM, _OVER = map(Duration, (60_000, 120_000, 300_000, 5_400_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The alert's shipped runbook is run, as an operator would run it: `arguments` go beside --yes.

    It has to end with one of `codes`. While it runs the cause goes on, unless that ends by itself, as an
    outage does: then `outlasts` says so, and it is taken away when the script has begun. `name` is another
    runbook that the alert's own one sends its reader to.
    """

    arguments: tuple[str, ...] = ()
    codes: tuple[int, ...] = (0,)
    outlasts: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """A person takes the cause away: what they do, and why no script does it.

    The probes of the alert's runbook are run before that, `arguments` beside --only-probes; they must say
    what the pattern `finds` wants.
    """

    does: str
    because: str
    finds: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """In what a stack differs from the one of `make run`; drills with the same setup share one.

    `bot` is environment of the bot, `bot_config` are keys of bot.yaml with other values. With `notices` the
    bot tells of what it does, to the sink. `stand_in` puts a stand-in in front of node_exporter, by which a
    drill says what the machine is like. `bot_module` is run in place of `bot`.
    """

    bot: Mapping[str, str] = field(default_factory=dict)
    bot_config: Mapping[str, str] = field(default_factory=dict)
    notices: bool = False
    stand_in: bool = False
    bot_module: str = "bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault, and the orders that go on meanwhile. Lengths of time are those of life, which runs faster.

    `every` is the time between two signals; None sends none. `calm` is how long all goes well before the
    fault: the first negative control. `holds` is how long the alert must go on to fire while nothing is done:
    the second. Once the fault is mended, signals come `recovery` times as often, so that the share of
    failures falls soon, and the alert must end within `over_within`. `level` is what is drilled, if not the
    gravest level that somebody is told of. `beside` are alerts that may fire too, and why. A drill that
    `leaves` something is the last one in its stack. `stand_in` says what is played and why it cannot be had.
    With `misses_evaluations` the fault itself keeps Prometheus from evaluating.
    """

    what: str
    cause: Cause
    mend: tuple[Script | ByHand, ...]
    every: Duration | None = _MINUTE
    calm: Duration = _CALM
    holds: Duration = _HOLDS
    over_within: Duration = _OVER
    recovery: int = 1
    level: str = ""
    time_scale: float = 60
    setup: Setup = Setup()
    beside: Mapping[str, str] = field(default_factory=dict)
    leaves: str = ""
    stand_in: str = ""
    misses_evaluations: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A fault that the digest tells of after it is over, and one whose alert, `beside`, fires still.

    Its drill waits for the wall clock, and has a stack of its own.
    """

    what: str
    cause: Cause
    every: Duration
    beside: str
    beside_what: str
    beside_cause: Cause
    time_scale: float = 60
