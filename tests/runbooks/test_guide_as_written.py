"""The guide's commands, run as they are written: what they do is what docs/guide.md says of them."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.guide_commands import Command, commands
from tests.runbooks.databases import BOUND, Cluster
from tests.runbooks.stage import playing

# What a person at this stack has in the shell: `. .local/env`, and the secrets that the guide shows.
SHELL = {
    "DATABASE_URL": "postgresql://postgres:the-password@127.0.0.1:5432/trading_bot",
    "TELEGRAM_API_ID": "the-id",
    "TELEGRAM_API_HASH": "the-hash",
    "TELEGRAM_BOT_TOKEN": "the-token",
    "BINGX_API_KEY": "the-key",
}


@pytest.mark.stack
async def test_each_does_what_is_said_of_it(cluster: Cluster, tmp_path: Path) -> None:
    cluster.psql("DROP DATABASE trading_bot")
    cluster.make("trading_bot", rows=3)
    if cluster.postgres.contrib:
        cluster.psql("CREATE EXTENSION pg_stat_statements", "trading_bot")
    async with playing(cluster, tmp_path) as stage:
        # The bot of a test has another port.
        place = stage.bot.url.removeprefix("http://")
        (tmp_path / ".curlrc").write_text(f'silent\nconnect-to = "localhost:8080:{place}"\n')
        shell = {**cluster.variables("trading_bot"), **SHELL, "HOME": str(tmp_path)}
        await run("pg_dump -U postgres trading_bot > backup_file.sql", tmp_path, shell)
        wrong = []
        for one in commands():
            if one.shows is None:
                continue
            code, out = await run(written(one), tmp_path, shell)
            if one.code not in ("any", code) or not re.search(one.shows, out, re.MULTILINE):
                wrong.append((one.command, code, out[-300:]))
        assert not wrong, "\n".join(map(str, wrong))
    # pgbench leaves its tables with the bot's.
    tables = cluster.psql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'pgbench%'", "trading_bot")
    assert tables == "4"


def written(one: Command) -> str:
    """SQL is for psql; everything else is a line of a shell."""
    if one.command.startswith("SELECT"):
        return f"psql -h localhost -U postgres -d trading_bot -v ON_ERROR_STOP=1 <<'SQL'\n{one.command}\nSQL"
    return one.command


async def run(line: str, folder: Path, shell: Mapping[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, cwd=folder, env=shell, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(BOUND):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()
