"""Logs: one JSON object a line, with the ids of what it is about; secrets blotted out, no line too long."""

import json
import logging
import math
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import quote

from bot.log_file import FileHandler, LogFile

TRACE = 5
SHORTEST = 4  # a secret of one letter would blot out the whole log
LONGEST = 8 * 1024  # bytes of a line: whoever writes a message must not fill the disk with it
# What would end a line or turn a terminal's text around, though JSON lets it stand.
_INVISIBLE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
LEVELS = {"TRACE": TRACE, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


class Log:
    """`event` is a fixed phrase to search for; what varies goes into the fields."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def trace(self, event: str, **fields: object) -> None:
        self._write(TRACE, event, fields)

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """Also takes the lines of libraries, which know no fields."""

    def __init__(self, mode: str, secrets: Sequence[str]) -> None:
        super().__init__()
        self._mode = mode
        long = [each for each in secrets if len(each) >= SHORTEST]
        # Also as a URL and as Python's repr would show it; longest first, since one may hold another.
        forms = {form for each in long for form in (each, quote(each, safe=""), repr(each)[1:-1])}
        self._secrets = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or "(?!)")

    def format(self, record: logging.LogRecord) -> str:
        base = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "mode": self._mode,
            "event": _event(record),
        }
        # A field of the same name must not pass for what the line itself is.
        line = base | getattr(record, "fields", {}) | base
        if record.name != "bot":
            line["logger"] = record.name
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # Before anything is cut: half a secret would not be known any more.
        return _short({name: self._plain(value) for name, value in line.items()})

    def _plain(self, value: object) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Mapping):
            return {self._blotted(name): self._plain(each) for name, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._plain(each) for each in value]
        text = self._blotted(value)
        is_number = isinstance(value, int | float) and math.isfinite(value) and text == str(value)
        return value if is_number else text

    def _blotted(self, value: object) -> str:
        return self._secrets.sub("***", str(value))


def _event(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library whose values do not fit its text
        return str(record.msg)


def _short(line: Mapping[str, Any]) -> str:
    """As JSON, the middle of long values left out until it fits; a traceback says most at its end."""
    room, text = LONGEST, _dumped(line)
    while room and len(text.encode()) > LONGEST:
        room //= 2
        text = _dumped({name: _cut(value, room) for name, value in line.items()})
    return text


def _cut(value: Any, room: int) -> Any:
    text = value if isinstance(value, str) else _dumped(value)
    if len(text) <= room:
        return value
    half = room // 2
    return f"{text[:half]} … {len(text) - 2 * half} more … {text[len(text) - half :]}"


def _dumped(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class StreamHandler(logging.StreamHandler[TextIO]):
    """The last place that can say something: where it cannot be written to, nobody can be told."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as logging calls it
        pass


def open_log(
    level: str,
    mode: str,
    secrets: Sequence[str],
    stream: TextIO = sys.stderr,
    file: LogFile | None = None,
) -> Log:
    """Sends every logger of the process to the stream, and into the file as well if there is one."""
    logging.addLevelName(TRACE, "TRACE")
    logger = logging.getLogger("bot")
    handlers: list[logging.Handler] = [StreamHandler(stream)]
    if file is not None:
        handlers.append(FileHandler(file, logger))
    for handler in handlers:
        handler.setFormatter(JsonLines(mode, secrets))
    # Libraries are heard from WARNING on, unless somebody is looking for trouble.
    heard = LEVELS[level] if LEVELS[level] <= logging.DEBUG else max(LEVELS[level], logging.WARNING)
    logging.basicConfig(handlers=handlers, level=heard, force=True)
    logger.setLevel(LEVELS[level])
    return Log(logger)
