"""`make up`: makes what the containers mount and starts them; for production only when nothing is missing.

It is production if COMPOSE_FILE, in .env or the environment, names docker-compose.production.yml. The demo
needs Python and Docker alone.
"""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scripts import compose_secrets

ROOT = Path(__file__).resolve().parents[1]
PRODUCTION = "docker-compose.production.yml"
_ENVIRONMENT = re.compile(r"^\s*(?:export\s+)?(\w+)=(.*)$", re.MULTILINE)
_NEEDED = re.compile(r"\$\{(\w+):\?([^}]*)\}")
_SECRET_FILE = re.compile(r'file: "\$\{PRODUCTION\}/secrets/(\w+)"')
# Of the demo, which plays the exchange and the people.
_PLAYED = {"simulator", "sink"}


def main() -> int:
    settings = read_environment(ROOT / ".env", os.environ)
    try:
        if PRODUCTION in settings.get("COMPOSE_FILE", ""):
            return _production(settings)
        compose_secrets.make_all()
        return _docker("--profile", "demo", "up", "--detach", "--build", "--wait")
    except OSError as error:
        print(f"up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def read_environment(file: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what Compose will know: the environment wins over .env."""
    text = file.read_text("utf-8") if file.exists() else ""
    found = {name: _plain(value) for name, value in _ENVIRONMENT.findall(text)}
    return {**found, **environment}


def _plain(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"') and value.endswith(value[0]) and len(value) > 1:
        return value[1:-1]
    return re.sub(r"\s+#.*", "", value)


def _production(settings: Mapping[str, str]) -> int:
    compose = (ROOT / PRODUCTION).read_text("utf-8")
    problems = [*missing(compose, settings), *left_of_demo(settings, _services(settings))]
    folder = Path(settings.get("PRODUCTION") or "/nowhere")
    values = folder / "values.yaml"
    if problems:
        print("\n".join(problems), file=sys.stderr)
        if values.is_file():
            # What is wrong with receivers and their secrets, in the same run.
            _tradewatch("check", values, "--no-tools")
        return _refused()
    compose_secrets.make_all(real=folder / "secrets")
    if (
        _tradewatch("generate", values, "--out", f"{folder}/generated")
        or _docker("build", "--quiet", "bot")
        # The bot names what is wrong with its settings, all at once.
        or _docker("run", "--rm", "--no-deps", "bot", "python", "-m", "bot", "--check")
    ):
        return _refused()
    return _docker("up", "--detach", "--build", "--wait")


def _refused() -> int:
    print("up: nothing was started; docs/production.md tells what each is for", file=sys.stderr)
    return 1


def missing(compose: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Yield every variable without a value, and every file that is missing, empty or open to others."""
    for name, why in _NEEDED.findall(compose):
        if not settings.get(name):
            yield f"{name} is not set in .env: {why}"
    if not settings.get("PRODUCTION"):
        return
    folder = Path(settings["PRODUCTION"])
    if not folder.is_absolute():
        yield f"PRODUCTION={folder} is no absolute path"
        return
    if not (folder / "values.yaml").is_file():
        yield f"{folder}/values.yaml is missing: who is told, and where"
    if not (secrets := folder / "secrets").is_dir():
        yield f"{secrets} is missing: a file for each secret"
    elif stat.S_IMODE(secrets.stat().st_mode) & 0o077:
        yield f"{secrets} is open to other users: chmod 700 {secrets}"
    for name in _SECRET_FILE.findall(compose):
        if told := _wrong_with(secrets / name):
            yield f"{secrets / name} {told}"


def _wrong_with(file: Path) -> str:
    if not file.is_file():
        return "is missing"
    if not file.read_bytes().strip():
        return "is empty"
    # In a container it is read by a user that the host does not know.
    return "" if file.stat().st_mode & stat.S_IROTH else f"cannot be read in a container: chmod 444 {file}"


def left_of_demo(settings: Mapping[str, str], there: Iterable[str]) -> Iterator[str]:
    """Yield what would still play the exchange or the people; `there` are the services with containers."""
    if "demo" in settings.get("COMPOSE_PROFILES", ""):
        yield "COMPOSE_PROFILES=demo plays exchange and people: take it out of .env"
    if found := sorted(set(there) & _PLAYED):
        take_away = "docker compose -f docker-compose.yml --profile demo down --volumes"
        yield f"the demo is still there ({', '.join(found)}): take it and its data away by {take_away}"


def _services(settings: Mapping[str, str]) -> list[str]:
    """Return the services of the project that have containers."""
    project = f"label=com.docker.compose.project={settings.get('COMPOSE_PROJECT_NAME') or 'trading-bot'}"
    command = ("docker", "ps", "--all", "--filter", project)
    shown = ("--format", '{{.Label "com.docker.compose.service"}}')
    return subprocess.run([*command, *shown], stdout=subprocess.PIPE, text=True, check=False).stdout.split()


def _tradewatch(command: str, values: Path, *arguments: str) -> int:
    of = ("--env", "production", "--values", values)
    tradewatch = (ROOT / ".venv/bin/python", "-m", "observability")
    return _run(ROOT / "scripts/setup.sh") or _run(*tradewatch, command, *of, *arguments)


def _docker(*arguments: str) -> int:
    return _run("docker", "compose", *arguments)


def _run(*words: str | Path) -> int:
    return subprocess.run(words, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
