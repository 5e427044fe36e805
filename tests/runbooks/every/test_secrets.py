"""No secret comes out of a script, though each tool that it calls tells all that it was given."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.runbooks.every.conftest import ALONE, Make, Sample
from tests.runbooks.every.watcher import Watcher
from tests.runbooks.every.world import World, secret_names

# Each has it; the rest tells which one came out.
MARK = "sentinel."
ACTING = [
    ("planned_maintenance", {}, ("--set", "service=prometheus")),
    ("exchange_api_down", {}, ("--set", "good=1", "--set", "patience=9")),
    ("bot_down", {"bot": "stopped"}, ()),
]
HIDES = ('    for secret in "${ENGINE_KNOWN_SECRETS[@]}"; do\n', "    for secret in; do\n")


@dataclass(frozen=True)
class Planted:
    world: World
    texts: tuple[str, ...]


def planted(make: Make, platform: str = "systemd") -> Planted:
    """A world with a sentinel in each place where a secret may stand."""
    world = make(platform=platform)
    texts = []
    for name in secret_names():
        by_name, by_file = f"{MARK}{name}*[e]", f"{MARK}{name}*[f]"
        if name == "DATABASE_URL":
            texts += [f"{MARK}url%40[e]", f"{MARK}url%40[f]", f"{MARK}url@[e]", f"{MARK}url@[f]"]
            by_name, by_file = (f"postgresql://bot:{text}@127.0.0.1:1/bot" for text in texts[-4:-2])
        else:
            texts += [by_name, by_file]
        file = world.world / "secrets" / name
        file.write_text(f"{by_file}\n")
        world.environment |= {name: by_name, f"{name}_FILE": str(file)}
    file = world.world / "secrets/PGPASSFILE"
    file.write_text(f"127.0.0.1:1:bot:bot:{MARK}pg\\:pass\\\\word\n")
    file.chmod(0o600)
    world.environment |= {"PGPASSFILE": str(file), "CARELESS": "yes"}
    return Planted(world, (*texts, f"{MARK}pg\\:pass\\\\word", f"{MARK}pg:pass\\word"))


def leaks(plant: Planted, script: Path, *arguments: str) -> list[str]:
    """Run the script, and return where a sentinel came out."""
    world = plant.world
    with Watcher([MARK]).watching() as watcher:
        ran = world.run(script, *arguments)
    assert ran.code in (0, 1, 3, 9), ran
    calls = world.calls()
    places = {"standard output": ran.out, "standard error": ran.err}
    places |= {f"arguments of {call.name}": "\n".join(call.argv) for call in calls}
    places |= {f"arguments of a process {told!r}": MARK for told in watcher.seen}
    for path in world.folder.rglob("*"):
        if path.is_file() and not path.is_relative_to(world.world) and not path.is_relative_to(world.bin):
            places[str(path)] = path.read_text(errors="replace")
    found = []
    for place, text in places.items():
        for line in text.splitlines():
            # Part of one is too much as well: nothing else begins so.
            if MARK in line or any(one in line for one in plant.texts):
                found.append(f"{place}: {line}")
    return found


def test_probes_show_no_secret(make: Make, sample: Sample) -> None:
    found = {}
    for name, platform in sample("secrets"):
        plant = planted(make, platform)
        script = plant.world.script(name)
        found[f"{name} on {platform}"] = leaks(plant, script, *plant.world.arguments(name, "--only-probes"))
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(("name", "state", "flags"), ACTING, ids=[one[0] for one in ACTING])
def test_actions_show_no_secret(make: Make, name: str, state: dict[str, str], flags: tuple[str, ...]) -> None:
    plant = planted(make)
    for service, value in state.items():
        (plant.world.world / "state" / service).write_text(f"{value}\n")
    script = plant.world.script(name)
    assert leaks(plant, script, *plant.world.arguments(name, "--yes", "--json", *flags)) == []
    assert plant.world.actions()


def test_the_stop_shows_no_secret(make: Make) -> None:
    plant = planted(make)
    script = plant.world.script(ALONE)
    assert leaks(plant, script, "--dry-run", "--level", "3") == []


def test_an_engine_that_hides_nothing_is_found(make: Make) -> None:
    plant = planted(make)
    script = plant.world.script("bot_down", HIDES)
    found = leaks(plant, script, *plant.world.arguments("bot_down", "--only-probes"))
    for name in secret_names():
        text = f"{MARK}url" if name == "DATABASE_URL" else f"{MARK}{name}"
        assert [one for one in found if text in one], name
    for place in ("standard output", ".log"):
        assert [one for one in found if one.partition(":")[0].endswith(place)], place


def test_arguments_of_processes_are_seen() -> None:
    with subprocess.Popen(["cat", "-", "a.secret"], stdin=subprocess.PIPE) as process:
        watcher = Watcher(["a.secret"])
        with watcher.watching():
            assert watcher.looked.wait(60)
        process.communicate()
    assert [told for told in watcher.seen if told.endswith(b"a.secret\0")]
