"""docs/reasons.md: each reason why a message became no order; made from bot/domain/reason.py.

`make test ARGS=--update` writes it anew.
"""

import re
from pathlib import Path

import pytest

from bot.domain.reason import Reason, Verdict, code_of, told

HEAD = """\
# Why a message became no order

Made by `make test ARGS=--update` from `bot/domain/reason.py`; change that, not this.

Every message is stored with its verdict and, unless it was accepted, a reason: one of these words, a colon,
and what it was in that case. The word is the label `reason` of `signal_verdicts_total`;
the whole stands in `/status`, in the log, in notices and in the column `reason` of the table `signals`:

```sql
SELECT source, verdict, split_part(reason, ':', 1) AS reason, count(*)
FROM signals WHERE created_at > now() - interval '7 days' GROUP BY 1, 2, 3 ORDER BY 4 DESC;
```

An order that was accepted and still not placed has its own reason in the table `orders`.
"""
PARTS = {
    Verdict.IGNORED: "It is no signal",
    Verdict.UNREADABLE: "It means to be a signal, and something is not certain",
    Verdict.REFUSED: "It reads as a signal, and is not traded",
}


def page() -> str:
    return HEAD + "".join(f"\n## {verdict}: {title}\n\n{_table(verdict)}" for verdict, title in PARTS.items())


def _table(verdict: Verdict) -> str:
    rows = [f"| `{each.value}` | {each.meaning} |\n" for each in Reason if each.verdict is verdict]
    return "".join(["| reason | what it means |\n", "|---|---|\n", *rows])


def test_the_page_of_reasons_is_fresh(root: Path, request: pytest.FixtureRequest) -> None:
    file = root / "docs" / "reasons.md"
    if request.config.getoption("--update"):
        file.write_text(page(), "utf-8")
    assert file.read_text("utf-8") == page(), "make test ARGS=--update writes it anew"


def test_every_reason_stands_on_the_page() -> None:
    assert {each.verdict for each in Reason} == PARTS.keys()


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_used_by_the_bot(reason: Reason, root: Path) -> None:
    texts = [file.read_text() for file in (root / "bot").rglob("*.py") if file.name != "reason.py"]
    used = re.compile(rf"\bReason\.{reason.name}\b|[\"']{reason.value}: ")
    assert any(used.search(text) for text in texts)


def test_what_is_told_gives_its_word_back() -> None:
    assert code_of(told(Reason.STALE, "12:30 is long ago")) == Reason.STALE
    assert code_of(None) == "none"
