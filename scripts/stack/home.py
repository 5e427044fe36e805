"""The folder of one stack: data, logs, secrets, rendered configuration. Made once, kept over runs."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from observability.compile import Request, compile_bundle
from observability.report import as_text
from observability.write import write
from scripts.stack.ports import HOST, Ports

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools" / "bin"
_SECRET_BYTES = 16  # as 32 hexadecimal characters, the length of a PagerDuty routing key


class HomeError(Exception):
    """The folder cannot be used, or the specs cannot be compiled; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folder `path` of a stack whose services listen on `ports`, with time `time_scale` times as fast."""

    path: Path
    ports: Ports
    time_scale: float = 1

    def data(self, service: str) -> Path:
        return self.path / "data" / service

    def log(self, service: str) -> Path:
        return self.path / "log" / f"{service}.log"

    def secret(self, name: str) -> Path:
        return self.path / "secrets" / name

    @property
    def config(self) -> Path:
        """Where the configuration of this stack is rendered to."""
        return self.path / "config"

    def url(self, service: str, path: str = "") -> str:
        return f"http://{HOST}:{getattr(self.ports, service)}{path}"

    def prepare(self) -> None:
        """Make folders, secrets, the env file for shells, and the configuration for these ports."""
        for folder in ("data", "log", "secrets"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        (self.path / "secrets").chmod(0o700)
        self._make_secrets()
        self._write_env()
        self._render()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that two stacks never share data; the lock ends with the process."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                owner = lock.read().strip() or "unknown"
                raise HomeError(
                    f"a stack already runs on {self.path} (process {owner}); stop it first"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def _make_secrets(self) -> None:
        password = self._random("postgres_password")
        self._keep(
            "database_url", f"postgresql://postgres:{password}@{HOST}:{self.ports.postgres}/trading_bot"
        )
        self._keep("pgpass", f"*:*:*:postgres:{password}")
        self._random("admin_token")
        self._random("pagerduty_routing_key")
        key, secret = self._random("bingx_api_key"), self._random("bingx_secret_key")
        self._keep("simulator_credentials", f"BINGX_API_KEY={key}\nBINGX_SECRET_KEY={secret}")
        aws = f"[tradewatch]\naws_access_key_id = {self._random('aws_key')}"
        self._keep("aws_credentials", f"{aws}\naws_secret_access_key = {self._random('aws_secret')}")

    def _random(self, name: str) -> str:
        """Return a secret, made at the first run and kept since."""
        file = self.secret(name)
        if not file.exists():
            self._keep(name, secrets.token_hex(_SECRET_BYTES))
        return file.read_text("utf-8").strip()

    def _keep(self, name: str, text: str) -> None:
        """Write a secret so that it is whole or absent, and readable by its owner alone."""
        file = self.secret(name)
        new = file.with_name(f".{name}.new")
        new.touch(mode=0o600)
        new.write_text(f"{text}\n", "utf-8")
        new.replace(file)

    def _write_env(self) -> None:
        lines = {
            "PATH": f"{TOOLS}:$PATH",
            "PGHOST": HOST,
            "PGPORT": self.ports.postgres,
            "PGUSER": "postgres",
            "PGDATABASE": "trading_bot",
            "PGPASSFILE": self.secret("pgpass"),
            "ADMIN_TOKEN_FILE": self.secret("admin_token"),
            "BOT_URL": self.url("bot"),
            "SIMULATOR_URL": self.url("simulator"),
            "SINK_URL": self.url("sink"),
            "PROMETHEUS_URL": self.url("prometheus"),
            "ALERTMANAGER_URL": self.url("alertmanager"),
        }
        text = "".join(f'export {name}="{value}"\n' for name, value in lines.items())
        (self.path / "env").write_text(f"# Source this in a shell: . {self.path / 'env'}\n{text}", "utf-8")

    def _render(self) -> None:
        request = Request(
            config_dir=ROOT / "config", values={"local": self._values()}, time_scale=self.time_scale
        )
        outcome = compile_bundle(request)
        if outcome.failed:
            raise HomeError(f"the specs have problems\n{as_text(outcome.problems, outcome.sources)}")
        write(
            self.config,
            {path: text for path, text in outcome.files.items() if not path.startswith("compose/")},
        )
        (self.path / "values.yaml").write_text(yaml.safe_dump({"local": self._values()}), "utf-8")

    def _values(self) -> dict[str, object]:
        """What differs from config/environments/local.yaml: ports, and where the secrets are."""
        ports, sink = self.ports, self.url("sink")
        jobs = {
            "bot": ports.bot,
            "node": ports.node_exporter,
            "postgres": ports.postgres_exporter,
            "prometheus": ports.prometheus,
            "alertmanager": ports.alertmanager,
        }
        return {
            "targets": {job: [f"{HOST}:{port}"] for job, port in jobs.items()},
            "alertmanagers": [f"{HOST}:{ports.alertmanager}"],
            "links": {"runbooks": f"{sink}/runbooks", "dashboards": sink},
            "receivers": {
                "page": {
                    "url": f"{sink}/pagerduty/v2/enqueue",
                    "routing_key_file": str(self.secret("pagerduty_routing_key")),
                },
                "sms": {"url": f"{sink}/sns/"},
                "mail": {"smarthost": f"{HOST}:{ports.sink_smtp}"},
                "heartbeat": {"url": f"{sink}/heartbeat/tradewatch"},
            },
        }
