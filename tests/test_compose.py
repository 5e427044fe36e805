"""docker-compose.yml and what belongs to it, as far as it can be judged without an engine."""

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.control import ControlDirectory
from bot.domain.mode import Mode, allows
from bot.settings import read_settings
from bot.start import PROJECT
from scripts import compose_secrets

ROOT = Path(__file__).resolve().parents[1]
FILE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Mapping[str, Mapping[str, Any]] = FILE["services"]
CORE = {"bot", "db", "prometheus", "alertmanager", "grafana", "node-exporter", "postgres-exporter"}
DEMO = {"simulator", "sink"}
SECRETS = ".local/compose/secrets/"
CONTROL = "./.local/compose/control"
TEXTFILE = "./.local/compose/textfile"


def mounts(service: str) -> Iterator[tuple[str, str, str]]:
    """Source, target and mode of every volume."""
    for text in SERVICES[service].get("volumes", ()):
        source, target, *mode = text.split(":")
        yield source, target, mode[0] if mode else "rw"


def networks(service: str) -> set[str]:
    return set(SERVICES[service]["networks"])


def environment(service: str) -> dict[str, str]:
    """The variables with the defaults that the file gives them."""
    given = SERVICES[service].get("environment", {})
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for name, value in given.items()}


def test_the_project_and_the_services_have_the_names_that_people_type() -> None:
    assert FILE["name"] == "trading-bot"
    assert set(SERVICES) == CORE | DEMO
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]} == DEMO


@pytest.mark.parametrize("file", ["scripts/reload.py", "config/runbooks/lib/monitoring.sh"])
def test_a_reload_does_not_cost_the_restart_policy(file: str) -> None:
    # Any signal of `docker kill` tells the engine that the container stays down once it ends (moby 41302).
    text = (ROOT / file).read_text()
    assert "kill -HUP 1" in text
    assert not re.search(r"docker kill|\"kill\"|compose kill", re.sub(r"^ *#.*$", "", text, flags=re.M))


def test_everything_that_is_mounted_exists_and_is_read_only_or_a_volume() -> None:
    for name in SERVICES:
        for source, target, mode in mounts(name):
            if source == CONTROL:
                assert (name, mode) == ("bot", "rw")
            elif source == TEXTFILE:
                assert (name, mode) == ("node-exporter", "ro")
                assert f"--collector.textfile.directory={target}" in SERVICES[name]["command"]
                assert (ROOT / source) == compose_secrets.TEXTFILE
            elif source.startswith((".", "/")):
                assert (ROOT / source).is_dir(), f"{name} mounts {source} at {target}"
                assert mode == "ro"
            else:
                assert source in FILE["volumes"]


def test_secrets_are_files_and_nothing_else(tmp_path: Path) -> None:
    compose_secrets.make(tmp_path)
    declared = {name: secret["file"] for name, secret in FILE["secrets"].items()}
    assert declared == {name: f"{SECRETS}{name}" for name in declared}
    assert set(declared) == {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert set(declared) <= {file.name for file in tmp_path.iterdir()}
    for name, service in SERVICES.items():
        for variable, value in environment(name).items():
            if value.startswith("/run/secrets/"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], variable
            else:
                assert not re.search(r"PASSWORD|SECRET|TOKEN|KEY|PASS_", variable), f"{name}: {variable}"


def test_alertmanager_is_given_every_secret_that_its_configuration_reads() -> None:
    text = (ROOT / "observability/generated/compose/alertmanager.yml").read_text()
    wanted = set(re.findall(r"/run/secrets/(\w+)", text))
    assert wanted
    assert wanted <= set(SERVICES["alertmanager"]["secrets"])


def test_whatever_the_configuration_names_shares_a_network_with_who_calls_it() -> None:
    values = yaml.safe_load((ROOT / "config/environments/compose.yaml").read_text())
    targets = [target for of_job in values["targets"].values() for target in of_job]
    called = {
        "prometheus": [*values["alertmanagers"], *targets],
        "alertmanager": [
            re.sub(r"^http://|/.*", "", receiver.get("url") or receiver["smarthost"])
            for receiver in values["receivers"].values()
        ],
    }
    for caller, addresses in called.items():
        for address in addresses:
            host = address.partition(":")[0]
            assert host == caller or networks(host) & networks(caller), f"{caller} cannot reach {address}"


def test_the_bot_accepts_the_settings_of_the_file(tmp_path: Path) -> None:
    compose_secrets.make(tmp_path)
    given = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in environment("bot").items()}
    settings, problems = read_settings(given)
    assert problems == []
    assert settings is not None
    assert settings.mode is Mode.SIMULATOR


