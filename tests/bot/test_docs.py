"""docs/bot.md and docs/orders.md say what the code says."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.domain.order import NEXT, State
from bot.settings import read_settings
from bot.simulator import faults
from config.spec.load import load_metrics

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "bot.md").read_text()


class Recording(Mapping[str, str]):
    """An environment in which nothing is set, and which remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_picture_is_the_table() -> None:
    lines = [f"    [*] --> {State.INTENT}"]
    lines += [f"    {before} --> {after}: {event}" for (before, event), after in NEXT.items()]
    picture = "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])
    assert picture in (DOCS / "orders.md").read_text(), f"put this into docs/orders.md:\n{picture}"


def test_every_variable_is_in_the_table_of_settings() -> None:
    environment = Recording()
    read_settings(environment)
    read = {
        name for name in environment.asked if name.removesuffix("_FILE") not in environment.asked - {name}
    }
    shown = re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (`.*?) \|", section("Settings"), re.M)))
    assert set(shown) == read


def test_every_fault_is_in_the_table_of_faults() -> None:
    told = section("Simulator")
    assert set(re.findall(r"^\| `(\w+)` \|", told, re.M)) == set(faults.Faults.__dataclass_fields__)


def test_every_difference_is_in_the_table_of_what_is_done_about_it() -> None:
    metrics, _ = load_metrics(DOCS.parent / "config")
    (differences,) = [metric for metric in metrics if metric.name == "reconciliation_differences"]
    told = (DOCS / "orders.md").read_text().split("`reconciliation_differences` |\n")[1]
    assert set(re.findall(r"\| `(\w+)` \|$", told, re.M)) == set(differences.labels["kind"])
