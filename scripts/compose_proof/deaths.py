"""Every service dies, in two ways, and is back with nothing lost: no order, switch, silence or sample.

A process that is killed is started again by the engine. What `docker kill` ends stays down, as the engine
takes it for the wish of a person; `docker compose up` brings it back.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from scripts.compose_proof.judge import lost
from scripts.compose_proof.place import Json
from scripts.compose_proof.report import Report, StepError
from scripts.compose_proof.stage import Stage
from scripts.drill.world import until

# A signal sent in a wrong way costs a container its restart policy, and nothing shows that before it dies.
RELOADED = {"prometheus", "alertmanager"}
_BACK = 60.0
# A sample is in the file a moment after it was scraped.
_PAST = 5.0


def sample(services: Sequence[str], count: int, seed: int) -> tuple[list[str], list[str]]:
    """Return which services are killed, and which are left out. The first is one that was reloaded before."""
    drawn = random.Random(seed)
    first = drawn.choice(sorted(set(services) & RELOADED))
    others = sorted(set(services) - {first})
    taken = {first, *drawn.sample(others, len(others))[: count - 1]} if count else set()
    return [one for one in services if one in taken], [one for one in services if one not in taken]


async def silence(stage: Stage) -> str:
    """Let there be a silence that can be lost; it matches nothing."""
    now = datetime.now(UTC)
    body = {
        "matchers": [{"name": "alertname", "value": "Nothing", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "test-compose",
        "comment": "to see that it outlives its server",
    }
    async with stage.session.post(stage.url("alertmanager", "/api/v2/silences"), json=body) as answer:
        answer.raise_for_status()
        return f"silence {(await answer.json())['silenceID']} of an alert that nobody has"


async def deaths(stage: Stage, report: Report, chosen: Sequence[str], every: Sequence[str]) -> None:
    """Kill each in turn. There must be a silence that Alertmanager had time to write down."""
    for service in chosen:
        for what, by_itself in (("killed, back by itself", True), ("docker kill, then up", False)):
            good = await report.step(f"{service}: {what}", _die(stage, service, every, by_itself=by_itself))
            if not good:
                # The next death is to be judged by itself.
                await stage.place.compose("up", "--detach", may=None)


async def _die(stage: Stage, service: str, every: Sequence[str], *, by_itself: bool) -> str:
    moment = time.time() - _PAST
    before = await stage.kept(moment)
    container = (await stage.place.containers())[service]
    begin = time.monotonic()
    if by_itself:
        await _kill_process(stage, container)
        await _until_running(stage, service, container["State"]["StartedAt"])
    else:
        await stage.place.docker("kill", container["Id"])
        if (await stage.place.containers())[service]["State"]["Running"]:
            raise StepError(f"{service} runs although it was killed")
        await stage.place.compose("up", "--detach")
    await stage.until_well(every)
    took = time.monotonic() - begin
    if faults := lost(before, await stage.kept(moment)):
        raise StepError(*faults)
    kept = ", ".join(f"{len(names)} {kind}" for kind, names in before.things.items())
    return f"well after {took:.1f} s; kept {kept}, {before.samples} samples, level {before.level}"


async def _kill_process(stage: Stage, container: Json) -> None:
    """End the first process of a container from outside, as want of memory or a bug would."""
    image = (await stage.place.containers())["bot"]["Image"]
    shell = ["--user=0:0", "--entrypoint=sh", image, "-c", f"kill -9 {container['State']['Pid']}"]
    await stage.place.docker("run", "--rm", "--pid=host", "--network=none", *shell)


async def _until_running(stage: Stage, service: str, started: str) -> None:
    async def anew() -> bool | None:
        state = (await stage.place.containers())[service]["State"]
        return (state["Running"] and state["StartedAt"] != started) or None

    if await until(anew, _BACK, 0.3) is None:
        state = (await stage.place.containers())[service]["State"]["Status"]
        raise StepError(
            f"{service} is {state} {_BACK:g} s after its process was killed; its restart policy did nothing"
        )
