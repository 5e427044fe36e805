"""Files that are no good dump: the usual looks at them see nothing, ours does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runbooks.databases import Desk, run


def cut(dump: bytes) -> bytes:
    return dump[: len(dump) * 7 // 10]


def flipped(dump: bytes) -> bytes:
    """One bit of the rows."""
    where = len(dump) * 6 // 10
    return dump[:where] + bytes([dump[where] ^ 1]) + dump[where + 1 :]


def newer(dump: bytes) -> bytes:
    """The version of the format stands behind five letters."""
    return dump[:6] + b"\x7f" + dump[7:]


NAME = "20260102T030405Z-backup-7"
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (cut, "cannot be read to its end"),
    "cut by one byte": (lambda dump: dump[:-1], "cannot be read to its end"),
    "flipped": (flipped, "cannot be read to its end"),
    "of a newer format": (newer, "unsupported version"),
    "empty": (lambda _: b"", "the dump is empty"),
    "its beginning alone": (lambda dump: dump[:5], "cannot be read to its end"),
}


@pytest.fixture
def dump(desk: Desk) -> Path:
    return desk.given() / "database.dump"


def test_a_dump_that_is_damaged_is_refused_when_it_is_made_and_later(desk: Desk, dump: Path) -> None:
    assert desk.say(f"dump_readable {dump}", kind="probe").code == 0
    assert desk.say(f"backup_intact {NAME}", kind="probe").code == 0
    good = dump.read_bytes()
    for name, (damage, why) in DAMAGE.items():
        dump.write_bytes(damage(good))
        both = f"! (dump_readable {dump}) || exit 8\n! (backup_intact {NAME}) || exit 9"
        refused = desk.say(both, kind="probe")
        assert (refused.code, why in refused.err, "its sums differ" in refused.err) == (0, True, True), name


def test_a_list_of_its_contents_sees_neither_a_cut_nor_a_flipped_bit(desk: Desk, dump: Path) -> None:
    good = dump.read_bytes()
    for damage in (cut, flipped):
        dump.write_bytes(damage(good))
        listed = run(["pg_restore", "--list", str(dump)], desk.variables())
        assert listed.code == 0
        assert "TABLE DATA public orders" in listed.out


def test_a_plain_dump_is_refused_for_psql_takes_half_of_one_for_whole(desk: Desk, dump: Path) -> None:
    plain = run(["pg_dump", "--format=plain"], desk.variables()).out
    dump.write_text(plain)
    assert "no dump in pg_dump's own format" in desk.say(f"dump_readable {dump}", kind="probe").err
    # Cut within the rows of a table: what has come is kept, and psql is content.
    half = dump.with_suffix(".sql")
    half.write_text(plain[: plain.index("COPY public.signals") + 2000])
    desk.cluster.psql(f"CREATE DATABASE {desk.database}_plain")
    naive = run(["psql", "-X", "-q", "-d", f"{desk.database}_plain", "-f", str(half)], desk.variables())
    assert naive.code == 0
    assert 0 < int(desk.cluster.psql("SELECT count(*) FROM orders", f"{desk.database}_plain")) <= 300


def test_a_change_that_reads_and_restores_without_an_error_is_seen_by_its_sum_alone(
    desk: Desk, dump: Path
) -> None:
    """Where rows are not compressed nothing in the file tells that they changed."""
    run(["pg_dump", "--format=custom", "--compress=0", f"--file={dump}"], desk.variables())
    good = dump.read_bytes()
    changed = good.replace(b"\t60000.1\t", b"\t90000.1\t", 1)
    assert changed != good
    dump.write_bytes(changed)
    assert desk.say(f"dump_readable {dump}", kind="probe").code == 0
    assert "its sums differ" in desk.say(f"backup_intact {NAME}", kind="probe").err


def test_what_is_missing_in_a_dump_with_good_sums_is_seen_when_it_is_restored(desk: Desk, dump: Path) -> None:
    """As if pg_dump had left something out."""
    run(["pg_dump", "--format=custom", "--exclude-table-data=orders", f"--file={dump}"], desk.variables())
    desk.does(f"cd {dump.parent} && sha256sum database.dump globals.sql manifest > SHA256SUMS")
    tried = desk.say(f"backup_try {NAME}")
    assert tried.code == 1
    assert "what was restored is not what was saved" in tried.err
    assert "< table|public.orders|300|" in tried.out
    assert "> table|public.orders|0|0" in tried.out
    assert not [name for name in desk.cluster.databases() if name.startswith("scratch")]
    assert not (dump.parent / "verified").exists()
