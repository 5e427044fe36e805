"""Makes what docker-compose.yml mounts: secret files, once, and two directories. Needs Python alone."""

import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".local" / "compose" / "secrets"
CONTROL = FOLDER.with_name("control")
TEXTFILE = FOLDER.with_name("textfile")
# The credentials that runbooks use on the host: of the simulator, or real ones.
_EXCHANGE = ("bingx_api_key", "bingx_secret_key")
_SECRET_BYTES = 16  # as 32 hexadecimal characters, the length of a PagerDuty routing key
# Each service runs under a user of its own that the host does not know, so the files are readable by all.
# It is the folder that keeps everyone else out; a container sees only the files that it is given.
_FOLDER_MODE, _FILE_MODE = 0o700, 0o444
_PGPASS_MODE = 0o600  # psql ignores a file that others may read; no container is given this one
# The bot in its container and people on the host both write HALT and take it away.
_CONTROL_MODE = 0o777
# Runbooks on the host write there; node_exporter reads as a user of its own.
_TEXTFILE_MODE = 0o755


def main() -> int:
    try:
        make_all()
    except OSError as error:
        print(f"cannot make the files for docker compose: {error}", file=sys.stderr)
        return 1
    return 0


def make_all(real: Path | None = None) -> None:
    """Make everything that is mounted. `real` is the folder of production's secrets; none is made up then."""
    make(FOLDER, real)
    make_control(CONTROL)
    TEXTFILE.mkdir(exist_ok=True)
    TEXTFILE.chmod(_TEXTFILE_MODE)


def make(folder: Path, real: Path | None = None) -> None:
    """Make what is missing in the folder; a secret that is there stays, for the volumes were made with it."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    password = _random(folder / "postgres_password")
    _keep(folder / "pgpass", f"*:*:*:postgres:{password}", _PGPASS_MODE)
    # The bot's own role, which is no superuser.
    password = _random(folder / "database_password")
    _keep(folder / "database_url", f"postgresql://trading_bot:{password}@db:5432/trading_bot")
    for name in ("exporter_password", "admin_token", "grafana_admin_password"):
        _random(folder / name)
    if real is not None:
        for name in _EXCHANGE:
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(real / name)
        return
    for name in _EXCHANGE:
        # A demo after production must not play with keys to real money.
        if (folder / name).is_symlink():
            (folder / name).unlink()
    _random(folder / "pagerduty_routing_key")
    key, secret = _random(folder / "bingx_api_key"), _random(folder / "bingx_secret_key")
    _keep(folder / "simulator_credentials", f"BINGX_API_KEY={key}\nBINGX_SECRET_KEY={secret}")
    aws = f"[tradewatch]\naws_access_key_id = {_random(folder / 'aws_key')}"
    _keep(folder / "aws_credentials", f"{aws}\naws_secret_access_key = {_random(folder / 'aws_secret')}")


def make_control(folder: Path) -> None:
    """Make the directory and the file by which the bot knows that it is mounted; a HALT in it stays."""
    folder.mkdir(exist_ok=True)
    folder.parent.chmod(_FOLDER_MODE)
    folder.chmod(_CONTROL_MODE)
    (folder / "tradewatch-control").touch()


def _random(file: Path) -> str:
    if not file.exists():
        _keep(file, secrets.token_hex(_SECRET_BYTES))
    return file.read_text("utf-8").strip()


def _keep(file: Path, text: str, mode: int = _FILE_MODE) -> None:
    """Write a file so that it is whole or absent; one that is right is left, for containers hold it."""
    if file.exists() and file.read_text("utf-8") == f"{text}\n":
        return
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(f"{text}\n", "utf-8")
    new.chmod(mode)
    new.replace(file)


if __name__ == "__main__":
    sys.exit(main())