@pytest.mark.parametrize(
    ("mode", "host", "named", "allowed"),
    [
        (Mode.SIMULATOR, "simulator", "simulator", True),
        (Mode.SIMULATOR, "simulator", "", False),
        (Mode.SIMULATOR, "other", "simulator", False),
        (Mode.SIMULATOR, "open-api.bingx.com", "open-api.bingx.com", False),
        (Mode.SIMULATOR, "10.0.0.1", "10.0.0.1", False),
        (Mode.SIMULATOR, "", "", False),
        (Mode.LIVE, "simulator", "simulator", False),
    ],
)
def test_only_a_named_container_is_taken_for_a_simulator(
    mode: Mode, host: str, named: str, allowed: bool
) -> None:
    assert allows(mode, host, named) is allowed


def test_secrets_are_made_once_and_only_their_folder_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    compose_secrets.make(folder)
    first = {file.name: file.read_text() for file in folder.iterdir()}
    compose_secrets.make(folder)
    assert {file.name: file.read_text() for file in folder.iterdir()} == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Containers read them under other users; psql wants its own file closed.
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in FILE["secrets"]} == {0o444}
    assert stat.S_IMODE((folder / "pgpass").stat().st_mode) == 0o600


def test_the_control_directory_is_mounted_where_the_bot_looks_and_made_with_its_marker(
    tmp_path: Path,
) -> None:
    assert (CONTROL, environment("bot")["CONTROL_DIR"], "rw") in mounts("bot")
    assert (ROOT / CONTROL) == compose_secrets.CONTROL
    control = ControlDirectory(tmp_path / "compose" / "control")
    assert control.read() is not None
    control.path.parent.mkdir()
    for _ in range(2):
        compose_secrets.make_control(control.path)
        assert control.read() is None
    control.file.touch()
    compose_secrets.make_control(control.path)
    assert control.read() is not None


def test_the_bot_and_people_on_this_machine_may_halt_and_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "compose" / "control"
    folder.parent.mkdir()
    compose_secrets.make_control(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777  # the bot runs under a user of its own
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_the_example_explains_every_variable_of_the_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
    assert set(example) == used | {"COMPOSE_PROFILES"}
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text()))
    assert {name: example[name] for name in defaults} == defaults


def test_the_database_is_healthy_when_its_roles_are_made_and_only_runbooks_are_superuser() -> None:
    server = SERVICES["db"]
    folder = next(target for source, target, _ in mounts("db") if source == "./config/postgres")
    assert f"config_file={folder}/postgresql.conf" in server["command"]
    test = server["healthcheck"]["test"][1]
    # On its socket a server that is still being set up answers, too.
    assert "pg_isready --quiet --host=127.0.0.1 &&" in test
    assert f"--file={folder}/roles.sql" in test
    roles = (ROOT / "config/postgres/roles.sql").read_text()
    for secret in re.findall(r"/run/secrets/(\w+)", roles):
        assert secret in server["secrets"]
    assert re.findall(r"ALTER ROLE (\w+) LOGIN NOSUPERUSER ", roles) == ["trading_bot", "postgres_exporter"]
    superusers = {
        name for name, service in SERVICES.items() if "postgres_password" in service.get("secrets", ())
    }
    assert superusers == {"db"}


