"""Which node is it, and the kubelet's ID of a device: readable, short, unique over the node, the same for ever."""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin.devices.identity import MAX_ID_LENGTH, device_id, id_base, node_identity, own_link_name, slug
from udev_device_plugin.host.model import DeviceNumber, HostDevice, UsbDevice
from udev_device_plugin.host.topology import port

PARTS = st.lists(st.text(min_size=1, max_size=300).filter(lambda text: "\0" not in text), min_size=1, max_size=4)

XHCI = "/sys/devices/pci0000:00/0000:00:14.0"
BY_ID = "/dev/serial/by-id/usb-FTDI_FT232R_A1B2-if00-port0"
BY_PATH = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"
OTHER = "/dev/custom/lidar"


def at(sys_path: str, subsystem: str = "tty", usb_version: str = "2") -> HostDevice:
    usb_device = UsbDevice(sys_path, "", "", usb_version=usb_version)
    return HostDevice(sys_path, subsystem, DeviceNumber("c", 188, 0), "/dev/x", usb_device=usb_device)


def linked(*links: str, serial: str = "", leading_here: Iterable[str] | None = None) -> HostDevice:
    return HostDevice(
        sys_path=f"{XHCI}/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0",
        subsystem="tty",
        number=DeviceNumber("c", 188, 0),
        devnode="/dev/ttyUSB0",
        devlinks=links,
        links=links if leading_here is None else tuple(leading_here),
        serial=serial,
        usb_device=UsbDevice(f"{XHCI}/usb1/1-2", "0403", "6001", usb_version="2"),
    )


# Nodes.


def free(_: str) -> bool:
    return True


def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("device", "claimed_by_others", "expected"),
    [
        pytest.param(linked(BY_PATH, BY_ID, serial="A1B2"), set(), BY_ID, id="by-id with a serial number"),
        pytest.param(linked(BY_PATH, BY_ID), set(), BY_PATH, id="by-path without one, whatever by-id says"),
        pytest.param(linked(BY_PATH, BY_ID, serial="A1B2"), {BY_ID}, BY_PATH, id="by-path if a clone claims by-id too"),
        pytest.param(
            linked(BY_PATH, BY_ID, serial="A1B2", leading_here=[BY_PATH]),
            set(),
            BY_PATH,
            id="by-path if by-id leads elsewhere",
        ),
        pytest.param(linked(BY_PATH, serial="A1B2"), set(), BY_PATH, id="by-path if there is no by-id link"),
        pytest.param(linked(f"{BY_PATH}b", BY_PATH), set(), BY_PATH, id="of several, the bytewise first"),
        pytest.param(
            linked("/dev/z/by-id/1", BY_PATH, serial="A"),
            set(),
            "/dev/z/by-id/1",
            id="by-id before by-path, bytewise or not",
        ),
        pytest.param(
            linked(OTHER, serial="A1B2"),
            set(),
            "ttyUSB/tty/ttyUSB-2:1.0@pci0000:00/0000:00:14.0/usb2",
            id="else the port",
        ),
        pytest.param(
            linked(BY_PATH, BY_ID, serial="A1B2"),
            {BY_ID, BY_PATH},
            "ttyUSB/tty/ttyUSB-2:1.0@pci0000:00/0000:00:14.0/usb2",
            id="the port too if others claim all links",
        ),
    ],
)
def test_a_node_is_known_by_its_serial_number_else_by_its_port(
    device: HostDevice, claimed_by_others: set[str], expected: str
) -> None:
    assert node_identity(device, lambda link: link not in claimed_by_others, free, never) == expected


def test_nodes_at_one_port_are_told_apart_by_their_place_among_siblings() -> None:
    first, second = (node_identity(replace(linked(), place=place), free, free, never) for place in (0, 1))
    assert second == f"{first}#1"


@given(st.permutations([BY_ID, BY_PATH, OTHER, "/dev/serial/by-id/zzz"]), st.sets(st.sampled_from([BY_ID, BY_PATH])))
def test_the_order_in_which_udev_names_links_does_not_matter(links: list[str], claimed: set[str]) -> None:
    def is_sole(link: str) -> bool:
        return link not in claimed

    expected = node_identity(linked(*sorted(links), serial="A"), is_sole, free, never)
    assert node_identity(linked(*links, serial="A"), is_sole, free, never) == expected


