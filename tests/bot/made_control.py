"""A control directory, made as whoever sets the bot up makes it."""

from pathlib import Path


def control_directory(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "tradewatch-control").touch()
    return path
