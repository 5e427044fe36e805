"""When a drill says nothing because Prometheus did not keep up, and when it does all the same."""

from datetime import UTC, datetime

import pytest

from config.spec.model import Project
from scripts.drill.stage import Begin, Evaluations, Stage
from scripts.drill.verdict import Drill
from scripts.drill.world import HarnessError

BEGIN = Begin(at=datetime(2026, 1, 31, tzinfo=UTC), evaluations=Evaluations(wanted=100, missed=7))


class Prometheus:
    """A World whose Prometheus has so many evaluations behind it."""

    def __init__(self, wanted: float, missed: float) -> None:
        self._counts = {"iterations_total": wanted, "iterations_missed_total": missed}

    async def query(self, expression: str) -> list[dict[str, object]]:
        name = expression.removeprefix("sum(prometheus_rule_group_").removesuffix(")")
        return [{"value": [0, str(self._counts[name])]}]


def stage(project: Project, wanted: float, missed: float, passed: bool = True) -> Stage:
    drill = Drill(alert="A", severity="critical", time_scale=60)
    drill.judge("everything before", passed, "")
    return Stage(project=project, scale=60, world=Prometheus(wanted, missed), drill=drill, say=lambda _: None)


async def test_what_was_left_out_before_the_drill_began_does_not_count(project: Project) -> None:
    kept_up = stage(project, wanted=200, missed=7)
    await kept_up.judge_harness(BEGIN)
    assert kept_up.drill.passed
    assert kept_up.drill.steps[-1].seen == "0 of 100 left out"


async def test_a_drill_that_passed_although_few_were_left_out_has_passed(project: Project) -> None:
    nearly = stage(project, wanted=200, missed=12)
    await nearly.judge_harness(BEGIN)
    assert nearly.drill.passed


async def test_a_drill_that_passed_while_many_were_left_out_says_nothing(project: Project) -> None:
    with pytest.raises(HarnessError, match="6 of 100 left out"):
        await stage(project, wanted=200, missed=13).judge_harness(BEGIN)


async def test_a_drill_that_failed_while_one_was_left_out_says_nothing(project: Project) -> None:
    with pytest.raises(HarnessError, match="1 of 100 left out"):
        await stage(project, wanted=200, missed=8, passed=False).judge_harness(BEGIN)


async def test_a_drill_that_failed_with_none_left_out_has_failed(project: Project) -> None:
    failed = stage(project, wanted=200, missed=7, passed=False)
    await failed.judge_harness(BEGIN)
    assert not failed.drill.passed


async def test_a_prometheus_that_evaluates_nothing_fails_the_drill(project: Project) -> None:
    idle = stage(project, wanted=100, missed=7)
    await idle.judge_harness(BEGIN)
    assert not idle.drill.passed


class Settling(Prometheus):
    """A World in which the alerts of the start end one after the other, in Alertmanager last."""

    def __init__(self) -> None:
        super().__init__(wanted=100, missed=7)
        self.firing = [{"BotDown", "Watchdog"}, {"Watchdog"}, {"Watchdog"}]
        self.holding = [{"BotDown"}, {"BotDown"}, {"HighCPULoad"}]
        self.looks = 0

    async def until_scraped(self, jobs: int) -> None:
        """All are up."""

    async def query(self, expression: str) -> list[dict[str, object]]:
        if not expression.startswith("ALERTS"):
            return await super().query(expression)
        return [{"metric": {"alertname": name}} for name in self.firing[self.looks]]

    async def held(self) -> set[str]:
        self.looks += 1
        return self.holding[self.looks - 1]


async def test_a_drill_begins_when_nothing_of_the_start_fires_and_alertmanager_holds_none_of_it(
    project: Project,
) -> None:
    world = Settling()
    drill = Drill(alert="A", severity="critical", time_scale=60)
    await Stage(project=project, scale=60, world=world, drill=drill, say=lambda _: None).settled()
    assert world.looks == 3
