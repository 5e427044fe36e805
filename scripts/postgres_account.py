"""Under which account the server runs: our own, or, since PostgreSQL refuses to be root, another one."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.postgres_binaries import Postgres, PostgresError

# The lesser first: it lets the account pass through directories such as a 0700 home, and write nothing.
CAPABILITIES = ("dac_read_search", "dac_override")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs the server, and the command words that start a program as that user."""

    uid: int
    gid: int
    prefix: tuple[str, ...]

    def own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def choose(data: Path, postgres: Postgres) -> Account:
    """The account for this data directory: its owner if it exists, `nobody` for a new one that root makes."""
    setpriv = shutil.which("setpriv")
    dying = (setpriv, "--pdeathsig=INT") if setpriv else ()
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise PostgresError(
                f"{data} belongs to {_name(owner)}, not to {_name(os.geteuid())}: "
                "start it as the user who made it, or move it away"
            )
        return Account(uid=os.geteuid(), gid=os.getegid(), prefix=dying)
    if not setpriv:
        raise PostgresError(
            "PostgreSQL does not run as root, and setpriv (util-linux) is missing: use a plain user"
        )
    try:
        entry = (
            pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
        )  # initdb wants a user that has a name
    except KeyError:
        raise PostgresError(
            f"{data} belongs to uid {owner}, which no user has: chown it or move it away"
        ) from None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, prefix=_as_user(setpriv, entry, data, postgres))


def _as_user(setpriv: str, entry: pwd.struct_passwd, data: Path, postgres: Postgres) -> tuple[str, ...]:
    base = (setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--no-new-privs")
    plain = (*base, "--inh-caps=-all", "--bounding-set=-all")
    capable = [
        (
            *base,
            *(f"--{kind}=-all,+{name}" for kind in ("inh-caps", "ambient-caps", "bounding-set")),
            "--securebits=+no_setuid_fixup",  # or access(2), with which initdb seeks its programs, ignores it
        )
        for name in CAPABILITIES
    ]
    for words in (plain, (*base, "--inh-caps=-all"), *capable):
        if _reaches(words, data.parent, postgres):
            return (*words, "--pdeathsig=INT")
    raise PostgresError(
        f"PostgreSQL must run as user {entry.pw_name}, who cannot reach {data.parent} or {postgres.bin}, and "
        "this machine does not let root pass on a capability for it: use a plain user, move the checkout "
        "out of the closed directory, or set DATABASE_URL to a server of your own"
    )


def _reaches(words: Sequence[str], folder: Path, postgres: Postgres) -> bool:
    shell = ["/bin/sh", "-c", '"$1" --version && cd "$2"', "sh", postgres.program("postgres"), str(folder)]
    done = subprocess.run([*words, *shell], cwd="/", capture_output=True, env=postgres.variables())
    return done.returncode == 0


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"uid {uid}"
