"""The format of log lines: one JSON object a line on stdout, or text for a person.

Any thread. The subject of a line has fields of its own (``logger.info("registered", extra={"resource": …})``).
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

PACKAGE = __name__.partition(".")[0]
"""The logger above all of this program's."""

_NAMES = {logging.WARNING: "warn", logging.CRITICAL: "error"}
"""The origin's names of levels, where they are not Python's in lower case."""

_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: int, *, is_json: bool) -> None:
    """Write log lines of ``level``, a number of ``logging``, and above to stdout."""
    _configure(sys.stdout, level, _JsonFormatter() if is_json else _TextFormatter())


def configure_for_person(level: int) -> None:
    """Write warnings and errors to stderr, or fewer lines if ``level`` is higher."""
    _configure(sys.stderr, max(level, logging.WARNING), _TextFormatter())


def _configure(stream: TextIO, level: int, formatter: logging.Formatter) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    # The debug lines of grpc, asyncio and others are about their own insides, not about devices.
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger(PACKAGE).setLevel(level)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}


def _level(record: logging.LogRecord) -> str:
    return _NAMES.get(record.levelno, record.levelname.lower())


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _level(record),
            "msg": record.getMessage(),
            "logger": record.name,
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # Names from udev may contain any character: with ASCII, none breaks the line or controls a terminal.
        return json.dumps(line, default=str, ensure_ascii=True)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{time} {_level(record):5} {record.getMessage()}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in line)
