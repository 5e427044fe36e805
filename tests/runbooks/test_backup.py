"""How a backup is made, proven and told of, and what is left of one that was cut off."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from scripts.postgres import find
from tests.runbooks.databases import BOUND, ROOT, Desk, run

NAME = "20260102T030405Z-backup-7"
# Whoever asks for `amcheck` on a machine without contrib is told so by the words.
needs_contrib = pytest.mark.skipif(not find().contrib, reason="this PostgreSQL came without contrib")
# What an index remembers is not what the function gives any more: as after damage, or with another libc.
SIGNAL = (
    "INSERT INTO signals (source, chat, message_id, message, verdict, reason) VALUES ('x', 'x', 'x', 'x',"
)
BREAK_INDEX = """
CREATE FUNCTION turned(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE INDEX broken ON orders (turned(id));
CREATE OR REPLACE FUNCTION turned(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT -$1';
"""


def scratches(desk: Desk) -> list[str]:
    return [name for name in desk.cluster.databases() if name.startswith("scratch_")]


def test_a_backup_is_made_restored_compared_and_only_then_told_of(desk: Desk) -> None:
    path = desk.saved(NAME)
    assert {file.name for file in path.iterdir()} == {
        "database.dump",
        "globals.sql",
        "manifest",
        "SHA256SUMS",
    }
    assert {file.stat().st_mode & 0o077 for file in (path, *path.iterdir())} == {0}
    assert "PASSWORD" not in (path / "globals.sql").read_text()
    assert "table|public.orders|300|" in (path / "manifest").read_text()
    assert "money|orders filled|300|" in (path / "manifest").read_text()
    refused = desk.say(f"backup_tell {NAME}")
    assert (refused.code, refused.err) == (1, f"{NAME} was not restored and found whole\n")
    assert not desk.metric.exists()
    desk.does(f"backup_intact {NAME}; backup_try {NAME}; backup_mark {NAME}; backup_tell {NAME}")
    epoch = re.search(r"^epoch=(\d+)$", (path / "manifest").read_text(), re.MULTILINE)
    assert epoch
    told = f"backup_last_verified_timestamp_seconds {epoch[1]}"
    assert desk.metric.read_text().splitlines()[-1] == told
    assert desk.metric.stat().st_mode & 0o444 == 0o444
    assert scratches(desk) == []
    assert desk.does("backup_last_verified").out == f"{NAME}\n"


def test_an_older_backup_that_is_looked_at_again_makes_nothing_newer(desk: Desk) -> None:
    path = desk.given(NAME)
    for epoch in ("2000", "1000"):
        manifest = path / "manifest"
        manifest.write_text(re.sub("epoch=.*", f"epoch={epoch}", manifest.read_text()))
        desk.does(f"backup_mark {NAME}; backup_tell {NAME}; backup_is_told {NAME}")
    assert desk.metric.read_text().endswith(" 2000\n")
    nowhere = desk.does(f"backup_tell {NAME}", TEXTFILE_DIR=str(desk.folder / "gone"))
    assert nowhere.findings == (
        "no alert hears of this backup: TEXTFILE_DIR is no folder that node_exporter reads",
    )


def test_rows_that_come_while_it_is_made_are_neither_counted_nor_saved(desk: Desk) -> None:
    late = f"{SIGNAL} 'ignored', 'late')"
    with desk.shadowed("pg_dump", f'PGOPTIONS= psql -Xwqc "{late}" || exit; exec "$REAL" "$@"'):
        path = desk.saved(NAME)
    assert desk.sql("SELECT count(*) FROM signals") == "301"
    assert "table|public.signals|300|" in (path / "manifest").read_text()
    desk.does(f"backup_try {NAME}")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("DELETE FROM chats; DELETE FROM orders WHERE id = 7", "< table|public.orders|300|"),
        # Neither the number of rows nor their sum changes.
        ("UPDATE orders SET price = price + CASE id WHEN 7 THEN 1 WHEN 8 THEN -1 ELSE 0 END",
         "> table|public.orders|300|"),
        ("UPDATE account SET expected_balance = 0", "< money|expected balance|simulator|1234.5600"),
        ("CREATE TABLE more ()", "> table|public.more|0|0"),
    ],
)  # fmt: skip
def test_a_copy_that_differs_in_one_row_is_no_copy(desk: Desk, change: str, seen: str) -> None:
    desk.given(NAME)
    assert desk.say(f"fingerprint_compare {NAME} {desk.database}", kind="probe").code == 0
    desk.sql(change)
    compared = desk.say(f"fingerprint_compare {NAME} {desk.database}", kind="probe")
    assert (compared.code, compared.err) == (1, "what was restored is not what was saved\n")
    assert seen in compared.out


def test_rows_that_contradict_each_other_are_told_of_and_saved_all_the_same(desk: Desk) -> None:
    desk.sql(f"{SIGNAL} 'accepted', NULL)")
    desk.saved(NAME)
    tried = desk.does(f"backup_try {NAME}")
    doubts = desk.say(f"backup_doubts {NAME}", kind="probe").out
    assert doubts == "rows contradict each other: an accepted signal has not one order 1 \n"
    assert "never|an accepted signal has not one order|1|" in tried.out


def test_a_dump_that_fails_half_way_has_no_name_of_a_backup(desk: Desk) -> None:
    with desk.shadowed("pg_dump", '"$REAL" "$@" | head -c 4000; exit 1'):
        assert desk.say(f"backup_make {NAME}").code == 1
    assert [file.name for file in desk.backups.iterdir()] == [f".partial-{NAME}"]
    assert desk.does("backup_names").out == ""
    assert desk.does("backup_tidy").out == f"file {desk.backups}/.partial-{NAME}\n"
    assert list(desk.backups.iterdir()) == []


def test_a_run_that_is_killed_leaves_nothing_that_looks_like_a_backup(desk: Desk) -> None:
    """Killed in the middle of the dump: it goes on again, and the same name is whole then."""
    reached = desk.folder / "reached"
    subprocess.run(["mkfifo", reached], check=True)
    with desk.shadowed("pg_dump", f'"$REAL" "$@" | head -c 4000; echo > "{reached}"; sleep {BOUND}'):
        known = {**desk.variables(), "RUNBOOK_FINDINGS": "/dev/null"}
        words = [*desk.program(), f"backup_make {NAME}"]
        process = subprocess.Popen(words, env=known, start_new_session=True)
        reached.read_text()
        process.send_signal(signal.SIGKILL)
        process.wait()
        subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)
    assert [file.name for file in desk.backups.iterdir()] == [f".partial-{NAME}"]
    assert desk.does("backup_names").out == ""
    desk.does(f"backup_make {NAME}; backup_intact {NAME}; backup_make {NAME}")
    assert [file.name for file in desk.backups.iterdir()] == [NAME]


def test_a_copy_is_taken_away_when_it_fails_and_by_the_next_run_when_that_is_killed(desk: Desk) -> None:
    desk.given(NAME)
    with desk.shadowed("pg_restore", '[[ $* == *--list* || $* == *--file* ]] || exit 1; exec "$REAL" "$@"'):
        failed = desk.say(f"backup_try {NAME}")
    assert (failed.code, "cannot be restored" in failed.err) == (1, True)
    assert scratches(desk) == []
    desk.does(f"restore_into {NAME} scratch_left_{desk.database}")
    theirs = f"scratch_theirs_{desk.database}"
    desk.cluster.psql(f"CREATE DATABASE {theirs}")
    assert desk.does("backup_tidy").out == f"database scratch_left_{desk.database}\n"
    assert scratches(desk) == [theirs]  # nobody said that a runbook made it
    desk.cluster.psql(f"DROP DATABASE {theirs}")


def test_only_what_has_the_name_of_a_copy_is_dropped(desk: Desk) -> None:
    for name in (desk.database, "postgres", "''"):
        assert desk.say(f"scratch_drop {name}").code == 1
    assert desk.sql("SELECT count(*) FROM orders") == "300"


@needs_contrib
def test_a_broken_index_is_found_which_neither_a_dump_nor_a_vacuum_meets(desk: Desk) -> None:
    assert desk.does("live_damage").out == ""
    desk.sql(BREAK_INDEX)
    desk.sql("VACUUM")
    assert run(["pg_dump", "--file=/dev/null"], desk.variables()).code == 0
    assert 'lacks matching index tuple within index "broken"' in desk.does("live_damage").out
    assert desk.sql("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'") == "0"
    desk.given(NAME)
    assert desk.say(f"backup_doubts {NAME}", kind="probe").out == ""
    desk.does(f"backup_doubt {NAME}")
    assert desk.say(f"backup_doubts {NAME}", kind="probe").out.startswith("damage: broken: ")
    # Nobody takes a look that was cut off for a good one.
    assert desk.say(f"live_damage() {{ exit 9; }}; backup_doubt {NAME}").code == 9
    assert "did not come to its end" in desk.say(f"backup_doubts {NAME}", kind="probe").out
    checked = desk.say(f"scratch_amcheck {desk.database}")
    assert (checked.code, "are damaged" in checked.err) == (1, True)


def test_tools_older_than_the_server_and_full_disks_are_refused(desk: Desk) -> None:
    assert desk.say("backup_possible", kind="probe").code == 0
    with desk.shadowed("pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'"):
        assert "is older than the server" in desk.say("backup_possible", kind="probe").err
    with desk.shadowed("pg_dump", "echo 'pg_dump (PostgreSQL) 99.1'"):
        newer = desk.say("backup_possible", kind="probe")
    assert (newer.code, len(newer.findings)) == (0, 1)
    with desk.shadowed("df", "echo Head; echo '/dev/x 100 99 1 99% /'"):
        assert "no room for a backup" in desk.say("backup_possible", kind="probe").err


def test_words_that_change_something_are_refused_in_a_probe_and_so_is_sql_that_does(desk: Desk) -> None:
    of_a_backup = [
        f"backup_{word} {NAME}" for word in ("make", "try", "mark", "tell", "copy", "tidy", "thin")
    ]
    words = [*of_a_backup, "live_damage", "swap_databases", "swap_back", "sql_change 'SELECT 1'"]
    refused = desk.say("".join(f"! ({word}) || exit 9\n" for word in words), kind="probe")
    assert (refused.code, refused.err.count("only an action may use it")) == (0, len(words)), refused.err
    written = desk.say("sql 'DELETE FROM orders'")
    assert (written.code, "read-only transaction" in written.err) == (3, True)
    # The first error ends it, whatever stands behind.
    assert desk.say("sql_change 'SELECT 1 FROM nothing; DELETE FROM orders'").code == 3
    assert desk.sql("SELECT count(*) FROM orders") == "300"


def test_a_value_is_a_value_whatever_stands_in_it(desk: Desk) -> None:
    said = desk.does('sql "SELECT :\'who\'" "who=x\'; DELETE FROM orders; --"')
    assert said.out == "x'; DELETE FROM orders; --\n"


def test_statements_of_others_are_not_shown(desk: Desk) -> None:
    desk.sql("SELECT 'sesame'")
    shown = desk.does("sql \"SELECT 'sesame', pg_sleep(0)\"; evidence_database").out.split("sesame|", 1)[1]
    assert "sesame" not in shown
    assert "PostgreSQL" in shown


def test_the_script_makes_a_backup_by_itself(desk: Desk) -> None:
    words = [
        str(ROOT / "runbooks" / "backup.sh"),
        "--platform",
        "local",
        "--run-dir",
        str(desk.folder / "runs"),
    ]
    known = {name: value for name, value in desk.variables().items() if not name.startswith("RUNBOOK_")}
    assert run([*words, "--yes", "--step", "save"], known).code == 0
    (made,) = desk.backups.iterdir()
    assert desk.does(f"backup_intact {made.name}; backup_try {made.name}").findings == ()
    refused = run([*words, "--step", "save"], known)
    assert refused.code == 4  # nobody confirmed
    assert len(list(desk.backups.iterdir())) == 1


def test_the_page_and_the_words_name_the_same_files(desk: Desk) -> None:
    page = Path(ROOT / "docs" / "backup.md").read_text()
    for file in desk.given(NAME).iterdir():
        assert f"`{file.name}`" in page
