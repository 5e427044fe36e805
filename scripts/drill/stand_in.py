"""A stand-in in front of node_exporter: hands on what that tells, but for what a drill says of the machine.

For what no drill can do to a machine that others use: fill its disk, use up its memory.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from scripts.stack.ports import HOST

SIZE = 100e9  # bytes of the disk that only the stand-in has
OOM_KILLS = "node_vmstat_oom_kill"
_PATIENCE = aiohttp.ClientTimeout(total=5)
_DISK = '{device="/dev/drill",fstype="ext4",mountpoint="/drill"}'


class StandIn:
    """Answers scrapes; `figures` are series as exporters write them, and their values."""

    def __init__(self, exporter: int, session: aiohttp.ClientSession) -> None:
        self._exporter, self._session = exporter, session
        self._port = 0
        self.figures: dict[str, float] = {
            f"node_filesystem_size_bytes{_DISK}": SIZE,
            avail(): SIZE / 2,
            OOM_KILLS: 1_000_000,
        }

    @classmethod
    @asynccontextmanager
    async def running(cls, exporter: int) -> AsyncIterator["StandIn"]:
        """Stand in front of the exporter at a port, at one of its own, while the block lasts."""
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            stand_in = cls(exporter, session)
            app = web.Application()
            app.router.add_get("/metrics", stand_in.answer)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            try:
                site = web.TCPSite(runner, HOST, 0)
                await site.start()
                stand_in._port = runner.addresses[0][1]
                yield stand_in
            finally:
                await runner.cleanup()

    def put_into(self, config: str) -> str:
        """Return Prometheus' configuration with this in the place of the exporter."""
        return config.replace(f"{HOST}:{self._exporter}", f"{HOST}:{self._port}")

    async def answer(self, _: web.Request) -> web.Response:
        try:
            async with self._session.get(f"http://{HOST}:{self._exporter}/metrics") as told:
                text = await told.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web.HTTPBadGateway(text=str(error)) from error
        return web.Response(text=replaced(text, self.figures))


def avail() -> str:
    """Return the series of the room that is left on the disk of the stand-in."""
    return f"node_filesystem_avail_bytes{_DISK}"


def replaced(text: str, figures: Mapping[str, float]) -> str:
    """Return what an exporter told, with other figures, and with those that it did not tell of."""
    lines = text.splitlines()
    known = {line.rpartition(" ")[0]: number for number, line in enumerate(lines)}
    for series, value in figures.items():
        line = f"{series} {value!r}"
        if series in known:
            lines[known[series]] = line
        else:
            lines.append(line)
    return "\n".join([*lines, ""])
