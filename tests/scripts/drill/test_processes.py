"""A service is found below its own supervisor, and seen to stand still and to go on."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.drill.causes import hanging
from scripts.drill.processes import has_stopped, process_of
from scripts.drill.world import HarnessError, until
from scripts.stack.home import Home
from scripts.stack.ports import Ports
from tests.scripts.drill.fake_exchange import Exchange, world_of


@pytest.fixture
def service() -> Iterator[subprocess.Popen[bytes]]:
    """Run something under the name `napper`, as a child of this process, which plays supervisord."""
    environment = {**os.environ, "SUPERVISOR_PROCESS_NAME": "napper"}
    with subprocess.Popen(["sleep", "600"], env=environment) as process:
        yield process
        process.kill()


def home(folder: Path) -> Home:
    (folder / "supervisord.pid").write_text(f"{os.getpid()}\n")
    return Home(path=folder, ports=Ports())


async def goes_on(process: int) -> bool | None:
    async def asked() -> bool | None:
        return not has_stopped(process) or None

    return await until(asked, 60)


def test_a_service_is_found_by_its_name(tmp_path: Path, service: subprocess.Popen[bytes]) -> None:
    assert process_of(home(tmp_path), "napper") == service.pid


@pytest.mark.parametrize("name", ["nap", "napper2", "bot"])
def test_no_other_service_is_taken_for_it(
    tmp_path: Path, service: subprocess.Popen[bytes], name: str
) -> None:
    with pytest.raises(HarnessError, match=f"{name} has 0 processes below supervisord"):
        process_of(home(tmp_path), name)


def test_the_service_of_another_stack_is_left_alone(tmp_path: Path, service: subprocess.Popen[bytes]) -> None:
    mine = home(tmp_path)
    (tmp_path / "supervisord.pid").write_text(f"{service.pid}\n")
    with pytest.raises(HarnessError, match="napper has 0 processes"):
        process_of(mine, "napper")


async def test_a_service_hangs_for_as_long_as_the_fault_lasts(
    tmp_path: Path, service: subprocess.Popen[bytes]
) -> None:
    async with world_of(Exchange(), tmp_path) as world:
        home(tmp_path)
        async with hanging("napper")(world) as proof:
            assert has_stopped(service.pid)
            assert str(service.pid) in proof
    assert await goes_on(service.pid)


async def test_a_drill_that_breaks_does_not_leave_the_service_hanging(
    tmp_path: Path, service: subprocess.Popen[bytes]
) -> None:
    async with world_of(Exchange(), tmp_path) as world:
        home(tmp_path)
        with pytest.raises(RuntimeError, match="broke"):
            async with hanging("napper")(world):
                raise RuntimeError("the drill broke")
    assert await goes_on(service.pid)
