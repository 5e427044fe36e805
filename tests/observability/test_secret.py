"""What is taken for a secret and what is not, and that no form of report prints one."""

import json
from pathlib import Path

import pytest

from config.spec.load import ValuesFile, load_project
from config.spec.problem import Place, Problem, Related
from config.spec.source import parse
from observability.checks import secret_inline
from observability.formats import FORMATS
from observability.secret import masked, secrets
from tests.bundle_of import lay_out

HALF = "AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
TELEGRAM = f"123456789:{HALF}"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgres://shop:hunter2@db:5432/shop", "shop:hunter2"),
        ("https://f00ba4@errors.example.org/1", "f00ba4"),
        ("https://example.org/hook?room=3&token=a1b2c3", "a1b2c3"),
        ("https://example.org/hook?api_key=a1b2c3&x=1", "a1b2c3"),
        ("https://hooks.slack.com/services/T000/B000/XXXXXX", "T000/B000/XXXXXX"),
        ("https://discord.com/api/webhooks/1234/abc_DEF", "1234/abc_DEF"),
        ("https://hc-ping.com/00000000-1111-2222-3333-444444444444", "00000000-1111-2222-3333-444444444444"),
        (f"https://api.telegram.org/bot{TELEGRAM}/sendMessage", HALF),
        (f"the bot is {TELEGRAM}", HALF),
        ("# AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("xoxb-0000000000-none", "xoxb-0000000000-none"),
        (f"ghp_{'0' * 36}", f"ghp_{'0' * 36}"),
        (f"github_pat_{'0' * 22}", f"github_pat_{'0' * 22}"),
        (f"AIza{'0' * 35}", f"AIza{'0' * 35}"),
        ("Authorization: Bearer 0123456789abcdef0123", "0123456789abcdef0123"),
        ("https://example.org/in/a1B2c3D4e5F6g7H8i9J0k1L2", "a1B2c3D4e5F6g7H8i9J0k1L2"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHc\nCAQ\n-----END EC PRIVATE KEY-----", "\nMHc\nCAQ\n"),
    ],
)
def test_a_secret_is_found_and_hidden(text: str, hidden: str) -> None:
    assert [text[one.start : one.end] for one in secrets(text)] == [hidden]
    stars = "".join(char if char == "\n" else "*" for char in hidden)
    assert masked(text) == text.replace(hidden, stars)


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:9080/pagerduty/v2/enqueue",
        "https://user:<password>@example.org and https://$USER:$PASSWORD@example.org",
        "https://example.org/hook?token={token}&api_key=$KEY",
        "tradewatch@localhost, mailto:operators@localhost",
        "https://github.com/owner/name/blob/0123456789abcdef0123456789abcdef01234567/README.md",
        "https://grafana.example.org/d/trading-overview?viewPanel=3&var-environment=production",
        "/run/secrets/pagerduty_routing_key",
        "sum by (code) (rate(http_requests_total{job=~'web|shop',code!='200'}[10m:30s]))",
        "12:30:00 a bearer of good news, a token of thanks",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_secret_is_left(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_of_report_prints_a_secret(form: str) -> None:
    text = f"key: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2\n  ----\nbot: {TELEGRAM}\n"
    source, _ = parse(text, "config/x.yaml")
    other = Related(Place("config/x.yaml", 5, 1), f"{TELEGRAM} was given here")
    problems = [
        Problem(Place("config/x.yaml", 3, 3), f"{TELEGRAM!r} is no name", "schema/enum", related=(other,)),
        Problem(Place("config/x.yaml", 5, 6), "this is wrong", "schema/type"),
    ]
    printed = FORMATS[form](problems, {"config/x.yaml": source})
    assert "hunter2" not in printed
    assert HALF not in printed
    assert "is no name" in printed
    if form in ("json", "sarif"):
        assert json.loads(printed)


def test_files_of_others_and_values_are_looked_through_as_well(tmp_path: Path) -> None:
    kiosk = "# yaml-language-server: $schema=schemas/kiosk.json\nwith:\n  - one\n"
    config = lay_out(
        tmp_path,
        {"config/kiosk.yaml": f"{kiosk}  # ghp_{'0' * 36}\n", "config/schemas/kiosk.json": "{}"},
    )
    text = 'cellar:\n  links:\n    dashboards: "https://me:hunter2@127.0.0.1:1"\n'
    project, problems, _ = load_project(config, values=ValuesFile(parse(text, "values.yaml")[0]))
    assert project is not None, problems
    found = [str(one.place).removeprefix(f"{config}/") for one in secret_inline.check(project)]
    assert sorted(found) == ["kiosk.yaml:4:5", "values.yaml:3:17"]


@pytest.mark.parametrize("unit", ["https://", "://a:", "eyJ", "https://x/a1Bcdefg", "12345678:"])
def test_no_text_takes_time_without_end(unit: str) -> None:
    """Were it the square of the length, this would take hours."""
    assert masked(unit * 50_000) == unit * 50_000
