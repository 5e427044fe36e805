"""The runbooks of the database on faults of a true PostgreSQL: each names its cause, and some mend it."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from tests.runbooks.database_ran import EVERY, Ran
from tests.runbooks.databases import BOUND, ROOT, Desk

pytestmark = pytest.mark.stack


def ran(desk: Desk, runbook: str, *flags: str, **changes: str) -> Ran:
    variables = {**desk.variables(), "USER": "tester", **changes}
    return Ran(ROOT / "runbooks" / f"{runbook}.sh", variables, *flags)


@contextmanager
def session(desk: Desk, name: str = "somebody") -> Iterator[Any]:
    dsn = f"{desk.cluster.dsn.rpartition('/')[0]}/{desk.database}"
    with closing(psycopg2.connect(dsn, application_name=name)) as connection:
        yield connection


def pid_of(connection: Any) -> str:
    return str(connection.get_backend_pid())


def waits(desk: Desk, condition: str) -> None:
    """Until a session is as the condition says."""
    deadline = time.monotonic() + BOUND
    while desk.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {condition}") == "0":
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)


# --- DATABASE_URL ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "change", "cause"),
    [
        ("login", lambda url: url, None),
        ("login", lambda url: url.replace("postgresql:", "postgresql+asyncpg:"), None),
        ("login", lambda url: url.replace("postgresql:", "postgresql+psycopg2:"), None),
        ("login", lambda url: re.sub(r"(\w{15})@", "of-another-server@", url), "refuses the password"),
        ("login", lambda url: url.replace("/desk_", "/desks_"), "has no such database"),
        ("address", lambda url: url.replace("@", "/of/mine@"), "has not the shape"),
        ("address", lambda url: url.replace("postgresql://", ""), "has not the shape"),
        ("address", lambda url: re.sub(r":\w{16}@", "@", url), "has no password"),
        ("way", lambda url: re.sub(r":\d+/", ":1/", url), "nobody listens.*the server itself is well"),
        ("way", lambda url: url.replace("127.0.0.1", "no.invalid"), "host is not known"),
    ],
)
def test_an_address_that_is_wrong_is_named_and_never_shown(
    desk: Desk, step: str, change: Callable[[str], str], cause: str | None
) -> None:
    url = f"{desk.cluster.dsn.rpartition('/')[0]}/{desk.database}"
    said = ran(desk, "database_connection", "--only-probes", "--step", step, DATABASE_URL=change(url))
    assert said.code == (3 if cause else 0), said.out
    assert bool(said.findings) == bool(cause)
    assert not cause or re.search(cause, said.findings[0]), said.findings
    password = url.split(":")[2].split("@")[0]
    kept = "".join(path.read_text() for path in (desk.folder / "runs").rglob("*") if path.is_file())
    assert password not in said.out + kept
    assert "of/mine" not in said.out + kept


# --- connections -----------------------------------------------------------------------------------------


def test_who_holds_the_connections_is_named_and_idle_ones_can_be_ended(desk: Desk, tmp_path: Path) -> None:
    most = int(desk.sql("SHOW max_connections"))
    dsn = f"{desk.cluster.dsn.rpartition('/')[0]}/{desk.database}"
    held = [psycopg2.connect(dsn, application_name="leaky one") for _ in range(most - 10)]
    try:
        said = ran(desk, "database_connection", "--only-probes", "--step", "connections")
        assert said.code == 3, said.out
        assert f"most of them by leaky one: {most - 10}, idle" in said.findings[0]
        # None of them is idle for long enough; and with a script that waits for no ten minutes all go.
        flags = ("--step", "release", "--yes", "--set", "application=leaky one")
        assert "not needed" in ran(desk, "database_connection", *flags).out
        hasty = tmp_path / "hasty.sh"
        text = (ROOT / "runbooks" / "database_connection.sh").read_text()
        hasty.write_text(text.replace("interval '10 minutes'", "interval '0 minutes'"))
        hasty.chmod(0o755)
        done = Ran(hasty, {**desk.variables(), "USER": "tester"}, *flags)
        assert done.code == 0, done.out
        assert desk.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaky one'") == "0"
    finally:
        for one in held:
            one.close()


# --- one statement ---------------------------------------------------------------------------------------


def test_who_holds_a_lock_is_named_and_ended_after_its_number_was_typed(desk: Desk) -> None:
    with session(desk, "holder") as holder, session(desk, "waiter") as waiter:
        holder.cursor().execute("LOCK TABLE orders")
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(waiter.cursor().execute, "SELECT count(*) FROM orders")
            waits(desk, "application_name = 'waiter' AND wait_event_type = 'Lock'")
            found = ran(desk, "database_performance", "--only-probes", "--step", "blocked")
            assert found.code == 3, found.out
            assert re.search(
                rf"\(waiter\) has waited .* for {pid_of(holder)} \(holder, idle in", found.findings[0]
            )
            tables = ran(desk, "database_performance", "--only-probes", "--step", "tables")
            assert tables.code == 0, tables.out
            assert re.search(r"^ *orders +\| locked", tables.out, re.MULTILINE)

            flags = ("--step", "end", "--yes", "--set", f"pid={pid_of(holder)}")
            refused = ran(desk, "database_performance", *flags)
            assert refused.code == 4, refused.out
            assert not answer.done()
            ended = ran(desk, "database_performance", *flags, "--confirm", pid_of(holder))
            assert ended.code == 0, ended.out
            # A cancel does nothing to a session that is idle in a transaction.
            assert "terminated: 1" in ended.out
            answer.result(BOUND)


def test_a_statement_that_runs_away_is_cancelled_and_its_connection_stays(desk: Desk) -> None:
    with session(desk) as runaway, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(runaway.cursor().execute, "SELECT pg_sleep(600)")
        waits(desk, "query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()")
        pid = pid_of(runaway)
        flags = ("--step", "end", "--yes", "--set", f"pid={pid}", "--confirm", pid)
        said = ran(desk, "database_performance", *flags)
        assert said.code == 0, said.out
        assert "terminated" not in said.out
        with pytest.raises(psycopg2.errors.QueryCanceled):
            answer.result(BOUND)
        runaway.rollback()
        runaway.cursor().execute("SELECT 1")


@pytest.mark.parametrize(
    ("name", "why"), [("pg_dump", "makes or restores a backup"), ("runbook:backup", "is a runbook's")]
)
def test_backups_are_left_alone(desk: Desk, name: str, why: str) -> None:
    with session(desk, name) as backup:
        backup.cursor().execute("SELECT 1")
        pid = pid_of(backup)
        said = ran(
            desk, "database_performance", "--step", "end", "--yes", "--set", f"pid={pid}", "--confirm", pid
        )
        assert said.code == 1, said.out
        assert why in said.out
        backup.cursor().execute("SELECT 1")


def test_a_number_that_nobody_has_ends_nobody(desk: Desk) -> None:
    with session(desk) as gone:
        pid = pid_of(gone)
    waits(desk, "true")
    said = ran(
        desk, "database_performance", "--step", "end", "--yes", "--set", f"pid={pid}", "--confirm", pid
    )
    assert said.code == 1, said.out
    assert f"no session {pid}" in said.out


# --- care and damage -------------------------------------------------------------------------------------


def test_sorting_by_other_rules_is_found_and_mended(desk: Desk) -> None:
    # The locale of the tests' server has no version, so this is a database whose texts ICU sorts.
    name = f"{desk.database}_icu"
    like = "TEMPLATE template0 ENCODING UTF8 LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    desk.cluster.psql(f"CREATE DATABASE {name} {like}")
    desk.cluster.psql("CREATE TABLE words (word text PRIMARY KEY)", name)
    desk.cluster.psql(f"UPDATE pg_database SET datcollversion = '1.0' WHERE datname = '{name}'")
    found = ran(desk, "database_maintenance", "--only-probes", "--step", "sorting")
    assert found.code == 3, found.out
    assert f"under database {name}: made with 1.0" in found.findings[0]
    before = desk.cluster.psql("SELECT pg_relation_filenode('words_pkey')", name)
    mended = ran(desk, "database_maintenance", "--step", "reindex", "--yes")
    assert mended.code == 0, mended.out
    assert desk.cluster.psql("SELECT pg_relation_filenode('words_pkey')", name) != before
    assert ran(desk, "database_maintenance", "--only-probes", "--step", "sorting").code == 0


def test_dead_rows_are_found_and_a_table_that_is_locked_is_left_out(desk: Desk) -> None:
    desk.sql("ALTER TABLE chats SET (autovacuum_enabled = off)")
    desk.sql("INSERT INTO chats SELECT n, n FROM generate_series(1, 3000) n; DELETE FROM chats")
    found = ran(desk, "database_maintenance", "--only-probes", "--step", "bloat")
    assert found.code == 3, found.out
    assert "3000 of 3000 rows of table chats are dead" in found.findings[0]
    with session(desk) as holder:
        holder.cursor().execute("LOCK TABLE chats")
        flags = ("--step", "vacuum", "--yes", "--set", "table=chats")
        left = ran(desk, "database_maintenance", *flags)
        assert left.code == 1, left.out
        assert "some tables were locked" in left.out
        holder.rollback()
        done = ran(desk, "database_maintenance", *flags)
        assert done.code == 0, done.out


# A comparison that changes its mind leaves an index in the order of before.
WRONG_ORDER = """
CREATE TABLE texts AS SELECT md5(n::text) AS word FROM generate_series(1, 2000) n;
CREATE FUNCTION ordered(text, text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT bttextcmp($1, $2)';
CREATE OPERATOR CLASS changing FOR TYPE text USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 ordered(text, text);
CREATE INDEX texts_word ON texts (word changing);
CREATE OR REPLACE FUNCTION ordered(text, text) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT bttextcmp($2, $1)';
"""


def test_an_index_in_a_wrong_order_is_named_and_made_anew(desk: Desk) -> None:
    if desk.sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'") == "0":
        pytest.skip("this PostgreSQL has no amcheck")
    desk.sql(WRONG_ORDER)
    flags = ("--yes", "--set", f"database={desk.database}")
    seen = ran(desk, "database_corruption", "--step", "look", *flags)
    assert seen.code == 3, seen.out
    assert seen.findings == ["the index texts_word is damaged"]
    mended = ran(desk, "database_corruption", "--step", "reindex", *flags)
    assert mended.code == 0, mended.out
    assert "made anew: texts_word" in mended.out
    assert ran(desk, "database_corruption", "--step", "look", *flags).findings == []


def test_no_step_of_the_four_takes_vacuum_for_a_check() -> None:
    specs = [yaml.safe_load((ROOT / f"config/runbooks/database_{one}.yaml").read_text()) for one in EVERY]
    probes = [str(step["run"]) for spec in specs for step in spec["steps"] if step["kind"] == "probe"]
    assert len(probes) > 10
    assert not [one for one in probes if re.search(r"\bVACUUM\b", one)]


def test_each_alert_that_maintenance_keeps_quiet_is_one_and_none_is_about_money() -> None:
    spec = yaml.safe_load((ROOT / "config/runbooks/planned_maintenance.yaml").read_text())
    quiet = re.compile(spec["parameters"]["alerts"]["default"])
    names = {
        file.stem: yaml.safe_load(file.read_text())["alerts"]
        for file in (ROOT / "config" / "alerts").glob("*.yaml")
    }
    known = [name for alerts in names.values() for name in alerts]
    for part in re.sub(r"\([^)]*\)\??", "X", spec["parameters"]["alerts"]["default"]).split("|"):
        assert any(re.fullmatch(part.replace("X", ".*"), name) for name in known), part
    assert {"BotDown", "DatabaseDown", "TargetDown"} <= {name for name in known if quiet.fullmatch(name)}
    assert not [name for name in names["money"] if quiet.fullmatch(name)]
