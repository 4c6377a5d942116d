"""One look at the host ends, whatever happens, and tells what went wrong."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest

from udev_device_plugin import looking
from udev_device_plugin.cli import main
from udev_device_plugin.device import DeviceNumber, HostDevice
from udev_device_plugin.discovery import Sink
from udev_device_plugin.errors import SourceError
from udev_device_plugin.interest import Interest
from udev_device_plugin.metrics import Metrics
from udev_device_plugin.observations import Observation, PathsResync, UdevResync

SPEC = ("--device", "{type: kvm, paths: [/dev/kvm]}")

OnHearing = Callable[[bool], None]


class Udev:
    """Tells of nothing, and keeps silent from then on."""

    def __init__(self, interest: Interest, metrics: Metrics) -> None:
        del interest, metrics

    async def run(self, sink: Sink, on_hearing: OnHearing) -> None:
        on_hearing(False)
        sink((UdevResync(()),), 0.0)
        await asyncio.Event().wait()

    def rescan(self) -> None:
        pass

    def identify(self, numbers: Collection[DeviceNumber]) -> None:
        """It never answers."""


class DeafUdev(Udev):
    async def run(self, sink: Sink, on_hearing: OnHearing) -> None:
        del sink, on_hearing
        raise SourceError("udev: cannot be listened to")


class OddUdev(Udev):
    async def run(self, sink: Sink, on_hearing: OnHearing) -> None:
        sink(("no observation at all",), 0.0)  # type: ignore[arg-type]  # what no source should do
        await super().run(sink, on_hearing)


class Filesystem:
    """There is nothing."""

    found: frozenset[str] = frozenset()

    def __init__(self, *_: Any) -> None:
        pass

    async def run(self, sink: Sink) -> None:
        sink((PathsResync(()),), 0.0)
        await asyncio.Event().wait()

    def trust(self, hears: bool) -> None:
        del hears

    def look(self, paths: Iterable[str], told: HostDevice | None = None) -> list[Observation]:
        del paths, told
        return []

    def follow(self, come: Iterable[str], gone: Iterable[str]) -> list[Observation]:
        del come, gone
        return []


pytestmark = pytest.mark.usefixtures("root_logger")


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "UdevSource", Udev)
    monkeypatch.setattr(looking, "FilesystemSource", Filesystem)


def test_where_there_is_nothing_that_is_said_and_the_exit_code_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-devices", *SPEC], {}) == 0
    _, line = capsys.readouterr().out.splitlines()
    assert line.split() == ["squat.ai/kvm", "/dev/kvm", "no", "match", "-", "nothing", "stands", "there"]


def test_a_source_that_breaks_down_is_a_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "UdevSource", DeafUdev)
    assert main(["--list-devices", *SPEC], {}) == 1
    assert capsys.readouterr() == ("", "udev: cannot be listened to\n")


async def test_what_cannot_be_taken_in_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "UdevSource", OddUdev)
    with pytest.raises(TypeError):
        await asyncio.wait_for(looking._look(Interest(frozenset())), 20)
