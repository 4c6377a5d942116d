"""How far udev is with a node, on a made-up database and sysfs."""

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from udev_device_plugin.device import DeviceNumber, HostDevice, Readiness
from udev_device_plugin.discovery import readiness as room
from udev_device_plugin.discovery.readiness import Waits

NUMBER = DeviceNumber("c", 188, 0)
SECOND = 1_000_000_000


class Host:
    """What a wait looks at: sysfs knows the number, udevd runs and has not got to it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = directory / "data"
        self.data.mkdir()
        self.control = directory / "control"
        self.control.touch()
        self.is_kernels = True
        monkeypatch.setattr(room, "UDEV_DATA", str(self.data))
        monkeypatch.setattr(room, "UDEV_CONTROL", str(self.control))
        monkeypatch.setattr(room, "sys_path", lambda _: "/sys/devices/x" if self.is_kernels else "")
        self.overdue: asyncio.Queue[DeviceNumber] = asyncio.Queue()
        self.waits = Waits(self.overdue.put_nowait)
        self.waits.end_first_look()

    def udevd_is_done(self, at: int = 200) -> None:
        entry = self.data / str(NUMBER)
        entry.touch()
        os.utime(entry, ns=(at * SECOND, at * SECOND))

    def readiness(self, *, inode: int = 1, made_at: int = 100) -> Readiness:
        return self.waits.making(NUMBER, a_node(inode, made_at)).readiness


class _Status:
    """As much of a node's ``stat`` as is looked at."""

    def __init__(self, inode: int, made_at: int) -> None:
        self.st_mode = stat.S_IFCHR | 0o660
        self.st_ino = inode
        self.st_ctime_ns = made_at * SECOND


def a_node(inode: int, made_at: int) -> os.stat_result:
    return _Status(inode, made_at)  # type: ignore[return-value]  # a real one cannot be made with these times


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


async def test_a_node_is_awaited_until_udevs_database_has_it(host: Host) -> None:
    assert host.readiness() is Readiness.AWAITED
    assert host.readiness() is Readiness.AWAITED
    host.udevd_is_done()
    assert host.readiness() is Readiness.DONE
    host.waits.close()


async def test_what_no_driver_stands_behind_is_nothing_of_udevs(host: Host) -> None:
    host.is_kernels = False
    assert host.readiness() is Readiness.UNKNOWN


async def test_without_udevd_nothing_is_waited_for(host: Host) -> None:
    host.control.unlink()
    assert host.readiness() is Readiness.OVERDUE


async def test_an_entry_of_the_last_device_with_this_number_does_not_count(host: Host) -> None:
    host.udevd_is_done(at=50)
    assert host.readiness(made_at=100) is Readiness.AWAITED
    host.udevd_is_done(at=101)
    assert host.readiness(made_at=100) is Readiness.DONE


async def test_but_of_what_was_there_before_us_it_does(host: Host) -> None:
    host.udevd_is_done(at=50)
    first_look = Waits(host.overdue.put_nowait)
    assert first_look.making(NUMBER, a_node(1, 100)).readiness is Readiness.DONE


async def test_what_was_once_decided_holds_for_as_long_as_the_node_is_there(host: Host) -> None:
    host.udevd_is_done()
    assert host.readiness() is Readiness.DONE
    (host.data / str(NUMBER)).unlink()
    assert host.readiness() is Readiness.DONE
    assert host.readiness(inode=2) is Readiness.AWAITED, "this is another node"
    host.waits.close()


async def test_a_node_that_went_and_came_again_is_awaited_anew(host: Host) -> None:
    host.udevd_is_done()
    assert host.readiness() is Readiness.DONE
    host.waits.forget(NUMBER)
    assert host.readiness(made_at=300) is Readiness.AWAITED
    host.waits.close()


@pytest.mark.parametrize(
    ("has_entry", "expected"),
    [
        pytest.param(False, Readiness.OVERDUE, id="without an entry"),
        pytest.param(True, Readiness.DONE, id="with an entry that looked old: clocks are not all alike"),
    ],
)
async def test_a_wait_ends_in_time(
    host: Host, monkeypatch: pytest.MonkeyPatch, has_entry: bool, expected: Readiness
) -> None:
    monkeypatch.setattr(room, "HOLD_BACK", 0.001)
    if has_entry:
        host.udevd_is_done(at=50)
    assert host.readiness(made_at=100) is Readiness.AWAITED
    assert await asyncio.wait_for(host.overdue.get(), 10) == NUMBER
    assert host.readiness(made_at=100) is expected


@pytest.mark.parametrize("end", ["done", "forgotten", "made anew", "closed"])
async def test_a_wait_that_is_over_is_over(host: Host, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(room, "HOLD_BACK", 0.001)
    assert host.readiness() is Readiness.AWAITED
    match end:
        case "done":
            host.udevd_is_done()
            assert host.readiness() is Readiness.DONE
        case "forgotten":
            host.waits.forget(NUMBER)
        case "made anew":
            host.is_kernels = False
            assert host.readiness(inode=2) is Readiness.UNKNOWN
        case "closed":
            host.waits.close()
    later: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.002, later.set_result, None)  # goes off after the wait would have
    await later
    assert host.overdue.empty()


async def test_sysfs_is_not_asked_where_udev_has_told_of_this_very_making(host: Host) -> None:
    told = HostDevice("/sys/devices/told", "tty", NUMBER, "/dev/ttyUSB0", initialized_at=7)
    host.udevd_is_done()
    entry = host.data / str(NUMBER)
    times = entry.stat()
    entry.write_text("S:serial/by-id/x\nI:7\n")
    os.utime(entry, ns=(times.st_atime_ns, times.st_mtime_ns))

    def sys_path(inode: int, told: HostDevice | None) -> str:
        return host.waits.making(NUMBER, a_node(inode, 100), told).sys_path

    assert sys_path(1, told) == "/sys/devices/told"
    assert sys_path(2, None) == "/sys/devices/x"
    assert sys_path(3, replace(told, initialized_at=6)) == "/sys/devices/x"
    assert sys_path(4, replace(told, number=DeviceNumber("c", 188, 1))) == "/sys/devices/x"
    assert sys_path(5, replace(told, initialized_at=0)) == "/sys/devices/x"