def server_settings() -> dict[str, str]:
    text = (ROOT / "config/postgres/postgresql.conf").read_text()
    return {name: value.strip("'") for name, value in re.findall(r"^([\w.]+) = (\S+)", text, re.M)}


def megabytes(text: str) -> int:
    assert re.fullmatch(r"\d+(MB|m)", text)
    return int(text.rstrip("MBm"))


def test_the_memory_of_the_server_fits_into_that_of_its_container() -> None:
    settings = server_settings()
    connections = int(settings["max_connections"])
    shared, work = megabytes(settings["shared_buffers"]), megabytes(settings["maintenance_work_mem"])
    # A connection was measured at about 1.5 MB; one of ten sorts something large.
    most = shared + 2 * connections + connections // 10 * megabytes(settings["work_mem"])
    assert most + (int(settings["autovacuum_max_workers"]) + 1) * work <= megabytes(
        SERVICES["db"]["mem_limit"]
    )
    # Where shared memory of parallel workers would be; and a process for each connection.
    assert settings["max_parallel_workers_per_gather"] == "0"
    assert connections + 20 < SERVICES["db"]["pids_limit"]


def test_the_server_keeps_what_it_answered_and_says_why_of_each_setting() -> None:
    settings = server_settings()
    assert [settings[name] for name in ("fsync", "full_page_writes", "synchronous_commit")] == ["on"] * 3
    assert "--data-checksums" in environment("db")["POSTGRES_INITDB_ARGS"]
    assert settings["shared_preload_libraries"] == "pg_stat_statements"
    # It would keep the texts in which roles.sql sets passwords.
    assert settings["pg_stat_statements.track_utility"] == "off"
    for paragraph in (ROOT / "config/postgres/postgresql.conf").read_text().split("\n\n"):
        lines = paragraph.splitlines()
        assert lines[0].startswith("# ") or all("# " in line for line in lines), paragraph


def test_the_bot_and_the_exporter_have_a_role_each(tmp_path: Path) -> None:
    compose_secrets.make(tmp_path)
    password = (tmp_path / "database_password").read_text().strip()
    assert (
        tmp_path / "database_url"
    ).read_text() == f"postgresql://trading_bot:{password}@db:5432/trading_bot\n"
    assert password not in (tmp_path / "pgpass").read_text()
    exporter = environment("postgres-exporter")
    assert exporter["DATA_SOURCE_USER"] == "postgres_exporter"
    assert exporter["DATA_SOURCE_PASS_FILE"] == "/run/secrets/exporter_password"


def test_grafana_is_provisioned_with_the_datasource_and_the_generated_dashboards() -> None:
    provisioning = ROOT / "observability" / "grafana"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"][0]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    provider = yaml.safe_load((provisioning / "dashboards" / "generated.yml").read_text())["providers"][0]
    targets = {target: source for source, target, _ in mounts("grafana")}
    folder = ROOT / targets[provider["options"]["path"]]
    home = environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (folder / Path(home).name).is_file()
    assert environment("grafana")["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment("grafana")["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment("grafana")["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    assert (provider["folder"], provider["allowUiUpdates"], source["editable"]) == (
        "Tradewatch",
        False,
        False,
    )


def test_the_image_of_the_bot_knows_its_version() -> None:
    assert "!pyproject.toml" in (ROOT / ".dockerignore").read_text().splitlines()
    assert "\nCOPY pyproject.toml ./\n" in (ROOT / "bot/Dockerfile").read_text()
    assert PROJECT == ROOT / "pyproject.toml"


@pytest.mark.parametrize("file", ["bot/Dockerfile", "scripts/sink/Dockerfile"])
def test_an_image_installs_locked_wheels_and_runs_as_nobody_special(file: str) -> None:
    text = (ROOT / file).read_text()
    assert "--require-hashes" in text
    assert "--only-binary :all:" in text
    assert "\nUSER 10001:10001\n" in text
    assert "\nHEALTHCHECK " in text
    assert text.count("\nFROM ") + text.startswith("FROM ") == 2
