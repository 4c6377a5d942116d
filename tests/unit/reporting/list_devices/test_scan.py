"""One look at the host ends, and tells what went wrong."""

import pytest

from udev_device_plugin.app.cli import main
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook, NotLookedError
from udev_device_plugin.reporting.list_devices import scan as looking

SPEC = ("--device", "{type: kvm, paths: [/dev/kvm]}")


def test_where_there_is_nothing_that_is_said_and_the_exit_code_is_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(looking, "look_at_everything", lambda _: (HostLook(complete_for=0), frozenset()))
    assert main(["--list-devices", *SPEC]) == 0
    assert "nothing stands there" in capsys.readouterr().out


@pytest.mark.parametrize("error", [OSError("no /sys"), NotLookedError("out of descriptors")])
def test_a_host_that_cannot_be_looked_at_is_a_line_and_exit_code_1(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Interest) -> None:
        raise error

    monkeypatch.setattr(looking, "look_at_everything", fail)
    assert main(["--list-devices", *SPEC]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(error) in line
    assert "Traceback" not in line
