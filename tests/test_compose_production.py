"""`make up` for production, as far as it can be judged without an engine: what it wants and refuses."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.mode import BASE_URLS, Mode
from bot.settings import read_settings
from scripts import compose_secrets
from scripts.compose_up import PRODUCTION, left_of_demo, missing, read_environment

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / PRODUCTION).read_text()
OVER: Mapping[str, Any] = yaml.safe_load(TEXT)
BASE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VARIABLES = {
    "TRADING_MODE": "vst",
    "TELEGRAM_API_ID": "12345",
    "TELEGRAM_NOTICE_CHAT": "-1001234567890",
    "TELEGRAM_OPERATORS": "12345",
}
SECRETS = {
    "telegram_api_hash": "0123456789abcdef" * 2,
    "telegram_session": "1" + base64.urlsafe_b64encode(bytes(263)).decode(),
    "telegram_bot_token": "123456789:" + "A" * 35,
}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str]:
    """Settings to which nothing is missing, with a folder of files."""
    folder = tmp_path / "production"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets").chmod(0o700)
    (folder / "values.yaml").write_text("production: {}\n")
    for name in OVER["secrets"]:
        file = folder / "secrets" / name
        file.write_text(SECRETS.get(name, name) + "\n")
        file.chmod(0o444)
    return {**VARIABLES, "PRODUCTION": str(folder)}


def test_nothing_is_missing_where_all_is_there(whole: dict[str, str]) -> None:
    assert list(missing(TEXT, whole)) == []


def test_everything_that_is_missing_is_named_at_once() -> None:
    told = list(missing(TEXT, {"PRODUCTION": "/nowhere/at/all"}))
    for name in (*VARIABLES, "values.yaml", "/secrets is missing", *OVER["secrets"]):
        assert sum(name in line for line in told) == 1, name
    assert len(told) == len(VARIABLES) + 2 + len(OVER["secrets"])
    assert any(line.startswith("PRODUCTION is not set") for line in missing(TEXT, {}))


@pytest.mark.parametrize("name", sorted(OVER["secrets"]))
def test_a_secret_that_is_missing_empty_or_unreadable_is_named(whole: dict[str, str], name: str) -> None:
    file = Path(whole["PRODUCTION"], "secrets", name)
    file.chmod(0o400)
    assert list(missing(TEXT, whole)) == [f"{file} cannot be read in a container: chmod 444 {file}"]
    file.chmod(0o644)
    file.write_text(" \n")
    assert list(missing(TEXT, whole)) == [f"{file} is empty"]
    file.unlink()
    assert list(missing(TEXT, whole)) == [f"{file} is missing"]


def test_a_folder_of_secrets_that_others_may_enter_is_refused(whole: dict[str, str]) -> None:
    folder = Path(whole["PRODUCTION"], "secrets")
    folder.chmod(0o750)
    assert list(missing(TEXT, whole)) == [f"{folder} is open to other users: chmod 700 {folder}"]


def test_the_demo_beside_production_is_refused() -> None:
    assert list(left_of_demo({}, ["bot", "db"])) == []
    assert list(left_of_demo({"COMPOSE_PROFILES": "demo"}, [])) != []
    (told,) = left_of_demo({}, ["bot", "sink", "simulator"])
    assert "(simulator, sink)" in told


def test_the_bot_accepts_the_settings_and_speaks_with_the_real_ones(
    whole: dict[str, str], tmp_path: Path
) -> None:
    secrets = Path(whole["PRODUCTION"], "secrets")
    made = tmp_path / "made"
    compose_secrets.make(made, secrets)
    given = {**BASE["services"]["bot"]["environment"], **OVER["services"]["bot"]["environment"]}
    for name, value in given.items():
        text = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: whole[found[1]], str(value))
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
        file = Path(text).name
        given[name] = (
            str((secrets if (secrets / file).exists() else made) / file) if "/run/" in text else text
        )
    settings, problems = read_settings(given)
    assert problems == []
    assert settings is not None
    assert settings.mode is Mode.VST
    assert settings.bingx_base_url == BASE_URLS[Mode.VST]
    assert not settings.trading_enabled
    assert settings.telegram is not None
    assert [settings.simulator_host, settings.telegram.simulator_url, settings.cryptet_base_url] == [""] * 3
    # What plays the exchange in the demo would be refused.
    assert read_settings({**given, "SIMULATOR_HOST": "simulator"})[1]


def test_no_secret_of_a_real_account_is_made_up_or_left_to_the_demo(
    whole: dict[str, str], tmp_path: Path
) -> None:
    real, made = Path(whole["PRODUCTION"], "secrets"), tmp_path / "made"
    compose_secrets.make(made)
    played = (made / "bingx_api_key").read_text()
    compose_secrets.make(made, real)
    # Runbooks on the host look there.
    assert (made / "bingx_api_key").read_text() == "bingx_api_key\n" != played
    compose_secrets.make(made)
    assert not (made / "bingx_api_key").is_symlink()
    assert "bingx_api_key" not in (made / "simulator_credentials").read_text()
    assert (real / "bingx_api_key").read_text() == "bingx_api_key\n"
    fresh = tmp_path / "fresh"
    compose_secrets.make(fresh, real)
    internal = {file.name for file in fresh.iterdir() if not file.is_symlink()}
    used = {name for service in BASE["services"].values() for name in service.get("secrets", ())}
    assert used - internal - set(OVER["secrets"]) == {"simulator_credentials"}
    assert not internal & set(OVER["secrets"])


def test_production_gives_alertmanager_what_its_configuration_reads() -> None:
    receivers = yaml.safe_load((ROOT / "config/environments/production.yaml").read_text())["receivers"]
    wanted = set(re.findall(r"/run/secrets/(\w+)", str(receivers)))
    given = {*BASE["services"]["alertmanager"]["secrets"], *OVER["services"]["alertmanager"]["secrets"]}
    assert wanted
    assert wanted <= given <= set(OVER["secrets"])


def test_the_example_names_every_variable_and_both_files(tmp_path: Path) -> None:
    example = ROOT / ".env.production.example"
    known = read_environment(example, {})
    assert known["COMPOSE_FILE"].split(":") == ["docker-compose.yml", PRODUCTION]
    named = set(re.findall(r"^#?([A-Z_]+)=", example.read_text(), re.M))
    assert named == {*re.findall(r"\$\{(\w+)", TEXT), "COMPOSE_FILE"}
    file = tmp_path / ".env"
    file.write_text("A='1 # 2'\nB=2 # two\nexport C=\"3\"\n#D=4\nE=\n")
    assert read_environment(file, {"E": "5"}) == {"A": "1 # 2", "B": "2", "C": "3", "E": "5"}
    assert read_environment(tmp_path / "none", {}) == {}
