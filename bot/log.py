"""Logs: one JSON object a line, with the ids of what it is about; known secrets are blotted out last."""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

TRACE = 5
SHORTEST = 4  # a secret of one letter would blot out the whole log
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
        # As they would stand inside JSON; longest first, since one may hold another.
        escaped = {json.dumps(each, ensure_ascii=False)[1:-1] for each in secrets if len(each) >= SHORTEST}
        self._secrets = sorted(escaped, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        base = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "mode": self._mode,
            "event": record.getMessage(),
        }
        # A field of the same name must not pass for what the line itself is.
        line = base | getattr(record, "fields", {}) | base
        if record.name != "bot":
            line["logger"] = record.name
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        text = json.dumps(line, default=str, ensure_ascii=False)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def open_log(level: str, mode: str, secrets: Sequence[str], stream: TextIO = sys.stderr) -> Log:
    """Sends every logger of the process through one handler."""
    logging.addLevelName(TRACE, "TRACE")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(mode, secrets))
    # Libraries are heard from WARNING on, unless somebody is looking for trouble.
    heard = LEVELS[level] if LEVELS[level] <= logging.DEBUG else max(LEVELS[level], logging.WARNING)
    logging.basicConfig(handlers=[handler], level=heard, force=True)
    logger = logging.getLogger("bot")
    logger.setLevel(LEVELS[level])
    return Log(logger)
