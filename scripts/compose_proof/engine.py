"""What has to be there before anything is proved: an engine, Compose, and every image."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.compose_proof.command import CommandError, run
from scripts.compose_proof.place import Json, Place
from scripts.stack.home import ROOT

PROVIDER = "STAND_IN_IMAGES"
_COMPOSE = (2, 20)
_PULL, _PROVIDE, _ASK = 300.0, 900.0, 30.0


class NotRunError(Exception):
    """There is nothing to prove anything with; the message is the reason, in one line."""


async def engine(say: Callable[[str], None]) -> None:
    """Return once an engine and Compose answer; raise NotRunError if none does."""
    missing = await _missing()
    if missing and os.environ.get(PROVIDER):
        say(f"{missing}; {PROVIDER} is asked for an engine")
        await _provide()
        missing = await _missing()
    if missing:
        raise NotRunError(missing)


async def images(place: Place, config: Json, say: Callable[[str], None]) -> str:
    """Get the images that are not built here, and those that the others are built on."""
    wanted = sorted({*_shipped(config), *_bases(place, config)})
    lacking = [image for image in wanted if not await _is_here(place, image)]
    if lacking and os.environ.get(PROVIDER):
        say(f"{PROVIDER} is asked for {', '.join(lacking)}")
        await _provide(*lacking)
        lacking = [image for image in lacking if not await _is_here(place, image)]
    for image in lacking:
        say(f"pulling {image}")
        try:
            await place.docker("pull", "--quiet", image, within=_PULL)
        except CommandError as error:
            raise NotRunError(
                f"the image {image} cannot be had: {' '.join(str(error).split())[-200:]}"
            ) from None
    return f"{len(wanted)} images, {len(lacking)} of them pulled"


def _shipped(config: Json) -> Iterator[str]:
    return (one["image"] for one in config["services"].values() if "build" not in one)


def _bases(place: Place, config: Json) -> Iterator[str]:
    """The images after FROM, without the names of stages."""
    for one in config["services"].values():
        if "build" in one:
            text = (Path(one["build"]["context"]) / one["build"]["dockerfile"]).read_text("utf-8")
            stages = set(re.findall(r"^FROM .* AS (\S+)$", text, re.M | re.I))
            yield from set(re.findall(r"^FROM (?:--\S+ )*(\S+)", text, re.M | re.I)) - stages


async def _missing() -> str | None:
    if shutil.which("docker") is None:
        return "there is no program docker"
    told = await _asked("version", "--format", "{{.Server.Version}}")
    if isinstance(told, CommandError):
        return "no Docker engine answers"
    told = await _asked("compose", "version", "--short")
    if isinstance(told, CommandError):
        return "Docker has no Compose plugin"
    if tuple(map(int, re.findall(r"\d+", told)[:2])) < _COMPOSE:
        return f"Docker Compose is {told.strip()}; 2.20 or later is wanted"
    return None


async def _asked(*command: str) -> str | CommandError:
    try:
        return (await run("docker", *command, cwd=ROOT, env=os.environ, within=_ASK)).out
    except CommandError as error:
        return error


async def _is_here(place: Place, image: str) -> bool:
    ran = await place.docker("image", "inspect", "--format", "{{json .Id}}", image, may=None)
    return ran.code == 0 and bool(json.loads(ran.out))


async def _provide(*images: str) -> None:
    try:
        await run(os.environ[PROVIDER], *images, cwd=ROOT, env=os.environ, within=_PROVIDE)
    except (CommandError, OSError) as error:
        raise NotRunError(f"{PROVIDER} failed: {' '.join(str(error).split())[-200:]}") from None
