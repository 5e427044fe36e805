"""A database with orders in it, and a shell that has the words of runbooks about it."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from scripts.postgres import Postgres, find

ROOT = Path(__file__).parents[2]
LIBRARIES = ROOT / "config" / "runbooks" / "lib"
TEMPLATES = ROOT / "observability" / "templates"
EVERYTHING = ("platform", "bot", "database", "backup", "prove", "keep", "restore")
BOUND = 60  # seconds, after which a program hangs
# As the bot's own tables are made, and as it fills them.
ROWS = """
INSERT INTO account (mode, uid, expected_balance, expected_at) VALUES ('simulator', '1', 1234.5600, now());
INSERT INTO switch (level, reason, who) VALUES (0, 'a new database', 'bot');
INSERT INTO signals (source, chat, message_id, message, verdict)
    SELECT 'test', 'chat', n, 'BUY BTCUSDT 0.' || n || ' ' || md5(n::text), 'accepted'
    FROM generate_series(1, :rows) n;
INSERT INTO orders (signal_id, client_id, source, symbol, side, quantity, price, stop, targets, state,
        exchange_id, filled_quantity, average_price, closed_at)
    SELECT id, 'tws' || md5(message_id), 'test', 'BTC-USDT', 'BUY', 0.001 * id, 60000 + id * 0.1, 59000,
        '{61000}', 'filled', md5(message), 0.001 * id, 60000 + id * 0.1, now()
    FROM signals;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a program answered; findings are those of the words."""

    code: int
    out: str
    err: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server, reached as by `. .local/env`."""

    dsn: str
    folder: Path
    postgres: Postgres = field(default_factory=find)

    def variables(self, database: str) -> dict[str, str]:
        parts = urlsplit(self.dsn)
        passwords = self.folder / "pgpass"
        passwords.touch(mode=0o600)
        passwords.write_text(f"*:*:*:{parts.username}:{parts.password}\n")
        programs = f"{self.postgres.bin}:{os.environ['PATH']}"
        where = {"PGHOST": str(parts.hostname), "PGPORT": str(parts.port), "PGUSER": str(parts.username)}
        mine = {
            "PGDATABASE": database,
            "PGPASSFILE": str(passwords),
            "PATH": programs,
            "HOME": str(self.folder),
        }
        return {**where, **mine, **self.postgres.environment, "LC_ALL": "C"}

    def psql(self, text: str, database: str = "postgres", **values: object) -> str:
        """Return rows; an error of the server fails the test."""
        given = [word for name, value in values.items() for word in ("-v", f"{name}={value}")]
        words = [self.postgres.program("psql"), "-XwqAt", "-v", "ON_ERROR_STOP=1", *given]
        done = run(words, self.variables(database), text)
        assert done.code == 0, done.err
        return done.out.strip()

    def databases(self) -> list[str]:
        return self.psql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").split()

    def make(self, name: str, rows: int) -> None:
        """A database as the bot's migrations leave it, with so many orders."""
        self.psql(f"CREATE DATABASE {name}")
        for migration in sorted((ROOT / "bot" / "migrations").glob("*.sql")):
            self.psql(migration.read_text(), name)
        self.psql(ROWS, name, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One database with its folders; `say` runs words as a step of a runbook would."""

    cluster: Cluster
    database: str
    folder: Path
    like_ours: Path | None = None

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def metric(self) -> Path:
        return self.folder / "textfile" / "backup.prom"

    @property
    def shadows(self) -> Path:
        """Programs in it are found before those of the machine."""
        return self.folder / "shadows"

    def variables(self, run_id: str = "20260102T030405Z-backup-7") -> dict[str, str]:
        known = self.cluster.variables(self.database)
        return {
            **known,
            "PATH": f"{self.shadows}:{known['PATH']}",
            "TRADEWATCH_PLATFORM": "local",
            "TRADEWATCH_HOME": str(self.folder),
            "BACKUP_DIR": str(self.backups),
            "TEXTFILE_DIR": str(self.metric.parent),
            "CONTROL_DIR": str(self.folder / "control"),
            "RUNBOOK_ID": "test",
            "RUNBOOK_RUN": run_id,
            "COPY_TO": "none",
            "ENCRYPT_TO": "none",
            "BACKUP": "latest",
        }

    def program(self, kind: str = "action") -> list[str]:
        """The words, and then what comes on standard input."""
        parts = [
            TEMPLATES / "json.sh",
            TEMPLATES / "prelude.sh",
            *(LIBRARIES / f"{one}.sh" for one in EVERYTHING),
        ]
        sources = "; ".join(f". '{part}'" for part in parts)
        state = f"RUNBOOK_STEP_KIND={kind} RUNBOOK_DEADLINE=$(($(date +%s) + {BOUND}))"
        return [
            "bash",
            "-Eeuo",
            "pipefail",
            "-O",
            "inherit_errexit",
            "-c",
            f'{sources}; export {state}; umask 077; eval "$1"',
            "words",
        ]

    def say(self, text: str, *, kind: str = "action", **variables: str) -> Said:
        findings = self.folder / "findings"
        findings.unlink(missing_ok=True)
        known = {**self.variables(), "RUNBOOK_FINDINGS": str(findings), **variables}
        done = run([*self.program(kind), text], known)
        found = tuple(findings.read_text().splitlines()) if findings.exists() else ()
        return Said(code=done.code, out=done.out, err=done.err, findings=found)

    def does(self, text: str, **variables: str) -> Said:
        said = self.say(text, **variables)
        assert said.code == 0, said.err
        return said

    def sql(self, text: str) -> str:
        return self.cluster.psql(text, self.database)

    def saved(self, name: str = "20260102T030405Z-backup-7") -> Path:
        """A backup that was just made."""
        self.does(f"backup_make {name}")
        return self.backups / name

    def given(self, name: str = "20260102T030405Z-backup-7") -> Path:
        """A backup of another database that holds the same; quicker than to make one."""
        assert self.like_ours
        return Path(shutil.copytree(self.like_ours, self.backups / name))

    @contextmanager
    def shadowed(self, program: str, text: str) -> Iterator[None]:
        """In the place of the program runs this shell; in it $REAL is the program."""
        self.shadows.mkdir(exist_ok=True)
        file = self.shadows / program
        real = self.cluster.postgres.program(program)
        file.write_text(f"#!/bin/bash\nREAL='{real}'\n{text}\n")
        file.chmod(0o755)
        yield
        file.unlink()


def run(words: list[str], variables: Mapping[str, str], text: str = "") -> Said:
    done = subprocess.run(
        words, env=dict(variables), input=text, capture_output=True, text=True, timeout=BOUND
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)
