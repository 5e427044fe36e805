"""Which backups are kept, and how a copy gets to another place."""

from pathlib import Path

import pytest

from tests.runbooks.databases import LIBRARIES, Desk, run

NAME = "20260102T030405Z-backup-7"
DAY = 86400
MONDAY = 4 * DAY + 20_000 * 7 * DAY  # at midnight


def thinned(backups: list[tuple[int, str, bool]], days: int, weeks: int) -> set[str]:
    """The names that may go; it reads them in any order."""
    lines = [f"{epoch} {name} {'yes' if verified else 'no'}" for epoch, name, verified in backups]
    words = ["bash", "-Eeuo", "pipefail", "-c", f". '{LIBRARIES}/keep.sh'; retention {days} {weeks}"]
    answers = [
        run(words, {"PATH": "/usr/bin:/bin"}, "".join(f"{line}\n" for line in told))
        for told in (lines, lines[::-1])
    ]
    assert {answer.code for answer in answers} == {0}
    assert answers[0].out == answers[1].out
    return set(answers[0].out.split())


def nights(count: int, *, verified: bool = True) -> list[tuple[int, str, bool]]:
    """One a night at three; the last is that of a Sunday, named by how many nights ago."""
    return [(MONDAY - DAY - ago * DAY + 3 * 3600, f"ago{ago}", verified) for ago in range(count)]


def test_the_last_of_each_day_and_of_each_week_stay() -> None:
    gone = thinned(nights(60), days=7, weeks=5)
    # Seven days, and Sundays of the four weeks before this one.
    assert {f"ago{ago}" for ago in range(60)} - gone == {f"ago{ago}" for ago in (*range(7), 7, 14, 21, 28)}


def test_a_week_begins_on_monday() -> None:
    assert thinned([(MONDAY - 1, "sunday", True), (MONDAY, "monday", True)], days=0, weeks=2) == set()
    assert thinned([(MONDAY, "monday", True), (MONDAY + 7 * DAY - 1, "sunday", True)], days=0, weeks=2) == {
        "monday"
    }


def test_of_one_day_the_last_stays_and_days_without_a_backup_do_not_count() -> None:
    twice = [(MONDAY + 3600, "early", True), (MONDAY + 7200, "late", True)]
    assert thinned([*twice, (MONDAY + 9 * DAY, "newest", True)], days=7, weeks=0) == {"early"}
    rare = [(MONDAY - ago * 100 * DAY, f"ago{ago}", True) for ago in range(4)]
    assert thinned(rare, days=3, weeks=0) == {"ago3"}


def test_the_last_that_was_found_whole_never_goes() -> None:
    assert thinned(nights(4), days=0, weeks=0) == {"ago2", "ago3"}
    assert thinned(nights(400, verified=False), days=1, weeks=0) == set()


def test_what_was_never_found_whole_takes_no_place_and_goes_after_a_better_one() -> None:
    told = [
        (MONDAY + 1, "good", True),
        (MONDAY + 2, "new", False),
        (MONDAY - 3 * DAY, "bad", False),
        (MONDAY - 4 * DAY, "old", True),
    ]
    assert thinned(told, days=2, weeks=0) == {"bad"}


def test_all_of_the_last_two_days_stays() -> None:
    """Who has just lost rows, and makes a backup at once, needs the one before it."""
    lost = [(MONDAY, "after", True), (MONDAY - 60, "before", True), (MONDAY - 2 * DAY + 1, "unproved", False)]
    assert thinned(lost, days=1, weeks=0) == set()
    assert thinned([*lost, (MONDAY - 2 * DAY, "older", True)], days=1, weeks=0) == {"older"}


def test_nothing_is_removed_where_there_is_nothing() -> None:
    assert thinned([], days=7, weeks=5) == set()


def test_folders_are_removed_and_what_is_no_backup_stays(desk: Desk) -> None:
    path = desk.given(NAME)
    older = desk.backups / "20250102T030405Z-backup-1"
    desk.does(
        f"cp -r '{path}' '{older}'; sed -i 's/^epoch=.*/epoch=1000/' '{older}/manifest'; backup_mark {NAME}"
    )
    (desk.backups / "notes.txt").touch()
    assert desk.does("backup_thin 1 0").out == f"removed {older.name}\n"
    assert {file.name for file in desk.backups.iterdir()} == {NAME, "notes.txt"}


