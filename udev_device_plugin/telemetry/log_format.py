"""How a log line looks: one JSON object a line on stdout, or text for a person.

Floor 1. State changes are logged, not ticks. What a line is about goes into fields of its own
(``logger.info("registered", extra={"resource": …})``).
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

_NAMES = {logging.WARNING: "warn", logging.CRITICAL: "error"}
"""Where the origin's name of a level is not Python's in lower case."""

_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: int, *, is_json: bool) -> None:
    """Have everything that is logged from now on written to stdout, from ``level`` (``logging``'s numbers) on."""
    _configure(sys.stdout, level, _JsonFormatter() if is_json else _TextFormatter())


def configure_for_person(level: int) -> None:
    """Have what a person should know written to stderr: warnings and worse, unless ``level`` asks for less."""
    _configure(sys.stderr, max(level, logging.WARNING), _TextFormatter())


def _configure(stream: TextIO, level: int, formatter: logging.Formatter) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    # asyncio's debug lines tell of selectors, not of devices.
    logging.getLogger("asyncio").setLevel(max(level, logging.INFO))


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
        # Names from udev may hold anything: ASCII keeps a line a line and a terminal a terminal.
        return json.dumps(line, default=str, ensure_ascii=True)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{time} {_level(record):5} {record.getMessage()}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in line)
