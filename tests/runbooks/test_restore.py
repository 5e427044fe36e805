"""How a backup takes the place of the database, and how that is taken back. The bot is not running here."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.runbooks.databases import BOUND, ROOT, Desk, run

pytestmark = pytest.mark.stack

NAME = "20260102T030405Z-backup-7"


@pytest.fixture
def restored(desk: Desk) -> Desk:
    """A desk where a copy lies beside the database, to take its place; one order was lost since."""
    desk.cluster.psql(f"CREATE DATABASE {copy(desk)} TEMPLATE like_ours")
    desk.sql("DELETE FROM orders WHERE id = 7")
    return desk


@pytest.fixture(autouse=True)
def cleared(desk: Desk) -> Iterator[None]:
    yield
    for name in (copy(desk), bad(desk), desk.database):
        desk.cluster.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run_of(desk: Desk) -> str:
    """Tests share a server, so each has a run of its own."""
    return f"20260102T030405Z-restore-{desk.database.rpartition('_')[2][:9]}"


def copy(desk: Desk) -> str:
    return desk.does("restored_name", RUNBOOK_RUN=run_of(desk)).out.strip()


def bad(desk: Desk) -> str:
    return desk.does("bad_name", RUNBOOK_RUN=run_of(desk)).out.strip()


def orders(desk: Desk) -> str:
    return desk.sql("SELECT count(*) FROM orders")


def is_open(desk: Desk, database: str) -> str:
    return desk.cluster.psql(f"SELECT datallowconn FROM pg_database WHERE datname = '{database}'")


@contextmanager
def connected(desk: Desk, application: str) -> Iterator[subprocess.Popen[str]]:
    """Somebody in the middle of a transaction."""
    words = [desk.cluster.postgres.program("psql"), "-XwqAt"]
    known = {**desk.variables(), "PGAPPNAME": application}
    with subprocess.Popen(
        words, env=known, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True
    ) as session:
        assert session.stdin
        assert session.stdout
        session.stdin.write("BEGIN;\nSELECT count(*) FROM orders;\n")
        session.stdin.flush()
        session.stdout.readline()
        yield session
        session.kill()


def test_the_backup_takes_the_place_of_the_database_which_is_kept(restored: Desk) -> None:
    with connected(restored, "somebody") as session:
        restored.does("swap_databases", RUNBOOK_RUN=run_of(restored))
        assert session.stdin
        session.stdin.write("SELECT 1;\n")
        session.stdin.close()
        assert session.wait(BOUND) != 0  # its connection was ended
    assert orders(restored) == "300"
    assert is_open(restored, bad(restored)) == "f"
    assert copy(restored) not in restored.cluster.databases()
    # A resumed run does it again.
    again = restored.does("swap_databases", RUNBOOK_RUN=run_of(restored))
    assert again.out == "it was swapped before\n"
    assert orders(restored) == "300"


def test_it_is_taken_back_by_the_same_renames_and_nothing_is_lost(restored: Desk) -> None:
    restored.does("swap_databases; swap_back", RUNBOOK_RUN=run_of(restored))
    assert orders(restored) == "299"
    assert is_open(restored, restored.database) == "t"
    assert bad(restored) not in restored.cluster.databases()
    assert copy(restored) in restored.cluster.databases()


def test_what_cannot_be_swapped_stays_as_it_was_and_open(restored: Desk) -> None:
    """The second rename cannot be done: the first is undone with it."""
    restored.cluster.psql(f"CREATE DATABASE {bad(restored)}")
    swapped = restored.say("swap_databases", RUNBOOK_RUN=run_of(restored))
    assert (swapped.code, "nothing was changed" in swapped.err) == (1, True)
    assert orders(restored) == "299"
    assert is_open(restored, restored.database) == "t"
    assert copy(restored) in restored.cluster.databases()


def test_taking_back_a_swap_that_was_cut_off_opens_the_database_again(restored: Desk) -> None:
    restored.cluster.psql(f"ALTER DATABASE {restored.database} ALLOW_CONNECTIONS false")
    restored.does("swap_back", RUNBOOK_RUN=run_of(restored))
    assert orders(restored) == "299"


def test_where_the_database_is_gone_the_backup_takes_its_name_and_gives_it_back(restored: Desk) -> None:
    name = restored.given(NAME).name
    restored.cluster.psql(f"DROP DATABASE {restored.database}")
    restored.does(f"backup_possible; backup_intact {name}; backup_try {name}")
    restored.does("swap_databases", RUNBOOK_RUN=run_of(restored))
    assert orders(restored) == "300"
    restored.does("swap_back", RUNBOOK_RUN=run_of(restored))
    assert restored.database not in restored.cluster.databases()
    assert copy(restored) in restored.cluster.databases()


def test_nothing_is_swapped_without_a_restored_database(desk: Desk) -> None:
    refused = desk.say("swap_databases", RUNBOOK_RUN=run_of(desk))
    assert (refused.code, "there is no restored database" in refused.err) == (1, True)
    assert orders(desk) == "300"


def test_a_restored_database_is_closed_whatever_it_says_of_trading(restored: Desk) -> None:
    place = copy(restored)
    open_one = restored.say(f"restored_is_closed {place}", kind="probe")
    assert open_one.code == 1
    restored.does(f"close_restored {place} {NAME}; close_restored {place} {NAME}; restored_is_closed {place}")
    rows = restored.cluster.psql("SELECT level, reason FROM switch ORDER BY id", place)
    assert rows == f"0|a new database\n1|restored from the backup {NAME}"


def test_it_is_refused_while_a_bot_is_connected_or_nothing_keeps_it_from_trading(desk: Desk) -> None:
    unhalted = desk.say("restore_allowed", kind="probe")
    assert (unhalted.code, "there is no HALT" in unhalted.err) == (1, True)
    (desk.folder / "control" / "HALT").touch()
    assert desk.say("restore_allowed", kind="probe").code == 0
    with connected(desk, "tradewatch-bot"):
        refused = desk.say("restore_allowed", kind="probe")
    assert (refused.code, "a bot is connected" in refused.err) == (1, True)
    running = desk.say("service_state() { echo running; }; restore_allowed", kind="probe")
    assert (running.code, running.err) == (1, "the bot is running: it has to be stopped\n")


def test_a_restored_database_is_like_the_one_that_was_saved(desk: Desk) -> None:
    """Its locale, owner and settings, which lie outside of the tables."""
    cluster, name, role = desk.cluster, desk.database, f"role_{desk.database}"
    cluster.psql(f"CREATE ROLE {role}; ALTER DATABASE {name} OWNER TO {role}")
    cluster.psql(
        f"ALTER DATABASE {name} SET work_mem TO '7MB'; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"
    )
    query = f"""SELECT encoding, datcollate, datctype, datdba::regrole, setconfig,
            array(SELECT unnest(datacl)::text ORDER BY 1)
        FROM pg_database d LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid WHERE datname = '{name}'"""
    before = cluster.psql(query)
    assert "work_mem=7MB" in before
    desk.saved(NAME)
    words = f"restore_into {NAME} $(restored_name); swap_databases; restore_properties {NAME}"
    desk.does(words, RUNBOOK_RUN=run_of(desk))
    assert cluster.psql(query) == before
    cluster.psql(f"DROP DATABASE {desk.database} WITH (FORCE)")
    cluster.psql(f"DROP DATABASE {bad(desk)}; DROP ROLE {role}")


def test_the_latest_is_the_last_that_was_found_whole(desk: Desk) -> None:
    nothing = desk.say("chosen_backup", kind="probe")
    assert (nothing.code, "was ever restored and found whole" in nothing.err) == (1, True)
    path = desk.given(NAME)
    desk.does(f"backup_mark {NAME}; cp -r '{path}' '{desk.backups}/20270102T030405Z-backup-8'")
    (desk.backups / "20270102T030405Z-backup-8" / "verified").unlink()
    assert desk.say("chosen_backup", kind="probe").out == f"{NAME}\n"
    named = desk.say("chosen_backup", kind="probe", BACKUP="20270102T030405Z-backup-8")
    assert named.out == "20270102T030405Z-backup-8\n"
    assert desk.say("chosen_backup", kind="probe", BACKUP="20280102T030405Z").code == 1
    assert desk.does("backup_list").out.count("\n") == 3


def test_the_script_swaps_only_what_is_typed(restored: Desk) -> None:
    script = [str(ROOT / "runbooks" / "restore.sh"), "--platform", "local", "--step", "swap", "--yes"]
    where = ["--run-dir", str(restored.folder / "runs"), "--set", f"database={restored.database}"]
    known = {name: one for name, one in restored.variables().items() if not name.startswith("RUNBOOK_")}
    for given in ([], ["--confirm", "trading_bot"]):
        assert run([*script, *where, *given], known).code == 4
    assert orders(restored) == "299"
    assert is_open(restored, restored.database) == "t"


def test_a_resumed_run_takes_nothing_for_whole_that_was_not_compared(desk: Desk) -> None:
    """Trading was closed when the backup was made: that the copy says so proves nothing of the rest."""
    desk.sql("INSERT INTO switch (level, reason, who) VALUES (1, 'a test', 'somebody')")
    words = f"restore_into {desk.saved(NAME).name} $(restored_name)"
    desk.does(words, RUNBOOK_RUN=run_of(desk))
    cut = desk.say('restored_is_whole "$(restored_name)"', kind="probe", RUNBOOK_RUN=run_of(desk))
    assert cut.code == 1
    swapped = desk.say('restored_is_whole "$(database_name)"', kind="probe", RUNBOOK_RUN=run_of(desk))
    assert swapped.code == 1  # it was not, and is closed as well
    done = f"close_restored $(restored_name) {NAME}; restored_is_whole $(restored_name); swap_databases; "
    desk.does(f"{done} restored_is_whole $(database_name)", RUNBOOK_RUN=run_of(desk))
    another = desk.say(
        'restored_is_whole "$(database_name)"', kind="probe", RUNBOOK_RUN="20270102T030405Z-restore-1"
    )
    assert another.code == 1


def test_the_longest_name_of_a_database_can_be_swapped_and_taken_back(desk: Desk) -> None:
    """The server cuts what is longer than 63 letters, and is then asked for a name that nobody has."""
    long = "d" * 31
    kept = desk.does("bad_name", PGDATABASE=long, RUNBOOK_RUN="20260102T030405Z-restore-1234567").out.strip()
    assert kept.startswith(f"{long}_bad_20260102t030405z")
    assert len(kept) <= 63
