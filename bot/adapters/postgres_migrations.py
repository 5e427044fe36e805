"""The schema: each file of bot/migrations once, in order, whole or not at all, and by one bot at a time."""

import hashlib
from pathlib import Path

import aiopg

from bot.log import Log
from bot.ports import StopTrading

MIGRATIONS = Path(__file__).parent.parent / "migrations"
PATIENCE = 60.0  # seconds for one file
LOCK_PATIENCE = 1.0  # seconds: whoever trades on the old schema waits no longer behind us
_LOCK = 7219404117  # any number that no other program uses for an advisory lock on this database


async def migrate(cursor: aiopg.Cursor, log: Log) -> None:
    # The lock ends with the connection. A second bot that starts now waits here, then finds nothing to do.
    await cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    await cursor.execute(
        "SET statement_timeout = %s; SET lock_timeout = %s", (int(PATIENCE * 1000), int(LOCK_PATIENCE * 1000))
    )
    await cursor.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    await cursor.execute("SELECT name, sha256 FROM schema_migrations")
    applied = dict(await cursor.fetchall())
    texts = {file.name: file.read_text() for file in sorted(MIGRATIONS.glob("*.sql"))}
    _refuse_unknown(applied.keys() - texts)
    for name, text in texts.items():
        digest = hashlib.sha256(text.encode()).hexdigest()
        if applied.get(name, digest) != digest:
            raise StopTrading(f"migration {name} was changed after it was applied to this database")
        if name not in applied:
            # One string of several statements is one transaction.
            done = f"INSERT INTO schema_migrations (name, sha256) VALUES ('{name}', '{digest}')"
            await cursor.execute(f"{text};\n{done}", timeout=PATIENCE)
            log.info("migration applied", migration=name)


def _refuse_unknown(names: set[str]) -> None:
    """What a newer bot relies on, such as a fence, an older one would pass by."""
    if names:
        raise StopTrading(f"the database has {min(names)} of a newer version: run that one, not this")
