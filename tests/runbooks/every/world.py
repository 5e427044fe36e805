"""A world for shipped runbooks in which nothing is real but bash and what reads files: the rest are stubs."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "runbooks"
STUB = Path(__file__).with_name("stub.sh")
LIMIT = 120  # seconds after which a test gives up
PLATFORMS = ("local", "compose", "kubernetes", "systemd")
# What a step may run as it is: it only reads, or it writes where the comparison of the files sees it.
PLAIN = """
    awk base64 basename bash cat chmod cksum comm cp cut date dd df diff dirname env expr false find
    flock getent grep gunzip gzip head hostname id join ln ls mkdir mkfifo mktemp mv nproc od
    openssl paste printenv printf pwd readlink realpath rm rmdir sed seq sh sha256sum sort split
    stat tac tail tar tee test timeout touch tr true truncate tty uname uniq wc which xargs
"""
STUBS = """
    age chronyc createdb curl docker dropdb du journalctl kill kubectl memray ntpq pg_amcheck
    pg_dump pg_dumpall pg_restore pgbench ps psql py-spy python python3 reindexdb rsync scp sleep
    ssh supervisorctl sync systemctl timedatectl vacuumdb wrk
"""


def scripts() -> list[str]:
    """Every runbook that there is, by name."""
    return sorted(path.stem for path in SCRIPTS.glob("*.sh"))


def secret_names() -> list[str]:
    names: list[str] = yaml.safe_load((ROOT / "config/operations.yaml").read_text())["secrets"]
    return names


def parameters(name: str) -> dict[str, str]:
    """A value for each parameter that has no default."""
    given = {"reason": "a test of it", "backup": "latest", "symbol": "BTC-USDT", "close": "BTC-USDT"}
    told = yaml.safe_load((ROOT / "config/runbooks" / f"{name}.yaml").read_text())
    wanted = told.get("parameters") or {}
    return {key: given[key] for key, facts in wanted.items() if "default" not in facts}


@dataclass(frozen=True)
class Call:
    """How a program was called."""

    name: str
    label: str
    options: str
    said: str
    argv: Sequence[str]

    def __str__(self) -> str:
        return f"{self.label}: {self.name} {' '.join(self.argv)} <<< {self.said}"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class World:
    """A checkout with the script in it, a home of its own, and the programs."""

    def __init__(
        self, folder: Path, *, platform: str = "systemd", secrets: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.platform = folder, platform
        self.home = folder / "root/.local"
        self.world = folder / "world"
        self.runs = folder / "runs"
        for name in ("calls", "state", "secrets"):
            (self.world / name).mkdir(parents=True)
        (self.world / "actions").touch()
        for name in ("reached", "go"):
            os.mkfifo(self.world / name)
        for name in ("root/runbooks", "root/.local", "control", "textfile", "backups", "tmp"):
            (folder / name).mkdir(parents=True)
        (folder / "control/tradewatch-control").touch()
        for name in ("env", "supervisord.conf"):
            (self.home / name).touch()
        (self.home / "supervisord.pid").write_text("1\n")
        self.bin = _programs(folder / "bin")
        self.environment = self._environment(secrets or {})

    def _environment(self, secrets: Mapping[str, str]) -> dict[str, str]:
        plain = {
            "PATH": str(self.bin),
            "HOME": str(self.folder / "root"),
            "TMPDIR": str(self.folder / "tmp"),
            "USER": "anna",
            "WORLD": str(self.world),
            "TRADEWATCH_HOME": str(self.home),
            "CONTROL_DIR": str(self.folder / "control"),
            "TEXTFILE_DIR": str(self.folder / "textfile"),
            "BACKUP_DIR": str(self.folder / "backups"),
            "TRADING_MODE": "simulator",
            "UNIT_BOT": self.unit,
            "PGHOST": "127.0.0.1",
            "PGPORT": "1",
            "BINGX_BASE_URL": "http://127.0.0.1:1",
            "PROMETHEUS_URL": "http://127.0.0.1:2",
            "ALERTMANAGER_URL": "http://127.0.0.1:3",
            "BOT_URL": "http://127.0.0.1:4",
        }
        for name in ("ADMIN_TOKEN", "BINGX_API_KEY", "BINGX_SECRET_KEY", "DATABASE_URL"):
            file = self.world / "secrets" / name
            file.write_text(
                "postgresql://bot:word@127.0.0.1:1/bot\n" if name == "DATABASE_URL" else f"of-{name}\n"
            )
            plain[f"{name}_FILE"] = str(file)
        if self.platform == "kubernetes":
            # There the bot is asked in its pod.
            del plain["BOT_URL"]
        return {**plain, **secrets, "TRADEWATCH_PLATFORM": ""}

    @property
    def unit(self) -> str:
        """The bot's unit, which no other world has."""
        return f"trading-bot-{sha256(os.fsencode(self.folder)).hexdigest()[:12]}"

    def script(self, name: str, *changes: tuple[str, str]) -> Path:
        """The runbook as it ships, or with other text in it."""
        text = (SCRIPTS / f"{name}.sh").read_text()
        for old, new in changes:
            assert old in text, f"{name} has no {old!r}: change the test with it"
            text = text.replace(old, new)
        path = self.folder / "root/runbooks" / f"{name}.sh"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def start(self, script: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.bin / "bash", str(script), *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def run(self, script: Path, *arguments: str, **environment: str) -> Ran:
        process = self.start(script, *arguments, **environment)
        out, err = process.communicate(timeout=LIMIT)
        return Ran(process.returncode, out, err)

    def arguments(self, name: str, *flags: str) -> list[str]:
        """Flags for a run of this runbook in this world."""
        given = [word for item in parameters(name).items() for word in ("--set", "=".join(item))]
        return ["--run-dir", str(self.runs), "--platform", self.platform, *given, *flags]

    def calls(self) -> list[Call]:
        """What was called since the last question, and forget it."""
        found = []
        for path in sorted((self.world / "calls").iterdir()):
            name, label, options, said, *argv = path.read_bytes().decode(errors="replace").split("\0")[:-1]
            found.append(Call(name, label, options, said, argv))
            path.unlink()
        return found

    def actions(self) -> list[tuple[str, str]]:
        """What was changed: in which step, and what."""
        lines = (self.world / "actions").read_text().splitlines()
        return [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines if "\t" in line]

    def files(self) -> dict[str, str]:
        """Every file outside of runs and of what the stubs keep, with what it holds."""
        left = {self.world, self.runs, self.bin}
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if not any(path.is_relative_to(one) for one in left):
                text = sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
                found[str(path.relative_to(self.folder))] = text
        return found

    def locks(self) -> Path:
        """Where runs on the units of this world lock each other out."""
        stack = f"systemd {self.unit}\n".encode()
        told = subprocess.run(["cksum"], input=stack, capture_output=True, check=True).stdout
        number = told.split()[0].decode()
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
        return Path(f"{base}/tradewatch-{os.getuid()}/locks-{number}")

    def run_folder(self) -> Path:
        """The folder of the only run."""
        [folder] = self.runs.iterdir()
        return folder

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run_folder() / "journal.jsonl").read_text().splitlines()]


def _programs(folder: Path) -> Path:
    folder.mkdir()
    for name in PLAIN.split():
        found = shutil.which(name)
        if found is not None:
            (folder / name).symlink_to(found)
    for name in STUBS.split():
        (folder / name).symlink_to(STUB)
    return folder


def chained(lines: Sequence[str]) -> bool:
    """Whether each line holds the sum of the one before."""
    before = ""
    for line in lines:
        if not line.endswith(f'"prev":"{before}"}}'):
            return False
        before = sha256(line.encode()).hexdigest()
    return True
