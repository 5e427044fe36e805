"""How long the specs take from text to checked and rendered, against reading their YAML alone."""

import time
from collections.abc import Callable
from pathlib import Path

import yaml

from observability.compile import Request, compile_bundle
from scripts.bench.ratio import Ratio


def measure(config: Path, count: int) -> Ratio:
    """Compile the bundle `count` times, without outside tools, each time beside its floor."""
    texts = [file.read_text("utf-8") for file in sorted(config.rglob("*.yaml"))]

    def compiled() -> None:
        assert compile_bundle(Request(config_dir=config), tests=False).files

    def parsed() -> None:
        for text in texts:
            yaml.load(text, yaml.CSafeLoader)

    compiled()  # once for what is read only once
    pairs = [(_seconds(compiled), _seconds(parsed)) for _ in range(count)]
    return Ratio(
        what="specs checked and rendered",
        floor_is="their YAML parsed by libyaml",
        seconds=[pair[0] for pair in pairs],
        floor=[pair[1] for pair in pairs],
    )


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
