"""How a fault is mended: by the shipped runbook, or by what only a person can do."""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.drill.fault import ByHand, Script
from scripts.drill.runbook import Ran, run
from scripts.drill.stage import Stage
from scripts.drill.verdict import Promise

# So that a script which only looks once does not look before there is anything to wait for.
_BEGUN = 2.0
_FOUND = (0, 3)  # all is well, or a finding: probes end with nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """Does the steps of one drill; `cause` is open until the fault is taken away."""

    stage: Stage
    runbook: str
    folder: Path
    cause: AsyncExitStack

    async def do(self, step: Script | ByHand) -> None:
        """Do one step; verdicts are in the drill."""
        if isinstance(step, ByHand):
            await self._look(step)
            self.stage.say(f"by hand: {step.does}")
            self.stage.drill.mark("by hand")
            await self.cause.aclose()
        else:
            await self._run(step)

    async def _look(self, step: ByHand) -> None:
        """Run the probes of the runbook, which has to say what a person needs to know."""
        ran = await self._script(self.runbook, ("--only-probes", *step.arguments))
        found = re.search(step.finds, ran.output) if step.finds else None
        good = ran.code in _FOUND and (found is not None or not step.finds)
        seen = f"{ran.command} ended with {ran.code}"
        seen += f", and found: {found[0]}" if found else "" if good else f"\n{ran.tail}"
        self.stage.drill.judge("the runbook looks", good, seen, Promise.RUNBOOK)

    async def _run(self, step: Script) -> None:
        async with asyncio.TaskGroup() as group:
            if step.outlasts:
                group.create_task(self._passes(step.outlasts))
            ran = await self._script(step.name or self.runbook, self._filled(step.arguments))
        good = ran.code in step.codes
        seen = f"{ran.command} ended with {ran.code} after {ran.seconds:.0f} s of life"
        if not good:
            seen += f"; expected {' or '.join(map(str, step.codes))}\n{ran.tail}"
        self.stage.drill.judge("the runbook mends", good, seen, Promise.RUNBOOK)

    def _filled(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(argument.format(**self.stage.world.facts) for argument in arguments)

    async def _passes(self, why: str) -> None:
        await asyncio.sleep(_BEGUN)
        self.stage.say(f"it passes: {why}")
        self.stage.drill.mark("passes")
        await self.cause.aclose()

    async def _script(self, name: str, arguments: tuple[str, ...]) -> Ran:
        self.stage.say(f"runbooks/{name}.sh {' '.join(arguments)}".rstrip())
        begin = datetime.now(UTC)
        ran = await run(self.stage.world.home, self.folder / f"{name}.sh", arguments)
        self.stage.drill.mark(f"runbook: {name}", begin, datetime.now(UTC))
        return ran
