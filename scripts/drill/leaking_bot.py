"""The bot with a leak: takes so many megabytes each second as a file in its control directory says."""

import os
import runpy
import threading
import time
from pathlib import Path

_LOOK_SECONDS = 0.25
_MEGABYTE = 1_000_000


def _leak(file: Path, kept: list[bytearray]) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        if file.exists():
            size = int(float(file.read_text("utf-8") or 0) * _LOOK_SECONDS * _MEGABYTE)
            # Written to, so that it is resident.
            kept.append(bytearray(b"x") * size)


if __name__ == "__main__":
    leak = Path(os.environ["CONTROL_DIR"]) / "leak"
    threading.Thread(target=_leak, args=(leak, []), daemon=True).start()
    runpy.run_module("bot", run_name="__main__")
