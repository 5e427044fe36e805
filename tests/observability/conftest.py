"""What the tests of `tradewatch check-live` share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from observability.__main__ import main
from tests.bundle_of import lay_out
from tests.observability.fake_prometheus import FakePrometheus, serving

Change = Callable[[FakePrometheus], object]


class Check(Protocol):
    def __call__(
        self, change: Change = ..., files: Mapping[str, str] | None = None, *arguments: str
    ) -> tuple[int, str, str]: ...


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return what checks the shop, with the running Prometheus and files changed; gives code and output."""

    def run(
        change: Change = lambda _: None, files: Mapping[str, str] | None = None, *arguments: str
    ) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        config = lay_out(tmp_path, files).relative_to(tmp_path)
        prometheus = FakePrometheus(config)
        change(prometheus)
        with serving(prometheus):
            code = main(["check-live", "--prometheus", prometheus.url, *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
