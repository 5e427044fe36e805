"""A dry run and a look at the probes change nothing, on any platform; the engine's guards see to it."""

import json

import pytest

from tests.runbooks.every.conftest import Make, Sample
from tests.runbooks.every.judge import forbidden
from tests.runbooks.every.world import PLATFORMS, World, chained

MODES = ("--dry-run", "--only-probes")
ENDS = (0, 1, 3)
KEYS = {
    "run_start": {
        *("mode", "dry_run", "runbook", "hash", "alerts", "platform"),
        *("operator", "host", "tty", "reason", "only", "from"),
    },
    "step_start": {"step", "kind", "attempt"},
    "step_end": {"step", "status"},
    "finding": {"step", "text"},
    "unless": {"step", "status", "rc", "file", "sha256"},
    "verify": {"step", "attempt", "status", "rc", "file", "sha256"},
    "identity": {"rc", "file", "sha256"},
    "evidence": {"name", "when", "rc", "file", "sha256"},
    "confirm": {"step", "typed", "how"},
    "run_end": {"code"},
}


def wrong(world: World, name: str, *flags: str, changes: tuple[tuple[str, str], ...] = ()) -> list[str]:
    """Run the script, and return what it did that a look must not do."""
    script = world.script(name, *changes)
    before = world.files()
    ran = world.run(script, *world.arguments(name, "--json", *flags))
    found = [f"{why}: {call}" for call in world.calls() if (why := forbidden(call))]
    found += [f"changed in {step}: {what}" for step, what in world.actions()]
    after = world.files()
    found += [f"file: {path}" for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    if ran.code not in ENDS:
        found.append(f"ended with {ran.code}: {ran.err}")
    found += [f"no program: {line}" for line in ran.err.splitlines() if "command not found" in line]
    return found + malformed(ran.out)


def malformed(out: str) -> list[str]:
    """Return what is wrong with the events of a run."""
    lines = out.splitlines()
    if not chained(lines):
        return ["the chain is broken"]
    found = []
    for line in lines:
        event = json.loads(line)
        missing = {"run", "time", "event", "prev", *KEYS[event["event"]]} - event.keys()
        found += [f"{event['event']} has no {key}" for key in sorted(missing)]
    ends = [json.loads(line)["event"] for line in lines[:1] + lines[-1:]]
    return found if ends == ["run_start", "run_end"] else [*found, f"begins and ends with {ends}"]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_changed(make: Make, sample: Sample, mode: str) -> None:
    found = {
        f"{name} on {platform}": wrong(make(platform=platform), name, mode) for name, platform in sample(mode)
    }
    assert {name: what for name, what in found.items() if what} == {}


# What holds the actions back, and the probe that would be one.
ACTS = ("        action/act) engine_action", "        action/*) engine_action")
WORD = ('        *) fail "$1 changes something: only an action may use it" ;;', "        *) ;;")
PROBE = ("    [halt]=action\n", "    [halt]=probe\n")
READS = ('    [[ $access == write ]] || options+=" -c default_transaction_read_only=on"\n', "")


def test_without_the_guard_of_a_dry_run_actions_are_found(make: Make) -> None:
    assert "changed in" in str(wrong(make(), "exchange_api_down", "--dry-run", "--yes", changes=(ACTS,)))


def test_without_the_guard_of_words_a_probe_that_acts_is_found(make: Make) -> None:
    assert wrong(make(), "exchange_api_down", "--only-probes", "--step", "halt", changes=(PROBE,)) == []
    found = wrong(make(), "exchange_api_down", "--only-probes", "--step", "halt", changes=(PROBE, WORD))
    assert [one for one in found if one.startswith("a request")]
    assert [one for one in found if one.startswith("file: control/HALT")]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_without_the_transaction_that_only_reads_it_is_found(make: Make, platform: str) -> None:
    how = ("database_performance", "--only-probes", "--step", "blocked")
    assert "a session that could write" in str(wrong(make(platform=platform), *how, changes=(READS,)))


def test_events_that_are_wrong_are_found(make: Make) -> None:
    world = make()
    ran = world.run(world.script("page_test"), *world.arguments("page_test", "--json", "--only-probes"))
    assert malformed(ran.out) == []
    for old, new in (
        ('"status":', '"state":'),
        ('"event":"run_end"', '"event":"step_start"'),
        ('"prev":"', '"prev":"0'),
    ):
        assert malformed(ran.out.replace(old, new)) != []
