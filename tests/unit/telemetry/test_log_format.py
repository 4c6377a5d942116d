"""How a log line looks."""

import json
import logging

import pytest

from udev_device_plugin.config.settings import LogLevel
from udev_device_plugin.telemetry import log_format as logs

pytestmark = pytest.mark.usefixtures("root_logger")


def test_json_is_one_object_a_line_with_fields_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogLevel.INFO.number, is_json=True)
    logging.getLogger("x").warning("gone\nfor %s", "good", extra={"resource": "squat.ai/a", "devices": ["/dev/\x1b"]})
    (line,) = capsys.readouterr().out.splitlines()
    fields = json.loads(line)
    assert (fields["level"], fields["msg"], fields["resource"]) == ("warn", "gone\nfor good", "squat.ai/a")
    assert fields["devices"] == ["/dev/\x1b"]
    assert "\x1b" not in line


def test_text_shows_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogLevel.INFO.number, is_json=False)
    logging.getLogger("x").info("seen", extra={"device": "/dev/\x1b[31m"})
    assert capsys.readouterr().out.rstrip().endswith("info  seen device=/dev/\\x1b[31m")


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        (LogLevel.ALL, ["debug", "info", "warning", "error"]),
        (LogLevel.DEBUG, ["debug", "info", "warning", "error"]),
        (LogLevel.INFO, ["info", "warning", "error"]),
        (LogLevel.WARN, ["warning", "error"]),
        (LogLevel.ERROR, ["error"]),
        (LogLevel.NONE, []),
    ],
)
def test_levels_are_the_origins(level: LogLevel, heard: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(level.number, is_json=True)
    for name in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("udev_device_plugin.x"), name)(name)
    assert [json.loads(line)["msg"] for line in capsys.readouterr().out.splitlines()] == heard


@pytest.mark.parametrize("name", ["grpc._cython.cygrpc", "asyncio", "x"])
def test_debug_lines_are_our_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogLevel.ALL.number, is_json=True)
    logging.getLogger(name).debug("inside")
    logging.getLogger(name).info("outside")
    assert [json.loads(line)["msg"] for line in capsys.readouterr().out.splitlines()] == ["outside"]


def test_for_a_person_only_what_is_amiss_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_for_person(LogLevel.ALL.number)
    logging.getLogger("x").info("fine")
    logging.getLogger("x").warning("amiss")
    out, err = capsys.readouterr()
    assert (out, err.partition(" ")[2]) == ("", "warn  amiss\n")
    logs.configure_for_person(LogLevel.NONE.number)
    logging.getLogger("x").error("amiss")
    assert capsys.readouterr() == ("", "")
