"""What is asked of a bot that starts after a kill: to come to rest, keep its word, and see all things end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.order import UNPLACED
from bot.domain.reason import Verdict
from bot.domain.switch import Level
from tests.sweep import judge
from tests.sweep.hand import Hand
from tests.sweep.scenarios import Scenario

QUIET = 3  # looks in a row that change nothing; together longer than any time that the bot waits
MOST_LOOKS = 40
LONGEST_BARE = 10.0  # seconds until a position has its whole stop again


@dataclass(slots=True, kw_only=True)
class Recovery:
    """`notes` are of the life before: what was delivered to it, and what it told others."""

    dsn: str
    scenario: Scenario
    hand: Hand
    notes: Sequence[str]
    wrong: list[str] = field(default_factory=list)
    bare: float = 0.0  # seconds for which a position was without its whole stop, at most

    async def rest(self) -> None:
        """Looks until nothing changes any more."""
        quiet, before, bare = 0, "", 0
        wanted = QUIET + self.scenario.lag
        for _ in range(MOST_LOOKS):
            await self.hand.look()
            scene = judge.Scene(rows=(), sent=(), account=self.hand.venue.account())
            now = self._fingerprint(scene)
            quiet = quiet + 1 if now == before and not self.hand.troubles else 0
            before = now
            bare = bare + 1 if self._is_bare(scene) else 0
            self.bare = max(self.bare, bare * self.scenario.pace)
            if quiet >= wanted:
                return
        told = self.hand.troubles or "something changes in each"
        self.wrong.append(f"no rest after {MOST_LOOKS} looks: {told}")

    async def judged(self) -> None:
        """At rest; after the source delivered its messages again; and when prices have reached every stop."""
        foreign, scene = self._foreign(), self._scene()
        self._add("after the recovery", judge.always(scene), judge.settled(scene, foreign), self._kept(scene))
        if self.bare > LONGEST_BARE:
            self._add("after the recovery", [f"a position was without its whole stop for {self.bare:g} s"])
        if await self._deliver_again():
            await self.rest()
        if foreign:
            await self.hand.adopt("59000", "61000", "62000")
            await self.rest()
        scene = self._scene()
        self._add("after the messages came again", judge.always(scene), judge.settled(scene, Decimal(0)))
        for price in self.scenario.end:
            self.hand.venue.price(price, self.scenario.symbol)
            await self.rest()
        scene = self._scene()
        self._add("at the end", judge.always(scene), judge.ended(scene))

    def _add(self, when: str, *found: Iterable[str]) -> None:
        self.wrong += [f"{when}: {each}" for every in found for each in every]

    def _foreign(self) -> Decimal:
        """How much a person holds that nobody adopted."""
        if any(each.source == "adopted" for each in self.hand.desk.live.values()):
            return Decimal(0)
        theirs = [Decimal(note.split()[1]) for note in self.notes if note.startswith("person ")]
        return sum(theirs, Decimal(0))

    def _is_bare(self, scene: judge.Scene) -> bool:
        held = (
            (abs(Decimal(each["positionAmt"])), scene.covered(each)) for each in scene.account["positions"]
        )
        return any(covered < quantity - self._foreign() for quantity, covered in held)

    def _kept(self, scene: judge.Scene) -> list[str]:
        """What somebody was told has to hold; and the bot has to be content, too."""
        desk = self.hand.desk
        wrong = [f"trading stopped: {desk.stopped}"] if desk.stopped else []
        accepted = {row.message for row in scene.rows if row.verdict == "accepted"}
        for note in self.notes:
            word, *rest = note.split()
            if word == "answered" and rest[1] == "accepted" and rest[0] not in accepted:
                wrong.append(f"message {rest[0]} was accepted, and is not in the database")
            if word == "halted" and desk.level() < int(rest[0]):
                wrong.append(f"it was halted at level {rest[0]}, and is at {desk.level():d}")
            if word == "adopted" and not any(row.source == "adopted" for row in scene.rows):
                wrong.append("what was adopted is not in the database")
        if "unwanted" in self.notes or desk.level() >= Level.CANCEL_ENTRIES:
            wrong += [f"the entry of message {row.message} rests" for row in scene.rows if row.rests]
        if desk.level() >= Level.FLATTEN and (scene.account["positions"] or scene.account["open_orders"]):
            wrong.append("it is halted at level 3, and not flat")
        differences = desk.picture.differences if desk.picture else {"picture": 1}
        return wrong + [f"the bot sees {count} of {kind}" for kind, count in differences.items() if count]

    async def _deliver_again(self) -> bool:
        """As a source does with what it is not sure of; whether one of them was not there yet."""
        there = {row.message for row in judge.rows(self.dsn)}
        fresh = False
        for note in dict.fromkeys(each for each in self.notes if each.startswith("delivered ")):
            _, id_, text = note.split(" ", 2)
            verdict = await self.hand.signal(text, id_)
            if id_ in there and verdict is not Verdict.DUPLICATE:
                self.wrong.append(f"message {id_} was there, and came again as {verdict}")
            fresh |= verdict is not Verdict.DUPLICATE
        return fresh

    def _fingerprint(self, scene: judge.Scene) -> str:
        """While an order is undecided no two looks are alike."""
        orders = [(each["orderId"], each["status"], each["origQty"]) for each in scene.account["open_orders"]]
        positions = [(each["positionId"], each["positionAmt"]) for each in scene.account["positions"]]
        live = [(name, each.state, each.filled_quantity) for name, each in self.hand.desk.live.items()]
        waits = any(each.state in UNPLACED for each in self.hand.desk.live.values())
        return repr([orders, positions, live, self.hand.clock.skipped if waits else 0])

    def _scene(self) -> judge.Scene:
        venue = self.hand.venue
        return judge.Scene(rows=judge.rows(self.dsn), sent=venue.orders(), account=venue.account())
