"""Runs that are cut off: what they leave, and how the next one goes on."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.observability.prelude.conftest import LIMIT, NAMESPACE, Place, Ran

LOOK = {"id": "look", "run": "echo looking"}
FIRST = {"id": "first", "kind": "action", "run": "echo x >>$PLACE/first"}
STUCK = {
    "id": "stuck",
    "kind": "action",
    "run": "echo x >>$PLACE/stuck; [[ -e $PLACE/free ]] || { echo begun >$PLACE/fifo; sleep 60; }",
    "timeout": "60",
}
LAST = {"id": "last", "run": "echo at the end"}
SHELF = {"shelf": {"about": "where", "pattern": "[A-Z].*", "default": "A1"}}
Waiting = Callable[[], str]


def cut(place: Place, begun: Waiting, number: signal.Signals, *arguments: str) -> Ran:
    """Start a run, send it a signal in its third step, and return how it ended."""
    process = place.start("--yes", *arguments)
    begun()
    process.send_signal(number)
    if number == signal.SIGKILL:
        process.wait(LIMIT)
        kill_left_behind(place)
    ran = place.ended(process)
    place.path("free").touch()
    return ran


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_reaches_the_step_and_says_what_is_half_done(
    place: Place, fifo: Waiting, number: signal.Signals, code: int
) -> None:
    text = "trap 'echo heard >>$PLACE/heard; exit 1' INT TERM; echo begun >$PLACE/fifo; sleep 60 & wait"
    place.write(FIRST, STUCK | {"run": text}, LAST)
    ran = cut(place, fifo, number)
    assert ran.code == code
    # The group may hear of it once more than the step.
    assert set(place.path("heard").read_text().splitlines()) == {"heard"}
    for said in ("done: first\n", "half done: stuck (action)", f"--resume {ran.run}\n"):
        assert said in ran.out
    assert [one["event"] for one in ran.events[-2:]] == ["interrupted", "run_end"]
    assert (ran.told("interrupted")[0]["step"], ran.events[-1]["code"]) == ("stuck", code)
    assert "at the end" not in ran.out


def test_control_c_on_a_terminal(place: Place) -> None:
    ran = place.write(STUCK | {"run": "echo begun; sleep 60"}).talk("--yes", answers=[("begun", None)])
    assert (ran.code, "half done: stuck" in ran.out) == (130, True)


def test_control_c_at_a_question(place: Place) -> None:
    ran = place.write(FIRST).talk(answers=[("Do it?", None)])
    assert (ran.code, "half done" in ran.out, place.path("first").exists()) == (130, False, False)


def test_an_interrupted_probe_is_not_half_done(place: Place, fifo: Waiting) -> None:
    ran = cut(place.write(STUCK | {"kind": "probe"}), fifo, signal.SIGINT)
    assert (ran.code, "half done" in ran.out) == (130, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_is_known_to_be_done_is_not_repeated(
    place: Place, fifo: Waiting, number: signal.Signals
) -> None:
    place.write(
        LOOK,
        FIRST,
        STUCK | {"unless": "[[ -e $PLACE/free ]]"},
        LAST | {"run": 'echo "$SHELF"'},
        parameters=SHELF,
    )
    cut(place, fifo, number, "--set", 'shelf=B"\\2\tä')
    ran = place.run("--resume", "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert (place.path("first").read_text(), place.path("stuck").read_text()) == ("x\n", "x\n")
    assert "    looking" not in ran.out
    assert '    B"\\2\tä\n' in ran.out
    assert [one["event"] for one in ran.events].count("resume") == 1
    again = place.run("--resume")
    assert (again.code, "already_done: " in again.err) == (5, True)


def lock(place: Place) -> Path:
    """Return the lock of the runbook."""
    root = os.fsencode(place.script.parent.parent) + b"\n"
    number = subprocess.run(["cksum"], input=root, capture_output=True, check=True).stdout.split()[0].decode()
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
    return Path(f"{base}/{NAMESPACE}-{os.getuid()}/locks-{number}/demo")


def kill_left_behind(place: Place) -> None:
    """End the step of a run that was killed, and wait until it is gone."""
    pid = int((lock(place) / "child").read_text().split()[0])
    os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(FileNotFoundError):
        while Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z":
            pass


@pytest.mark.parametrize(("check", "code"), [("[[ -e $PLACE/stuck ]]", 0), ("false", 5)])
def test_a_check_tells_whether_it_was_done(place: Place, fifo: Waiting, check: str, code: int) -> None:
    place.write(STUCK | {"verify": check}, LAST)
    cut(place, fifo, signal.SIGTERM)
    ran = place.run("--resume", "--yes")
    assert (ran.code, "at the end" in ran.out) == (code, code == 0)
    assert place.path("stuck").read_text() == "x\n"


def test_what_nobody_knows_is_refused_with_the_way_on(place: Place, fifo: Waiting) -> None:
    place.write(FIRST, STUCK, LAST)
    cut(place, fifo, signal.SIGTERM)
    ran = place.run("--resume", "--yes")
    assert ran.code == 5
    assert "unknown_outcome: stuck" in ran.err
    assert "--from last" in ran.err
    assert "--from stuck" in ran.err
    assert place.path("stuck").read_text() == "x\n"
    assert place.run("--from", "last").code == 0


def test_what_may_be_done_twice_is_done_again_after_confirmation(place: Place, fifo: Waiting) -> None:
    place.write(STUCK | {"repeatable": "yes"}, LAST)
    cut(place, fifo, signal.SIGTERM)
    assert place.run("--resume").code == 4
    ran = place.run("--resume", "--yes")
    assert (ran.code, place.path("stuck").read_text()) == (0, "x\nx\n")
    assert [one["attempt"] for one in ran.told("step_start") if one["step"] == "stuck"] == [1, 2]


def test_a_step_that_took_too_long_is_not_repeated(place: Place) -> None:
    place.write(STUCK | {"run": "echo x >>$PLACE/stuck; sleep 60", "timeout": "0.2"}, LAST)
    assert place.run("--yes").code == 124
    ran = place.run("--resume", "--yes")
    assert (ran.code, "unknown_outcome" in ran.err, place.path("stuck").read_text()) == (5, True, "x\n")


def test_a_failed_action_is_tried_again(place: Place) -> None:
    place.write(FIRST, STUCK | {"run": "[[ -e $PLACE/free ]]"}, LAST)
    ran = place.run("--yes")
    assert (ran.code, f"--resume {ran.run}" in ran.out) == (1, True)
    place.path("free").touch()
    ran = place.run("--resume", ran.run.name, "--yes")
    assert (ran.code, place.path("first").read_text()) == (0, "x\n")


def test_what_was_undone_is_done_again(place: Place) -> None:
    failing = {"id": "look", "run": "[[ -e $PLACE/free ]]", "on_failure": "rollback"}
    place.write(FIRST | {"undo": "true"}, failing)
    assert place.run("--yes").code == 7
    place.path("free").touch()
    assert place.run("--resume", "--yes").code == 0
    assert place.path("first").read_text() == "x\nx\n"


def test_a_resumed_run_rolls_back_what_the_first_did(place: Place) -> None:
    failing = {"id": "look", "run": "exit 3", "on_failure": "rollback"}
    place.write(
        FIRST | {"undo": "echo undo first"},
        STUCK | {"run": "[[ -e $PLACE/free ]]", "undo_not": "no"},
        failing,
    )
    assert place.run("--yes").code == 1
    place.path("free").touch()
    ran = place.run("--resume", "--yes")
    assert (ran.code, "    undo first" in ran.out) == (7, True)


def test_a_changed_runbook_does_not_go_on(place: Place) -> None:
    place.write(FIRST, STUCK | {"run": "false"}).run("--yes")
    ran = place.write(FIRST, STUCK | {"run": "true"}, HASH="other").run("--resume", "--yes")
    assert (ran.code, "runbook_changed" in ran.err) == (5, True)


def test_a_dry_run_does_not_become_a_real_one(place: Place) -> None:
    ran = place.write(FIRST).run("--dry-run")
    again = place.run("--resume", ran.run.name, "--yes")
    assert (again.code, "dry_run" in again.err, place.path("first").exists()) == (5, True, False)
    again = place.run("--resume", "--yes")
    assert (again.code, "no_such_run" in again.err) == (5, True)


def test_a_journal_that_was_changed_is_not_trusted(place: Place) -> None:
    ran = place.write(FIRST, STUCK | {"run": "false"}).run("--yes")
    journal = ran.run / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"platform":"here"', '"platform":"there"'))
    again = place.run("--resume", "--yes")
    assert (again.code, "journal_broken" in again.err) == (5, True)


def test_a_line_that_was_cut_off_is_passed_over(place: Place) -> None:
    ran = place.write(FIRST, STUCK | {"run": "[[ -e $PLACE/free ]]"}).run("--yes")
    journal = ran.run / "journal.jsonl"
    whole = journal.read_text()
    journal.write_text(whole[: whole.rstrip().rfind("\n") + 30])
    place.path("free").touch()
    assert place.run("--resume", "--yes").code == 0
    assert place.path("first").read_text() == "x\n"
    lines = journal.read_text().splitlines()
    assert len([line for line in lines if not line.endswith('"}')]) == 1
    assert "already_done" in place.run("--resume").err


def test_only_one_run_has_the_lock(place: Place, fifo: Waiting) -> None:
    place.write(STUCK | {"repeatable": "yes"}, LAST)
    process = place.start("--yes")
    fifo()
    second = place.run("--yes")
    assert (second.code, f"process {process.pid} (demo, anna, since 20" in second.err) == (6, True), (
        second.err
    )
    looking = place.run("--only-probes")
    assert looking.code == 0
    process.kill()
    process.wait(LIMIT)
    # The step of the killed run goes on, and nobody may do something beside it.
    assert place.run("--yes").code == 6
    kill_left_behind(place)
    place.path("free").touch()
    third = place.run("--yes")
    assert (third.code, "takes over the lock" in third.err) == (0, True)
    assert place.run("--yes").err == ""
    process.communicate()


def test_what_is_locked_is_the_stack_and_not_the_folder_of_the_script(place: Place, fifo: Waiting) -> None:
    place.write(STUCK | {"repeatable": "yes"}, library="platform_stack() { echo ${WHICH:?}; }")
    one = place.start("--yes", WHICH="one")
    fifo()
    other = place.start("--yes", WHICH="two")
    fifo()
    assert place.run("--yes", WHICH="one").code == 6
    for process in (one, other):
        process.terminate()
        assert place.ended(process).code == 143
    place.path("free").touch()
    assert place.run("--resume", "--yes", WHICH="two").code == 0


def test_a_lock_of_another_boot_or_a_number_that_came_again_is_stale(place: Place) -> None:
    place.write(FIRST)
    for holder in (f"{os.getpid()} 1 x", f"{os.getpid()} ? ?"):
        lock(place).mkdir(parents=True)
        (lock(place) / "holder").write_text(f"{holder}\nold\n")
        ran = place.run("--yes")
        assert (ran.code, f"process {os.getpid()}" in ran.err) == (0, True), ran.err
        assert not lock(place).exists()


def test_of_many_that_find_a_lock_of_nobody_one_gets_it(place: Place, fifo: Waiting) -> None:
    os.mkfifo(place.path("go"))
    text = "echo ${RUNBOOK_RUN##*-} >$PLACE/fifo; read -r _ <$PLACE/go"
    place.write(STUCK | {"run": text})
    lock(place).mkdir(parents=True)
    (lock(place) / "holder").write_text(f"{os.getpid()} 1 x\nold\n")
    runs = {process.pid: process for process in [place.start("--yes") for _ in range(6)]}
    winner = runs.pop(int(fifo()))
    # While it is at its action each other one ends, for the lock is held.
    ends = [place.ended(process) for process in runs.values()]
    assert [(ran.code, f"process {winner.pid} " in ran.err) for ran in ends] == [(6, True)] * 5, ends
    place.path("go").write_text("on\n")
    assert place.ended(winner).code == 0
    assert list(lock(place).parent.iterdir()) == []


UNDONE = {"undo": "echo x >>$PLACE/undone; [[ -e $PLACE/free ]] || { echo begun >$PLACE/fifo; sleep 60; }"}
FAILING = {"id": "look", "run": "false", "on_failure": "rollback"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(("check", "code"), [({}, 5), ({"verify": "[[ -e $PLACE/first ]]"}, 7)])
def test_undoing_that_is_cut_off(
    place: Place, fifo: Waiting, number: signal.Signals, check: dict[str, str], code: int
) -> None:
    place.write(FIRST | {"timeout": "60"} | UNDONE | check, FAILING)
    ran = cut(place, fifo, number)
    assert ran.code == (143 if number == signal.SIGTERM else -number)
    assert ("half done: first (undo)" in ran.out) == (number == signal.SIGTERM)
    # Whether it is undone nobody knows; if its check says no, it is done, and undone again.
    again = place.run("--resume", "--yes")
    assert (again.code, "unknown_outcome: first" in again.err) == (code, code == 5), again.out + again.err
    assert place.path("first").read_text() == "x\n"
    assert place.path("undone").read_text() == "x\n" * (2 if code == 7 else 1)


def test_what_ran_and_was_not_seen_is_not_repeated(place: Place) -> None:
    place.write(FIRST | {"verify": "[[ -e $PLACE/free ]]"}, LAST)
    assert place.run("--yes").code == 1
    again = place.run("--resume", "--yes")
    assert (again.code, "unknown_outcome: first" in again.err) == (5, True)
    place.path("free").touch()
    again = place.run("--resume", "--yes")
    assert (again.code, "it was done" in again.out, place.path("first").read_text()) == (0, True, "x\n")


def test_a_reader_that_goes_away_does_not_end_a_run(place: Place) -> None:
    many = {
        "id": "many",
        "kind": "action",
        "run": "for i in {1..9000}; do echo a long line of $i; done; touch $PLACE/done",
    }
    process = place.write(many, LAST).start("--yes")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    assert place.ended(process).code == 0
    assert place.path("done").exists()
