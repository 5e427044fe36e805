"""Builds and starts the stack, and takes all of it away again, whatever happened meanwhile."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from scripts.compose_proof.command import CommandError, run
from scripts.compose_proof.engine import images
from scripts.compose_proof.place import Json, Place
from scripts.compose_proof.report import Report, StepError
from scripts.stack.told import to_the_end

_UP, _DOWN = 600.0, 120.0
_KINDS = (("container", "ls", "--all"), ("network", "ls"), ("volume", "ls"))


@asynccontextmanager
async def started(place: Place, report: Report) -> AsyncIterator[bool]:
    """Yield whether the stack is up and healthy; afterwards nothing of it is left, but logs of a failure.

    Raises NotRunError where an image cannot be had.
    """
    place.prepare()
    try:
        await _away(place)  # of a run that was killed
        config = await place.config()
        names = _built(place, config)
        report.say(await images(place, config, report.say))
        is_whole = False
        try:
            place.override(names)
            yield await report.step("build and start", _start(place))
            is_whole = report.passed
        finally:
            await to_the_end(_end(place, report, set(names.values()), is_whole))
    finally:
        shutil.rmtree(place.tree, ignore_errors=True)


def _built(place: Place, config: Json) -> dict[str, str]:
    """Return by service a name for its image that no other stack uses."""
    return {
        name: f"{place.project}-{one['image'].rpartition('/')[2].partition(':')[0]}:test"
        for name, one in config["services"].items()
        if "build" in one
    }


async def _start(place: Place) -> str:
    # What people type; in the copy, whose .env has our name and ports.
    await run("make", "up", cwd=place.tree, env=place.environment, within=_UP)
    containers = await place.containers()
    states = {name: one["State"].get("Health", {}).get("Status") for name, one in containers.items()}
    if ill := [
        f"{name} is {state or 'without a health check'}"
        for name, state in states.items()
        if state != "healthy"
    ]:
        raise StepError(*ill)
    if absent := set((await place.config())["services"]) - set(states):
        raise StepError(f"not started: {', '.join(sorted(absent))}")
    return f"{len(states)} services healthy"


async def _end(place: Place, report: Report, names: set[str], is_whole: bool) -> None:
    if not is_whole:
        await _keep_logs(place, report)

    async def ended() -> str:
        await _away(place)
        await place.docker("image", "rm", "--force", *sorted(names), may=None)
        label = f"label=com.docker.compose.project={place.project}"
        for kind in _KINDS:
            if left := (await place.docker(*kind, "--quiet", "--filter", label)).out.split():
                raise StepError(
                    f"{len(left)} left of {kind[0]}s; docker compose --project-name {place.project} down"
                )
        return "no container, network, volume or image of it is left"

    await report.step("taken away", ended())


async def _away(place: Place) -> None:
    with suppress(CommandError):
        # A frozen container does not hear that it is to end.
        await place.compose("unpause", may=None, within=_DOWN)
    await place.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", within=_DOWN)


async def _keep_logs(place: Place, report: Report) -> None:
    folder = place.folder / "log"
    folder.mkdir(exist_ok=True)
    for name, one in (await place.containers()).items():
        said = await place.docker("logs", "--timestamps", one["Id"], may=None)
        (folder / f"{name}.log").write_text(said.out + said.err, "utf-8")
    runs = place.tree / ".local" / "runs"
    if runs.is_dir():
        shutil.copytree(runs, folder / "runs", dirs_exist_ok=True)
    report.say(f"the logs of all services and the journals of runbooks are in {folder}")
