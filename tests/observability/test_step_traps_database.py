"""Each trap of PostgreSQL's programs is run here against a real server; then the checks refuse its text."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.postgres import find, temporary
from tests.observability.step_found import found

Bash = Callable[[str], subprocess.CompletedProcess[str]]
RIGHT = "PGOPTIONS='-c statement_timeout=5s' psql -X -w -v ON_ERROR_STOP=1"
ROWS = 2000
ASIDE = '"$PGDATABASE"_aside'
CUT = """
pg_dump --format=custom --file=whole.dump
head -c $(($(stat -c %s whole.dump) * 7 / 10)) whole.dump >cut.dump
"""
BROKEN = """
CREATE FUNCTION order_of(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT btint4cmp($1, $2)';
CREATE OPERATOR CLASS shop_order FOR TYPE integer USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 order_of(integer, integer);
CREATE INDEX by_id ON orders (id shop_order);
CREATE OR REPLACE FUNCTION order_of(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT btint4cmp($2, $1)';
CREATE EXTENSION amcheck;
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What psql and its like need to find a server of our own, and nobody's settings."""
    postgres = find()
    with temporary(tmp_path_factory.mktemp("postgres")) as dsn:
        account, _, place = dsn.removeprefix("postgresql://").partition("@")
        user, _, password = account.partition(":")
        host, _, port = place.partition("/")[0].partition(":")
        yield {
            **postgres.variables(),
            "PATH": f"{postgres.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path_factory.mktemp("home")),
            "PGHOST": host,
            "PGPORT": port,
            "PGUSER": user,
            "PGPASSWORD": password,
        }


@pytest.fixture
def bash(environment: dict[str, str], tmp_path: Path) -> Bash:
    """Return what runs shell as the engine does, in a folder of its own, with its own database."""
    database = f"shop_{uuid.uuid4().hex}"

    def run(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f"set -Eeuo pipefail\nshopt -s inherit_errexit\n{text}"],
            env={**environment, "PGDATABASE": database},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    made = run(
        f"createdb {database}\n{RIGHT} -q <<'SQL'\n"
        f"CREATE TABLE orders AS SELECT n AS id, md5(n::text) AS text FROM generate_series(1, {ROWS}) n;\n"
        "CREATE TABLE payments AS SELECT * FROM orders;\nSQL\n"
    )
    assert made.returncode == 0, made.stderr
    return run


def test_plain_psql_ends_with_0_after_an_error(bash: Bash) -> None:
    """Of a script, and of each -c, it goes on; and it begins with what stands in somebody's ~/.psqlrc."""
    text = "psql -q <<'SQL'\nSELECT nothing;\nSELECT 1;\nSQL"
    (done, right) = (bash(one) for one in (text, text.replace("psql -q", RIGHT)))
    assert (done.returncode, right.returncode) == (0, 3)
    assert "step_psql" in found(text)
    assert found(f"{RIGHT} -c 'SELECT 1'") == set()
    bash("echo '\\pset format html' >~/.psqlrc")
    plain, clean = bash("psql -At -c 'SELECT 1'; rm ~/.psqlrc"), bash(f"{RIGHT} -At -c 'SELECT 1'")
    assert (clean.stdout, plain.stdout != clean.stdout) == ("1\n", True)


def test_the_server_goes_on_when_psql_is_killed(bash: Bash, environment: dict[str, str]) -> None:
    name, sleep = f"trap-{uuid.uuid4().hex}", "SELECT pg_sleep(60)"
    where = f"FROM pg_stat_activity WHERE application_name = '{name}' AND state = 'active'"
    count = f'{RIGHT} -At postgres -c "SELECT count(*) {where}"'
    env = {**environment, "PGAPPNAME": name, "PGDATABASE": "postgres"}
    with subprocess.Popen(["psql", "-X", "-w", "-c", sleep], env=env, start_new_session=True) as process:
        while bash(count).stdout != "1\n":
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
    assert bash(count).stdout == "1\n"
    bash(f'{RIGHT} postgres -c "SELECT pg_terminate_backend(pid) {where}"')
    assert found(f"timeout 5 psql -X -w -v ON_ERROR_STOP=1 -c '{sleep}'") == {"step_psql"}
    limited = bash(f"PGOPTIONS='-c statement_timeout=100ms' psql -X -w -v ON_ERROR_STOP=1 -c '{sleep}'")
    assert (limited.returncode, "statement timeout" in limited.stderr) == (1, True)


def test_half_of_a_plain_dump_is_taken_for_the_whole(bash: Bash) -> None:
    """Cut before the rows of the second table, it goes in without an error."""
    cut = f"pg_dump >shop.sql\nsed '/^COPY public.payments/,$d' shop.sql >half.sql\ncreatedb {ASIDE}\n"
    load = f"{RIGHT} {ASIDE} <half.sql >/dev/null"
    count = f"\n{RIGHT} -At {ASIDE} -c 'SELECT count(*) FROM payments'"
    done = bash(cut + load + count)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    assert found("pg_dump shop >shop.sql") == {"step_dump"}
    assert found(f"{RIGHT} aside <half.sql") == {"step_dump"}


def test_the_list_of_a_dump_that_is_cut_off_is_whole(bash: Bash) -> None:
    made = bash(CUT)
    assert made.returncode == 0, made.stderr
    listed, read = bash("pg_restore --list cut.dump"), bash("pg_restore --file=/dev/null cut.dump")
    assert listed.returncode == 0
    assert "TABLE DATA public payments" in listed.stdout
    assert read.returncode == 1
    assert found("pg_restore --list cut.dump", kind="probe") == {"step_dump_read"}
    assert found("pg_restore --file=/dev/null cut.dump", kind="probe") == set()


def test_pg_restore_goes_on_after_an_error_and_leaves_a_half(bash: Bash) -> None:
    bash(CUT)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    count = f'{RIGHT} -At {ASIDE} -c "{tables}"\ndropdb {ASIDE}'
    whole = "pg_restore --exit-on-error --single-transaction -d"
    left = [
        bash(f"createdb {ASIDE}\n{restore} {ASIDE} cut.dump || echo failed\n{count}").stdout
        for restore in ("pg_restore -d", whole)
    ]
    assert left == ["failed\n2\n", "failed\n0\n"]
    assert found("pg_restore -d aside cut.dump") == {"step_dump"}
    assert found(f"{whole} aside cut.dump") == set()


@pytest.mark.skipif(not find().contrib, reason="amcheck is not among these programs")
def test_vacuum_is_content_with_a_broken_index(bash: Bash) -> None:
    """The order that an index was made by changes, as it does with another version of the C library."""
    made = bash(f"{RIGHT} -q <<'SQL'\n{BROKEN}SQL\n")
    assert made.returncode == 0, made.stderr
    for content in (f"{RIGHT} -c 'VACUUM orders'", "vacuumdb", "pg_dump --format=custom --file=shop.dump"):
        assert bash(content).returncode == 0
    checked = bash("pg_amcheck --heapallindexed")
    assert (checked.returncode, "by_id" in checked.stdout) == (2, True), checked.stderr
    assert "step_vacuum" in found("vacuumdb", kind="probe")
    assert "step_vacuum" in found("sql 'VACUUM orders'", title="Check the tables for damage")
    assert found("pg_amcheck --heapallindexed", kind="probe") == set()


@pytest.mark.skipif(not find().contrib, reason="pg_stat_statements is not among these programs")
def test_the_old_columns_are_gone(bash: Bash) -> None:
    old = "SELECT query, total_time FROM pg_stat_statements"
    done = bash(f"{RIGHT} -c 'CREATE EXTENSION pg_stat_statements' -c '{old}'")
    assert 'column "total_time" does not exist' in done.stderr
    assert found(f"sql '{old}'", kind="probe") == {"step_columns"}
    new = old.replace("total_time", "total_exec_time")
    assert bash(f"{RIGHT} -c '{new}'").returncode == 0
    assert found(f"sql '{new}'", kind="probe") == set()


def test_no_session_is_idle_by_its_query(bash: Bash) -> None:
    """The query of an idle session is its last one, so that `<> '<IDLE>'` fits every session."""
    where = "FROM pg_stat_activity WHERE query <> '<IDLE>'"
    told = bash(f'{RIGHT} -At -c "SELECT count(*) = (SELECT count(*) FROM pg_stat_activity) {where}"')
    assert told.stdout == "t\n"
    assert found(f'sql "SELECT pg_terminate_backend(pid) {where}"') == {"step_kill"}


def test_an_empty_condition_deletes_every_row(bash: Bash) -> None:
    text = 'only=""\npsql -X -w -v ON_ERROR_STOP=1 -c "DELETE FROM orders $only"'
    assert bash(f"PGOPTIONS='-c statement_timeout=5s'\n{text}").stdout == f"DELETE {ROWS}\n"
    assert found('only=$(shop_count)\nsql "DELETE FROM orders $only"') == {"step_empty"}
