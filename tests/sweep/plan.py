"""Which points are tried: all, or an equal share of every scenario, drawn by a seed."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from bot.simulator.switches import Switches
from tests.sweep.scenarios import RECOVERIES, SCENARIOS, Scenario
from tests.sweep.stage import Job

LONGER = 10**9  # callbacks than any life has


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A scenario; or with a share its recovery, after the bot was killed when so much of it was done."""

    scenario: Scenario
    share: float | None = None

    @property
    def name(self) -> str:
        return self.scenario.name if self.share is None else f"recovery of {self.scenario.name}"

    def job(self, count: int, point: int | None) -> Job:
        """To kill at the point; None: to count how many there are. `count` is how many the first life has."""
        first = max(1, round(count * (self.share or 0)))
        counts = point is None
        at = LONGER if point is None else point
        if self.share is None:
            return Job(scenario=self.scenario, first=at, counts=counts)
        return Job(scenario=self.scenario, first=first, second=at, counts=counts)


def groups(scenario: str | None) -> list[Group]:
    found = [each for each in SCENARIOS if scenario in (None, each.name)]
    firsts = [Group(scenario=each) for each in found]
    return firsts + [
        Group(scenario=each, share=share) for each in found for share in RECOVERIES.get(each.name, ())
    ]


def quotas(found: Sequence[Group], points: int | None, seed: int) -> list[tuple[Group, int | None]]:
    """How many points of each; None: all. Groups that get none are left out."""
    if points is None:
        return [(each, each.scenario.most) for each in found]
    equal, left = divmod(points, len(found))
    more = set(random.Random(seed).sample(range(len(found)), left))
    shares = [(each, equal + (number in more)) for number, each in enumerate(found)]
    return [(each, share) for each, share in shares if share]


def thrown(job: Job, seed: int) -> Job:
    """The same with one doubt about the exchange decided the less likely way, drawn for each by itself."""
    doubts = [(each.name, value) for each in fields(Switches) for value in each.metadata["values"][1:]]
    scenario = job.scenario
    name, value = random.Random(f"{seed} {scenario.name} {job.first} {job.second}").choice(doubts)
    changed = replace(
        scenario, name=f"{scenario.name}, {name}={value}", switches={**scenario.switches, name: value}
    )
    return replace(job, scenario=changed)


def drawn(count: int, quota: int | None, seed: int) -> Iterable[int]:
    """Points evenly over a life, since neighbours are alike; the one after the last is no kill at all."""
    total = count + 1
    if quota is None or quota >= total:
        return range(1, total + 1)
    start = random.Random(seed).random()
    return (1 + int((number + start) * total / quota) for number in range(quota))
