"""Each tests/cases/*.txt: why, what is replaced in the shop's bundle, and the exact output of the checks.

A case begins with sentences that say why. A block `-- config/x.yaml --` replaces that file; a block
`-- edit config/x.yaml --` holds lines `old => new`. The block `-- output --` is what the user sees.
`make test ARGS=--update` writes it anew. A block `-- lint rules.yml --` is a plain rule file to lint instead;
a block `-- values.yaml --` is what `--values` lays over the environments.
"""

import re
from pathlib import Path

import pytest

from config.spec.duration import Duration
from config.spec.load import ValuesFile
from config.spec.source import read
from observability.compile import Request, compile_bundle
from observability.lint import lint
from observability.report import as_text
from tests.bundle_of import BUNDLE, lay_out

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
LINTED, VALUES = "lint ", "values.yaml"
BLOCK = re.compile(r"^-- (.+) --\n", re.MULTILINE)


def split(text: str) -> tuple[str, dict[str, str]]:
    why, *rest = BLOCK.split(text)
    return why, dict(zip(rest[::2], rest[1::2], strict=True))


def files_of(blocks: dict[str, str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, text in blocks.items():
        if name.startswith("edit "):
            path = name.removeprefix("edit ")
            edited = (BUNDLE / path).read_text("utf-8")
            for line in text.splitlines():
                old, _, new = line.partition(" => ")
                assert old in edited, f"{old!r} is not in {path}"
                edited = edited.replace(old, new)
            files[path] = edited
        elif name != "output" and not name.startswith(LINTED):
            files[name] = text
    return files


def linted(blocks: dict[str, str]) -> str:
    files = {
        Path(name.removeprefix(LINTED)): text for name, text in blocks.items() if name.startswith(LINTED)
    }
    for file, text in files.items():
        file.write_text(text)
    found = lint(list(files), Duration.parse("15s"), {})
    return as_text(found.problems, found.sources)


def compiled(blocks: dict[str, str], folder: Path) -> str:
    config_dir = lay_out(folder, files_of(blocks)).relative_to(folder)
    values = ValuesFile(read(folder / VALUES, VALUES)[0]) if VALUES in blocks else {}
    outcome = compile_bundle(Request(config_dir=config_dir, values=values))
    return as_text(outcome.problems, outcome.sources)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case_gives_exactly_its_output(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    why, blocks = split(case.read_text("utf-8"))
    assert why.strip(), "a case says why it is there"
    monkeypatch.chdir(tmp_path)
    output = linted(blocks) or compiled(blocks, tmp_path)
    if request.config.getoption("--update"):
        head = case.read_text("utf-8").partition("-- output --\n")[0]
        case.write_text(f"{head}-- output --\n{output}", "utf-8")
    else:
        assert output == blocks["output"]


def test_the_bundle_without_a_mistake_has_no_output() -> None:
    assert compile_bundle(Request(config_dir=BUNDLE / "config")).problems == ()
