"""The docker commands of the monitoring guide, run as they are written. `docker-compose` is a name for
`docker compose` here: the program of that name is not shipped any more. What never ends is cut."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.compose_proof.command import run
from scripts.compose_proof.report import StepError
from scripts.compose_proof.stage import Stage

_CUT = 6  # seconds after which what never ends is cut; `docker stats` needs two
_WITHIN = 90.0
# How the guide calls the container of the bot: by the project that docker-compose.yml names.
_CALLED = "trading-bot-bot-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of the guide; `shows` is found in its output. One that `is_endless` is cut."""

    text: str
    shows: str
    is_endless: bool = False


LOOKS = (
    Command(text="docker-compose logs -f bot", shows="bot-1 .*\\| ", is_endless=True),
    Command(text="docker-compose logs bot | grep -i error", shows="(?i)bot-1 .*error"),
    Command(text="docker-compose logs -f --tail=100 bot", shows="bot-1 .*\\| ", is_endless=True),
    Command(text="docker-compose ps db", shows="db-1 .* Up .*\\(healthy\\)"),
    Command(text="docker stats", shows="bot-1 ", is_endless=True),
    Command(
        text="watch -n 5 'docker stats --no-stream trading-bot-bot-1 | grep trading-bot'",
        shows=f"{_CALLED} ",
        is_endless=True,
    ),
)
RESTART = Command(text="export TRADING_ENABLED=false\ndocker-compose restart bot", shows="bot-1 *Started")
STOP = Command(text="docker-compose stop bot", shows="bot-1 *Stopped")


async def looks(stage: Stage) -> str:
    return await _all(stage, LOOKS)


async def stopped(stage: Stage) -> str:
    """The bot is stopped as the guide says, and started again."""
    said = await _all(stage, [STOP])
    if (await stage.place.containers())["bot"]["State"]["Running"]:
        raise StepError("the bot runs although it was stopped")
    await stage.place.compose("start", "bot")
    await stage.until_well(["bot"])
    return said


async def _all(stage: Stage, commands: Sequence[Command]) -> str:
    faults = [fault for command in commands if (fault := await as_written(stage, command))]
    if faults:
        raise StepError(*faults)
    return f"{len(commands)} as written, with docker-compose as a name for docker compose"


async def as_written(stage: Stage, command: Command) -> str | None:
    """Run one in a shell and keep its output; return what is wrong with it."""
    if _CALLED in command.text:
        return await _by_its_name(stage, command)
    return await _run(stage, command)


async def _by_its_name(stage: Stage, command: Command) -> str | None:
    """Let the bot's container have the name of the guide meanwhile, unless a stack beside this one has it."""
    ours = f"{stage.place.project}-bot-1"
    taken = await stage.place.docker("container", "inspect", _CALLED, may=None)
    if taken.code == 0:
        stage.say(f"{_CALLED} is a container of another stack: {ours} is looked at in its place")
        text, shows = command.text.replace(_CALLED, ours), command.shows.replace(_CALLED, ours)
        return await _run(stage, Command(text=text, shows=shows, is_endless=command.is_endless))
    await stage.place.docker("rename", ours, _CALLED)
    try:
        return await _run(stage, command)
    finally:
        await stage.place.docker("rename", _CALLED, ours)


async def _run(stage: Stage, command: Command) -> str | None:
    cut = ["timeout", "--kill-after=2", str(_CUT)] if command.is_endless else []
    shell = [*cut, "bash", "-c", f"exec 2>&1\n{command.text}"]
    env = stage.place.environment
    ran = await run(*shell, cwd=stage.place.tree, env=env, within=_WITHIN, may=None)
    with (stage.place.folder / "guide.txt").open("a", encoding="utf-8") as file:
        how = f"cut after {_CUT} s" if command.is_endless else f"ended with {ran.code}"
        file.write(f"$ {command.text}\n{ran.out.rstrip()}\n({how})\n\n")
    return wrong(command, ran.out)


def wrong(command: Command, out: str) -> str | None:
    """Return what is wrong with the output of a command of the guide."""
    if not out.strip():
        return f"{command.text!r} said nothing"
    return None if re.search(command.shows, out) else f"{command.text!r} said {out.strip()[-200:]!r}"