# Ports.


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        pytest.param(
            at(f"{XHCI}/usb1/1-2/1-2:1.0/ttyUSB7/tty/ttyUSB7"),
            "ttyUSB/tty/ttyUSB-2:1.0@pci0000:00/0000:00:14.0/usb2",
            id="a serial adapter",
        ),
        pytest.param(
            at(f"{XHCI}/usb1/1-2/1-2.4/1-2.4.1/1-2.4.1:1.3/ttyUSB7/tty/ttyUSB7"),
            "ttyUSB/tty/ttyUSB-2.4.1:1.3@pci0000:00/0000:00:14.0/usb2",
            id="behind two hubs",
        ),
        pytest.param(at(f"{XHCI}/usb1/1-2", "usb"), "usb-2@pci0000:00/0000:00:14.0/usb2", id="the stick itself"),
        pytest.param(
            at(f"{XHCI}/usb1/1-2/1-2.3", "usb"), "usb-2.3@pci0000:00/0000:00:14.0/usb2", id="the stick behind a hub"
        ),
        pytest.param(
            at(f"{XHCI}/usb1/1-5/1-5:1.4/usbmisc/cdc-wdm0", "usbmisc"),
            "usbmisc/cdc-wdm-5:1.4@pci0000:00/0000:00:14.0/usb2",
            id="a modem's cdc-wdm",
        ),
        pytest.param(
            at(f"{XHCI}/usb1/1-4/1-4:1.0/sound/card2/pcmC2D0p", "sound"),
            "sound/card/pcmCDp-4:1.0@pci0000:00/0000:00:14.0/usb2",
            id="a sound card's pcm node",
        ),
        pytest.param(
            at(f"{XHCI}/usb1/1-1/1-1:1.1/0003:046D:C52B.0005/hidraw/hidraw3", "hidraw"),
            ":D:CB/hidraw/hidraw-1:1.1@pci0000:00/0000:00:14.0/usb2",
            id="HID, which has a counter of its own",
        ),
        pytest.param(
            at("/sys/devices/platform/soc/3f980000.usb/usb1/1-1/1-1.2/1-1.2:1.0/ttyUSB0/tty/ttyUSB0"),
            "ttyUSB/tty/ttyUSB-1.2:1.0@platform/soc/3f980000.usb/usb2",
            id="a controller that is on no PCI bus",
        ),
        pytest.param(
            at("/sys/devices/pci0000:00/0000:00:02.0/drm/card1", "drm", ""),
            "/sys/devices/pci0000:00/0000:00:02.0/drm/card",
            id="a PCI card",
        ),
        pytest.param(
            at("/sys/devices/pci0000:00/0000:00:1d.0/0000:3d:00.0/nvme/nvme0", "nvme", ""),
            "/sys/devices/pci0000:00/0000:00:1d.0/0000:3d:00.0/nvme/nvme",
            id="a PCI card behind a bridge",
        ),
        pytest.param(
            at(f"{XHCI}/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:1/block/sdc", "block"),
            "host/target:0:0/:0:0:1/block/sd-2:1.0@pci0000:00/0000:00:14.0/usb2",
            id="the second slot of a card reader, whatever its letter",
        ),
        pytest.param(
            at("/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sdaa/sdaa12", "block", ""),
            "/sys/devices/pci0000:00/0000:00:1f.2/ata/host/target:0:0/:0:0:0/block/sd/sd12",
            id="a partition, whose number is its own",
        ),
        pytest.param(
            at("/sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vdb", "block", ""),
            "/sys/devices/pci0000:00/0000:00:05.0/virtio/block/vd",
            id="a virtual machine's disk",
        ),
        pytest.param(
            at("/sys/devices/pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0", "block", ""),
            "/sys/devices/pci0000:00/0000:00:1a.0/mmc_host/mmc/mmc:/block/mmcblk",
            id="a memory card",
        ),
        pytest.param(
            at("/sys/devices/platform/serial8250/tty/ttyS0", usb_version=""),
            "/sys/devices/platform/serial8250/tty/ttyS0",
            id="a platform device keeps its path",
        ),
        pytest.param(
            at("/sys/devices/virtual/misc/fuse", "misc", ""),
            "/sys/devices/virtual/misc/fuse",
            id="so does a virtual one",
        ),
    ],
)
def test_a_port_is_the_place_without_anything_that_the_kernel_counts_up(device: HostDevice, expected: str) -> None:
    assert port(device) == expected


def test_the_ports_of_both_usb_versions_at_one_controller_are_two() -> None:
    # Their numbers are the same: a fast stick and a slow one in the two halves of a hub.
    slow, fast = (at(f"{XHCI}/usb{bus}/{bus}-2", "usb", version) for bus, version in ((1, "2"), (2, "3")))
    assert port(slow) != port(fast)


def test_the_nodes_of_one_interface_that_are_of_different_kinds_have_different_ports() -> None:
    card = f"{XHCI}/usb1/1-4/1-4:1.0/sound/card0"
    kinds = [at(f"{card}/{name}", "sound") for name in ("controlC0", "pcmC0D0p", "pcmC0D0c")]
    assert len({port(device) for device in kinds}) == 3


SMALL = st.integers(0, 300)


@given(
    st.tuples(SMALL, SMALL, SMALL), st.tuples(SMALL, SMALL, SMALL), st.lists(st.integers(1, 15), min_size=1, max_size=5)
)
def test_a_port_is_the_same_whatever_numbers_bus_card_and_node_are_given(
    one: tuple[int, int, int], other: tuple[int, int, int], chain: list[int]
) -> None:
    def sound(bus: int, card: int, number: int) -> str:
        steps = [f"{bus}-{'.'.join(map(str, chain[: depth + 1]))}" for depth in range(len(chain))]
        return port(
            at(f"{XHCI}/usb{bus}/{'/'.join(steps)}/{steps[-1]}:1.0/sound/card{card}/pcmC{card}D{number}p", "sound")
        )

    assert sound(*one) == sound(*other)


