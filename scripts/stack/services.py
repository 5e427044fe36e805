"""Every service of the stack: its command, its environment, and how one knows that it is ready."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from config.spec.duration import Duration
from config.spec.model import Project
from scripts.stack.home import ROOT, TOOLS, Home
from scripts.stack.ports import HOST

# Prometheus' own defaults, which drills divide like every other duration.
_LOOKBACK, _RESEND, _GRACE = Duration(300_000), Duration(60_000), Duration(600_000)
_STATEMENT = Duration(10_000)  # of the exporter
_PERSON = "1001"  # made up: who gets notices and may command
_HEARTBEATS_MISSED = 3  # at the third, somebody is to hear that the path is broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A process; `ready` is the URL that answers 200 once it works, or empty if nobody can ask it."""

    name: str
    command: tuple[str, ...]
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)


def services(home: Home, project: Project) -> tuple[Service, ...]:
    """Return the services; they start together, and stop from the last to the first: the bot first of all.

    `project` is what the configuration of `home` was compiled from, at the real speed.
    """
    return (
        _postgres(home),
        _simulator(home),
        _sink(home, project),
        _alertmanager(home),
        _prometheus(home),
        _node_exporter(home),
        _postgres_exporter(home),
        _bot(home),
        # With time so fast nothing is ever due.
        *((_scheduler(home),) if home.time_scale == 1 else ()),
    )


def _postgres(home: Home) -> Service:
    password = home.secret("postgres_password")
    command = _python(
        "scripts.postgres", "run", "--data", home.data("postgres"), "--port", home.ports.postgres,
        "--password-file", password,
    )  # fmt: skip
    # It has no page of its own: its exporter tells whether it answers.
    return Service(name="postgres", command=command, ready=home.url("postgres_exporter", "/metrics#pg_up 1"))


def _simulator(home: Home) -> Service:
    command = _python(
        "bot.simulator", "--port", home.ports.simulator, "--state", home.data("simulator"),
        "--credentials", home.secret("simulator_credentials"), *_channels(home),
    )  # fmt: skip
    return Service(name="simulator", command=command, ready=home.url("simulator", "/control/health"))


def _channels(home: Home) -> list[str]:
    """Those of Telegram that the bot reads; the simulator plays them."""
    told = yaml.safe_load((home.bot_config / "bot.yaml").read_text("utf-8"))
    return [f"--channel={each['name']}={each['id']}" for each in told["telegram"]["channels"]]


def _bot(home: Home) -> Service:
    environment = {
        "TRADING_MODE": "simulator",
        "TRADING_ENABLED": os.environ.get("TRADING_ENABLED", "true"),
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO"),
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(home.ports.bot),
        "BINGX_BASE_URL": home.url("simulator"),
        "CRYPTET_BASE_URL": home.url("simulator", "/cryptet"),
        "TELEGRAM_SIMULATOR_URL": home.url("simulator"),
        "BINGX_API_KEY_FILE": str(home.secret("bingx_api_key")),
        "BINGX_SECRET_KEY_FILE": str(home.secret("bingx_secret_key")),
        "DATABASE_URL_FILE": str(home.secret("database_url")),
        "ADMIN_TOKEN_FILE": str(home.secret("admin_token")),
        "CONTROL_DIR": str(home.control),
        "CONFIG_DIR": str(home.bot_config),
        "CONFIG_ENDPOINT": "true",
        "TIME_SCALE": f"{home.time_scale:g}",
        # With time so fast there would be so many that the sink forgot the alerts.
        **(_notices(home) if home.notices or home.time_scale == 1 else {}),
        **home.bot_environment,
    }
    return Service(
        name="bot",
        command=_python(home.bot_module),
        environment=environment,
        ready=home.url("bot", "/readyz"),
    )


def _notices(home: Home) -> dict[str, str]:
    """The sink plays Telegram."""
    return {
        "TELEGRAM_BOT_TOKEN_FILE": str(home.secret("telegram_bot_token")),
        "TELEGRAM_NOTICE_CHAT": _PERSON,
        "TELEGRAM_OPERATORS": _PERSON,
        "TELEGRAM_API_URL": home.url("sink"),
    }


def _sink(home: Home, project: Project) -> Service:
    expect = project.routing.heartbeat.every.seconds * _HEARTBEATS_MISSED / home.time_scale
    command = _python(
        "scripts.sink", "--port", home.ports.sink, "--smtp-port", home.ports.sink_smtp,
        "--state", home.data("sink"), "--runbooks", ROOT / "runbooks",
        "--dashboards", home.config / "local" / "dashboards", "--prometheus", home.url("prometheus"),
        "--heartbeat-expect", expect,
    )  # fmt: skip
    return Service(name="sink", command=command, ready=home.url("sink", "/health"))


def _alertmanager(home: Home) -> Service:
    command = _tool(
        "alertmanager",
        f"--config.file={home.config / 'local' / 'alertmanager.yml'}",
        f"--storage.path={home.data('alertmanager')}",
        f"--web.listen-address={HOST}:{home.ports.alertmanager}",
        f"--web.external-url={home.url('alertmanager')}",
        "--cluster.listen-address=",
    )
    environment = {
        "AWS_SHARED_CREDENTIALS_FILE": str(home.secret("aws_credentials")),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    ready = home.url("alertmanager", "/-/ready")
    return Service(name="alertmanager", command=command, environment=environment, ready=ready)


def _prometheus(home: Home) -> Service:
    def scaled(length: Duration) -> str:
        return str(max(length.scaled(home.time_scale), Duration(1000)))

    command = _tool(
        "prometheus",
        f"--config.file={home.config / 'local' / 'prometheus.yml'}",
        f"--storage.tsdb.path={home.data('prometheus')}",
        f"--web.listen-address={HOST}:{home.ports.prometheus}",
        f"--web.external-url={home.url('prometheus')}",
        "--web.enable-lifecycle",
        f"--query.lookback-delta={scaled(_LOOKBACK)}",
        f"--rules.alert.resend-delay={scaled(_RESEND)}",
        f"--rules.alert.for-grace-period={scaled(_GRACE)}",
    )
    return Service(name="prometheus", command=command, ready=home.url("prometheus", "/-/ready"))


def _node_exporter(home: Home) -> Service:
    command = _tool(
        "node_exporter",
        f"--web.listen-address={HOST}:{home.ports.node_exporter}",
        f"--collector.textfile.directory={home.textfile}",
    )
    return Service(name="node_exporter", command=command, ready=home.url("node_exporter", "/metrics"))


def _postgres_exporter(home: Home) -> Service:
    command = _tool("postgres_exporter", f"--web.listen-address={HOST}:{home.ports.postgres_exporter}")
    # Nobody waits for longer; those that wait for a lock would else take every connection of the server.
    patience = max(_STATEMENT.scaled(home.time_scale), Duration(1000)).seconds * 1000
    environment = {
        "DATA_SOURCE_URI": f"{HOST}:{home.ports.postgres}/trading_bot"
        f"?sslmode=disable&statement_timeout={patience:.0f}",
        "DATA_SOURCE_USER": "postgres",
        "DATA_SOURCE_PASS_FILE": str(home.secret("postgres_password")),
    }
    ready = home.url("postgres_exporter", "/metrics")
    return Service(name="postgres_exporter", command=command, environment=environment, ready=ready)


def _scheduler(home: Home) -> Service:
    command = _python("scripts.stack.scheduler", "--home", home.path)
    return Service(name="scheduler", command=command, ready="")


def _python(module: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *map(str, arguments))


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    tool: Path = TOOLS / name
    return (str(tool), *arguments)
