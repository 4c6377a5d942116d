"""The socket that a USB device is plugged into, whichever version of USB it speaks there."""

import pytest

from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice
from tests.lab.sticks import CONTROLLER_PATH, ch340, joined
from tests.world.more_sticks import hub, root_hub
from udev_device_plugin.host.usb_ports import physical_port

CONTROLLER = CONTROLLER_PATH.removeprefix("/devices/")


def place(port: str) -> str:
    return ch340(port=port).devices[0].sys_path


@pytest.mark.parametrize(
    ("port", "name"),
    [
        ("1-6", "6@{}/usb2"),
        ("2-1", "6@{}/usb2"),  # the socket's other port
        ("2-2", "2@{}/usb3"),  # a port of USB 3 alone
        ("1-3.4", "3.4@{}/usb2"),
        ("2-4.4", "3.4@{}/usb2"),  # behind a hub, of which the other side is not there
        ("2-4.4.1", "3.4.1@{}/usb2"),
        ("2-5.2", "5.3@{}/usb2"),  # behind a hub whose ports are numbered in another way
        ("2-5.2.7", "5.3.7@{}/usb2"),
        ("2-5.4", "5.4@{}/usb2"),
        ("2-7.1", "7.1@{}/usb3"),
    ],
)
def test_ports_of_both_versions_are_one_if_sysfs_joins_them(host: FakeHost, port: str, name: str) -> None:
    roots = joined(root_hub(1, 2), root_hub(2, 3), (6, 1), (3, 4), (5, 5))
    hubs: tuple[FakeDevice, ...] = joined(hub("1-5"), hub("2-5"), (3, 2))
    for one in (*roots, *hubs):
        host.plug(one, silent=True)
    assert physical_port(place(port)) == name.format(CONTROLLER)


@pytest.mark.usefixtures("host")
def test_a_bus_that_does_not_say_its_version_has_ports_all_the_same() -> None:
    assert physical_port(place("2-1")) == f"1@{CONTROLLER}/usb"
    assert physical_port(f"/sys{CONTROLLER_PATH}/usb2") == f"/sys{CONTROLLER_PATH}/usb2"
