"""The folder of one stack: data, logs, secrets, rendered configuration. Made once, kept over runs."""

import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.spec.model import Project
from observability.compile import Request, compile_bundle
from observability.report import as_text
from observability.write import write
from scripts.stack.lifted import lifted
from scripts.stack.ports import HOST, Ports

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools" / "bin"
_SECRET_BYTES = 16  # as 32 hexadecimal characters, the length of a PagerDuty routing key
# What supervisord's configuration gives a meaning, and what Prometheus and Alertmanager take for a pattern.
_UNUSABLE = ("%", '"', " #", " ;", "*", "?", "[", "\\")


class HomeError(Exception):
    """The folder cannot be used, or the specs cannot be compiled; the message says why."""


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Say in a sentence why files below `path` cannot be read or written."""
    try:
        yield
    except OSError as error:
        what = error.filename or path
        why = error.strerror or error
        raise HomeError(f"cannot use {what}: {why}; choose a folder in which you may write") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folder `path` of a stack whose services listen on `ports`, with time `time_scale` times as fast.

    `specs` is the folder of the specs that its configuration is compiled from; `edits` change a rendered
    file, named by its path, before it is written. With `repeats` the bot may place one order again and again,
    and `bot_config_edits` set keys of its configuration. `bot_environment` is beside what it gets
    anyway. With `notices` it tells people what it does, whatever the speed.
    """

    path: Path
    ports: Ports
    time_scale: float = 1
    specs: Path = ROOT / "config"
    edits: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    repeats: bool = False
    bot_config_edits: Mapping[str, str] = field(default_factory=dict)
    bot_environment: Mapping[str, str] = field(default_factory=dict)
    bot_module: str = "bot"
    notices: bool = False

    def data(self, service: str) -> Path:
        return self.path / "data" / service

    def log(self, service: str) -> Path:
        return self.path / "log" / f"{service}.log"

    def secret(self, name: str) -> Path:
        return self.path / "secrets" / name

    @property
    def control(self) -> Path:
        """Where a file named HALT keeps the bot from trading."""
        return self.path / "control"

    @property
    def textfile(self) -> Path:
        """What programs that run now and then leave for node_exporter to show."""
        return self.path / "textfile"

    @property
    def config(self) -> Path:
        """Where the configuration of this stack is rendered to."""
        return self.path / "config"

    @property
    def bot_config(self) -> Path:
        """Where the bot reads its configuration."""
        return self.path / "bot" if self.repeats else self.specs

    def url(self, service: str, path: str = "") -> str:
        return f"http://{HOST}:{getattr(self.ports, service)}{path}"

    def check_path(self) -> None:
        """Raise HomeError if a path of this stack cannot be written into a configuration file."""
        for path in map(str, (ROOT, self.path)):
            wrong = [text for text in _UNUSABLE if text in path]
            wrong += [repr(letter)[1:-1] for letter in path if not letter.isprintable()]
            if wrong:
                raise HomeError(f"{path!a} has {wrong[0]!r} in its name; use a folder that has not")

    def prepare(self) -> Project:
        """Make folders, secrets, the env file for shells, and the configuration for these ports.

        Returns what the configuration was compiled from, at the real speed.
        """
        with usable(self.path):
            for folder in ("data", "log", "secrets", "control", "textfile"):
                (self.path / folder).mkdir(parents=True, exist_ok=True)
            (self.path / "secrets").chmod(0o700)
            # By this file the bot knows that it looks at the true directory, and not at where it should be.
            (self.control / "tradewatch-control").touch()
            if self.repeats:
                lifted(self.specs, self.bot_config, self.bot_config_edits)
            self._make_secrets()
            self._write_env()
            return self._render()

    def _make_secrets(self) -> None:
        password = self._random("postgres_password")
        self._keep(
            "database_url", f"postgresql://postgres:{password}@{HOST}:{self.ports.postgres}/trading_bot"
        )
        self._keep("pgpass", f"*:*:*:postgres:{password}")
        self._random("admin_token")
        self._random("pagerduty_routing_key")
        key, secret = self._random("bingx_api_key"), self._random("bingx_secret_key")
        self._keep("telegram_bot_token", f"1000000001:{self._random('telegram_bot_secret')}")
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
            "TRADEWATCH_PLATFORM": "local",
            "TRADEWATCH_HOME": self.path,
            "PGHOST": HOST,
            "PGPORT": self.ports.postgres,
            "PGUSER": "postgres",
            "PGDATABASE": "trading_bot",
            "PGPASSFILE": self.secret("pgpass"),
            "ADMIN_TOKEN_FILE": self.secret("admin_token"),
            "CONTROL_DIR": self.control,
            "TRADING_MODE": "simulator",
            "BINGX_BASE_URL": self.url("simulator"),
            "BINGX_API_KEY_FILE": self.secret("bingx_api_key"),
            "BINGX_SECRET_KEY_FILE": self.secret("bingx_secret_key"),
            "TEXTFILE_DIR": self.textfile,
            "BACKUP_DIR": self.path / "backups",
            "HTTP_HOST": HOST,
            "HTTP_PORT": self.ports.bot,
            "BOT_URL": self.url("bot"),
            "SIMULATOR_URL": self.url("simulator"),
            "SINK_URL": self.url("sink"),
            "PROMETHEUS_URL": self.url("prometheus"),
            "ALERTMANAGER_URL": self.url("alertmanager"),
        }
        file = self.path / "env"
        text = "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in lines.items())
        programs = f"{TOOLS}:{ROOT / '.venv' / 'bin'}"
        path = f'export PATH={shlex.quote(programs)}:"$PATH"\n'
        file.write_text(f"# Source this in a shell: . {shlex.quote(str(file))}\n{path}{text}", "utf-8")

    def _render(self) -> Project:
        request = Request(config_dir=self.specs, values={"local": self._values()}, time_scale=self.time_scale)
        outcome = compile_bundle(request, tests=False)
        if outcome.project is None or outcome.failed:
            raise HomeError(f"the specs have problems\n{as_text(outcome.problems, outcome.sources)}")
        write(
            self.config,
            {
                path: self.edits.get(path, str)(text)
                for path, text in outcome.files.items()
                if not path.startswith("compose/")
            },
        )
        return outcome.project

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
