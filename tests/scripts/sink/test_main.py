"""The process: ready, stopped, and clear about a port that is taken."""

import asyncio
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from scripts.sink.__main__ import main


@asynccontextmanager
async def started(state: Path, *arguments: str) -> AsyncIterator[tuple[Process, int]]:
    """The process and its HTTP port, once it says that it listens."""
    command = [sys.executable, "-m", "scripts.sink", "--state", str(state), "--port", "0", "--smtp-port", "0"]
    process = await asyncio.create_subprocess_exec(*command, *arguments, stderr=PIPE)
    try:
        assert process.stderr
        line = (await process.stderr.readline()).decode()
        found = re.search(r"page on http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        yield process, int(found[1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_a_long_poll_open(tmp_path: Path, number: signal.Signals) -> None:
    async with started(tmp_path) as (process, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # The answer to Expect comes when the handler is about to run: from then on the poll is open.
        writer.write(b"GET /notifications?wait=600 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        process.send_signal(number)
        async with asyncio.timeout(30):
            assert (await reader.read()).endswith(b"\r\n\r\n[]")
            assert await process.wait() == 0
        writer.close()


async def test_a_killed_sink_does_not_block_the_next_one(tmp_path: Path) -> None:
    async with started(tmp_path) as (process, port), ClientSession(f"http://127.0.0.1:{port}") as client:
        form = {"Action": "Publish", "PhoneNumber": "+15551234567", "Message": "[FIRING] INFO Kept"}
        assert (await client.post("/sns/", data=form)).status == 200
        process.kill()
        await process.wait()
    async with started(tmp_path) as (_, port), ClientSession(f"http://127.0.0.1:{port}") as client:
        [kept] = await (await client.get("/notifications")).json()
        assert (kept["id"], kept["alertname"]) == (1, "Kept")


@pytest.mark.parametrize("option", ["--port", "--smtp-port"])
def test_a_port_that_is_taken_is_named_with_its_option(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = {"--port": "0", "--smtp-port": "0"} | {option: str(port)}
        assert main(["--state", str(tmp_path), *(word for pair in free.items() for word in pair)]) == 1
    told = capsys.readouterr().err
    assert f"sink: cannot listen on 127.0.0.1:{port}: " in told
    assert f"choose another port with {option}" in told


def test_a_state_directory_that_is_a_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--state", str(tmp_path / "file"), "--port", "0", "--smtp-port", "0"]) == 1
    assert "choose another with --state" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--port", "70000"],
        ["--port", "x"],
        ["--heartbeat-expect", "0"],
        ["--heartbeat-expect", "nan"],
        ["--prometheus", "localhost:9090"],
        ["--prometheus", "http://[x"],
        ["--prometheus", "http://x:99999"],
    ],
)
def test_a_wrong_option_is_a_usage_error(wrong: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--state", str(tmp_path), *wrong])
    assert ended.value.code == 2


def test_help_says_where_to_send_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert "POST /pagerduty/v2/enqueue" in told
    assert "--heartbeat-expect SECONDS" in told
