"""docs/checks.md says what each check wants and shows it at work, from the docstrings and the cases.

`make test ARGS=--update` writes it anew.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from observability.explain import FAMILIES, documentation
from tests.test_cases import split

_HEAD = """\
# The checks

What each check wants, why, how to mend what it finds, and one mistake with the very output that it brings.
This page is made from the checks and from `tests/cases/`: every output on it is proved by a test.
`tradewatch explain CHECK` tells the same at the terminal, and [defects.md](defects.md) shows known mistakes
found in the real specs.

A problem that must be borne for a while is excepted in `bundle.yaml`, with a reason and a last day at most a
year ahead. After that day the exception is an error, and so is one that matches nothing:

```yaml
allow:
  - check: division_guarded
    of: order_failure_ratio   # a measure, alert, metric, panel id …, <file>/<name>, or a whole file
    until: 2026-12-31
    why: the counter of the old gateway starts at 1
```

Checks on whose findings the rendering relies, such as reference_known, allow none.
"""


def page(cases: Path) -> str:
    return "\n".join([_HEAD, *_checks(cases), *_families()])


def _checks(cases: Path) -> Iterator[str]:
    for name, text in documentation().items():
        why, blocks = split((cases / f"{name}.txt").read_text("utf-8"))
        yield f"## {name}\n\n{_paragraphs(text)}\n\n{why.strip()}\n"
        for block, lines in blocks.items():
            if block != "output":
                yield f"{_about(block)}\n\n{_example(block, lines)}"
        yield f"```text\n{blocks['output'].rstrip()}\n```\n"


def _about(block: str) -> str:
    file = block.removeprefix("edit ")
    return f"In `{file}`:"


def _example(block: str, lines: str) -> str:
    if not block.startswith("edit "):
        language = "bash" if block.endswith(".sh") else "yaml"
        return f"```{language}\n{lines.rstrip()}\n```\n"
    edits = (line.partition(" => ") for line in lines.splitlines())
    shown = "\n".join(f"- {old.strip()}\n+ {new.strip()}".rstrip() for old, _, new in edits)
    return f"```diff\n{shown}\n```\n"


def _families() -> Iterator[str]:
    yield "## Other problems\n\nAn id with a slash is of no check; before the slash stands its family.\n"
    for name, text in FAMILIES.items():
        yield f"### {name}/…\n\n{_paragraphs(text)}\n"


def _paragraphs(text: str) -> str:
    return (
        text.replace("\nFix: ", "\n\n**Fix:** ")
        .replace("\nWhy: ", "\n**Why:** ")
        .replace("\nReads: ", "\n\nReads: ")
    )


def test_the_page_of_the_checks_is_fresh(root: Path, request: pytest.FixtureRequest) -> None:
    file, wanted = root / "docs" / "checks.md", page(root / "tests" / "cases")
    if request.config.getoption("--update"):
        file.write_text(wanted, "utf-8")
    assert file.read_text("utf-8") == wanted, "make test ARGS=--update writes it anew"