@given(
    st.lists(st.integers(1, 15), min_size=1, max_size=5),
    st.lists(st.integers(1, 15), min_size=1, max_size=5),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_different_ports_and_interfaces_are_never_taken_for_one(
    chain: list[int], other_chain: list[int], interface: int, other_interface: int
) -> None:
    def tty(chain: list[int], interface: int) -> str:
        steps = [f"1-{'.'.join(map(str, chain[: depth + 1]))}" for depth in range(len(chain))]
        return port(at(f"{XHCI}/usb1/{'/'.join(steps)}/{steps[-1]}:1.{interface}/ttyUSB0/tty/ttyUSB0"))

    are_same = (chain, interface) == (other_chain, other_interface)
    assert (tty(chain, interface) == tty(other_chain, other_interface)) is are_same


# IDs.


def test_an_id_names_the_device_to_a_person() -> None:
    assert re.fullmatch(r"ttyusb0-[0-9a-f]{10}-0", device_id("squat.ai/serial", ("/dev/ttyUSB0",), 0))
    assert device_id("squat.ai/av", ("/dev/video0", "/dev/snd/pcmC0D0c"), 3).startswith("video0-pcmc0d0c-")


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (("/dev/ttyUSB0",), "ttyusb0"),
        ((BY_ID,), "usb-ftdi-ft232r-a1b2-if00-port0"),
        (("usbmisc/cdc-wdm-5:1.4@pci0000:00/0000:00:14.0/usb2#1",), "cdc-wdm-5-1-4"),
        (("/dev/a", "/dev/b"), "a-b"),
        (("usb:0403:6001:serial=A/1\\B2",), "usb-0403-6001-serial-a-1-b2"),
        (("usb:0403:6001:serial=/A@B/:tty:1.0",), "usb-0403-6001-serial-a-b-tty-1-0"),
        (("/dev/ÄÖÜ",), "device"),
        (("/",), "device"),
    ],
)
def test_a_slug_is_what_a_person_recognises(identity: tuple[str, ...], expected: str) -> None:
    assert slug(*identity) == expected


def test_the_name_of_a_link_of_our_own_is_one_that_a_file_can_have_and_never_changes() -> None:
    assert own_link_name("usb:0403:6001:serial=A/1:tty:1.0") == "1-tty-1-0-d50d13ddac"
    assert len(own_link_name("usb:0403:6001:serial=" + "x" * 4000)) == 255


def test_an_id_never_changes_from_one_release_to_the_next() -> None:
    # The kubelet's checkpoint holds these over upgrades: a change here costs every user's running pods.
    assert device_id("squat.ai/serial", ("/dev/ttyUSB0",), 0) == "ttyusb0-b976330f86-0"


def test_the_same_path_in_two_resources_has_two_ids() -> None:
    assert device_id("squat.ai/a", ("/dev/x",), 0) != device_id("squat.ai/b", ("/dev/x",), 0)


def test_parts_are_not_run_together() -> None:
    assert device_id("squat.ai/a", ("/dev/x", "/dev/y"), 0) != device_id("squat.ai/a", ("/dev/x/dev/y",), 0)


@given(PARTS, st.integers(0, 10_000))
def test_whatever_the_names_an_id_is_short_and_plain(parts: list[str], replica: int) -> None:
    id_ = device_id("squat.ai/serial", tuple(parts), replica)
    assert len(id_) <= MAX_ID_LENGTH
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]+)*", id_)


@given(PARTS, st.integers(0, 10_000), st.integers(0, 10_000))
def test_all_replicas_of_a_device_are_known_to_be_of_one(parts: list[str], one: int, other: int) -> None:
    bases = {id_base(device_id("squat.ai/serial", tuple(parts), replica)) for replica in (0, one, other)}
    assert len(bases) == 1
    assert None not in bases


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "0",
        "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567-0",
        "ttyusb0-b976330f86",
        "ttyusb0-b976330f86-",
        "ttyusb0-b976330f8-0",
        "ttyusb0-b976330f8g-0",
        "TTYUSB0-b976330f86-0",
        "-b976330f86-0",
        "ttyusb0-b976330f86-0\n",
        "/dev/ttyUSB0",
        f"{'x' * 60}-b976330f86-0",
    ],
)
def test_an_id_of_another_plugin_is_not_taken_for_ours(id_: str) -> None:
    assert id_base(id_) is None


def test_what_another_node_is_known_by_already_is_passed_over() -> None:
    device = linked("/dev/serial/by-id/a", "/dev/serial/by-path/b", serial="A")
    taken = {"/dev/serial/by-id/a"}
    assert node_identity(device, free, lambda identity: identity not in taken, never) == "/dev/serial/by-path/b"
    taken |= {"/dev/serial/by-path/b", port(device)}
    assert node_identity(device, free, lambda identity: identity not in taken, never) == f"{port(device)}#1"