def test_without_a_copy_elsewhere_that_is_said_and_is_no_failure(desk: Desk) -> None:
    desk.given(NAME)
    told = desk.say("copy_doubts", kind="probe")
    assert (told.code, told.out[:46]) == (0, "there is no copy of this backup off this host:")
    assert desk.say("copy_doubts", kind="probe", COPY_TO="keeper:there").out == ""
    assert "is on the same file system" in desk.say("copy_doubts", kind="probe", COPY_TO=str(desk.folder)).out


def test_a_copy_is_encrypted_opens_with_the_key_and_holds_the_backup(desk: Desk) -> None:
    desk.given(NAME)
    other = desk.folder / "other"
    other.mkdir()
    key = desk.folder / "key"
    key.write_text("a long key\n")
    desk.does(f"backup_copy {NAME}; backup_is_copied {NAME}", COPY_TO=str(other), ENCRYPT_TO=str(key))
    (file,) = other.iterdir()
    assert file.name == f"{NAME}.tar.enc"
    assert b"PGDMP" not in file.read_bytes()
    # As docs/backup.md says it.
    back = desk.folder / "back"
    back.mkdir()
    opened = f"openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -pass 'file:{key}' -in '{file}'"
    desk.does(f"{opened} | tar -x -C '{back}'; backup_intact {NAME}", BACKUP_DIR=str(back))
    assert not list(desk.backups.glob(".sealed*"))
    missing = desk.say(f"backup_copy {NAME}", COPY_TO=str(other), ENCRYPT_TO=str(desk.folder / "no"))
    assert (missing.code, "there is no key" in missing.err) == (1, True)


@pytest.mark.parametrize("sender", ["rsync", "scp"])
def test_a_copy_on_another_host_gets_its_name_when_its_sum_is_right(desk: Desk, sender: str) -> None:
    """The programs are played: this folder is the other host, and what ssh is told to do is done here."""
    desk.given(NAME)
    far = desk.folder / "far"
    far.mkdir()
    # A machine without rsync has scp: what else is on this one is hidden.
    last = '"${@: -2:1}" "${!#}"'
    send = f'put() {{ cp "$1" "${{2#keeper:}}"; }}; put {last}'
    sent = {"COPY_TO": f"keeper:{far}", "ENCRYPT_TO": "none"}
    hide = "" if sender == "rsync" else 'command() { [[ $* != *rsync* ]] && builtin command "$@"; }; '
    ssh = '[[ $* == *BatchMode=yes* ]] || exit 9; eval "${!#}"'
    with desk.shadowed("ssh", ssh), desk.shadowed(sender, send):
        desk.does(f"{hide}backup_copy {NAME}; backup_is_copied {NAME}", **sent)
        assert [file.name for file in far.iterdir()] == [f"{NAME}.tar"]
        (far / f"{NAME}.tar").unlink()
        assert desk.say(f"backup_is_copied {NAME}", **sent).code != 0
    with (
        desk.shadowed("ssh", ssh),
        desk.shadowed(sender, f'{send}; echo >> "${{far:-{far}}}/.{NAME}.tar.partial"'),
    ):
        changed = desk.say(f"{hide}backup_copy {NAME}", **sent)
    assert changed.code != 0
    assert [file.name for file in far.iterdir()] == [f".{NAME}.tar.partial"]


def test_the_copy_for_age_is_made_for_its_recipient(desk: Desk) -> None:
    """The question is what is called: age itself may not be here."""
    desk.given(NAME)
    other = desk.folder / "other"
    other.mkdir()
    told = desk.folder / "told"
    with desk.shadowed("age", f'echo "$@" > "{told}"; cat'):
        desk.does(f"backup_copy {NAME}", COPY_TO=str(other), ENCRYPT_TO="age1qqq")
    assert told.read_text() == "--encrypt --recipient age1qqq\n"
    assert [Path(file).name for file in other.iterdir()] == [f"{NAME}.tar.age"]
