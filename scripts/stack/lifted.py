"""The bot's configuration for where one order is placed again and again: without the caps on just that."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_MANY = {"max_trades_per_direction": "1000000", "max_total_notional_usdt": "1000000000000"}


def lifted(config_dir: Path, folder: Path, also: Mapping[str, str] = MappingProxyType({})) -> Path:
    """Write what the bot reads of `config_dir` into `folder`, which is returned; `also` are values to set."""
    text = (config_dir / "bot.yaml").read_text("utf-8")
    for key, many in {**_MANY, **also}.items():
        text, found = re.subn(rf"^(  {key}: ).*$", rf"\g<1>{many}", text, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f"{config_dir / 'bot.yaml'} has no line of its own for {key}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bot.yaml").write_text(text, "utf-8")
    shutil.copyfile(config_dir / "metrics.yaml", folder / "metrics.yaml")
    return folder
