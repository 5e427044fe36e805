"""The environment for real people: compiled from values and secrets that are not committed, or not at all."""

from pathlib import Path

import pytest
import yaml

from observability.__main__ import main
from observability.verify.tool import run

VALUES = Path(__file__).parents[2] / "docs" / "production.md"
SECRETS = ("pagerduty_routing_key", "smtp_password", "heartbeat_url")


@pytest.fixture
def values(tmp_path: Path) -> Path:
    """The values file that the documentation shows, with secrets where it says."""
    shown = VALUES.read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    for name in SECRETS:
        (tmp_path / name).write_text(f"sentinel-{name}\n")
    file = tmp_path / "values.yaml"
    file.write_text(shown.replace("/root/tradewatch/secrets ", f"{tmp_path} "))
    return file


def production(command: str, *arguments: str) -> int:
    return main([command, "--env", "production", *arguments])


def test_it_is_left_out_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--no-tools"]) == 0
    assert "left out, because it needs --values: production" in capsys.readouterr().err
    assert production("check", "--no-tools") == 2
    assert "--env production needs --values FILE" in capsys.readouterr().err


def test_the_values_that_the_documentation_shows_are_whole(
    values: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    made = production("generate", "--no-tools", "--values", str(values), "--out", str(out))
    assert made == 0, capsys.readouterr().err
    good, said = run("amtool", "check-config", "production/alertmanager.yml", cwd=out)
    assert good, said
    config = yaml.safe_load((out / "production" / "alertmanager.yml").read_text())
    receivers = {receiver["name"]: receiver for receiver in config["receivers"]}
    (page,), (sms,) = receivers["critical"]["pagerduty_configs"], receivers["critical"]["sns_configs"]
    (mail,) = receivers["warning"]["email_configs"]
    (beat,) = receivers["heartbeat"]["webhook_configs"]
    assert page["routing_key_file"] == "/run/secrets/pagerduty_routing_key"
    assert "url" not in page
    assert (sms["phone_number"], "api_url" in sms) == ("+15550100123", False)
    assert (mail["require_tls"], mail["auth_password_file"]) == (True, "/run/secrets/smtp_password")
    assert beat == {"send_resolved": False, "url_file": "/run/secrets/heartbeat_url"}
    assert not [file for file in out.rglob("*") if file.is_file() and "sentinel" in file.read_text()]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("spoil", ["removed", "emptied"])
def test_a_secret_file_must_be_there_and_not_be_empty(
    values: Path, capsys: pytest.CaptureFixture[str], name: str, spoil: str
) -> None:
    file = values.with_name(name)
    file.unlink() if spoil == "removed" else file.write_text(" \n")
    assert production("check", "--no-tools", "--values", str(values)) == 1
    said = capsys.readouterr().err
    assert f"{name} {'cannot be read' if spoil == 'removed' else 'is empty'}" in said
    assert "sentinel" not in said


def test_all_that_the_values_lack_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("production: {}\n")
    assert production("check", "--no-tools", "--values", str(file)) == 1
    assert "'links'" in capsys.readouterr().err
    file.write_text("production: {links: {runbooks: 'https://a.example', dashboards: 'https://b.example'}}\n")
    assert production("check", "--no-tools", "--values", str(file)) == 1
    said = capsys.readouterr().err
    for missing in ("'region'", "'phone_number'", "'smarthost'", "'from'", "'to'"):
        assert missing in said


def test_peoples_addresses_are_not_written_beside_what_is_committed(
    values: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert production("generate", "--no-tools", "--values", str(values)) == 2
    assert "--out DIR" in capsys.readouterr().err
    assert not Path("observability/generated/production").exists()
