"""What the command line of drills accepts, and the folder that it empties first."""

from pathlib import Path

import pytest

from scripts.drill.__main__ import _parser
from scripts.stack.home import Home, HomeError
from scripts.stack.lock import empty, locked
from scripts.stack.ports import Ports


@pytest.mark.parametrize("text", ["0", "nan", "-5", "1e9", "inf", "fast"])
def test_a_time_scale_that_no_clock_can_run_at_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args([f"--time-scale={text}"])
    assert ended.value.code == 2
    assert f"{text!r} is not a number from 1 to 1000" in capsys.readouterr().err


def test_a_drill_runs_as_fast_as_it_wants_unless_told_otherwise() -> None:
    assert _parser().parse_args([]).time_scale is None
    assert _parser().parse_args(["--time-scale", "1.5"]).time_scale == 1.5


async def test_what_an_earlier_drill_left_is_taken_away_unless_that_still_runs(tmp_path: Path) -> None:
    home = Home(path=tmp_path / "drill", ports=Ports())
    left = home.data("alertmanager") / "nflog"
    left.parent.mkdir(parents=True)
    left.touch()
    async with locked(home, lambda _: None):
        with pytest.raises(HomeError, match="already runs"):
            await empty(home, lambda _: None)
    assert left.exists()
    await empty(home, lambda _: None)
    assert not left.exists()
