"""Which IDs and host paths devices have, held to a table for good: pods hold these IDs over an upgrade.

The table is `golden_identities.json`: by host and resource, a row for each ID, which is the ID, and then of each thing
that a container gets the node and the host path; a host path below `/nowhere` is a link of our own. A row that changes
costs running pods their device, so it changes on purpose only, and the changelog says so. To write the table anew:

    UPDATE_GOLDEN=1 hack/test world tests/world/test_golden_identities.py
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab import sysfs
from tests.lab.host import FakeHost, Pluggable
from tests.lab.listing import list_devices
from tests.lab.node import Node, Offer, every, node, resource_of, together
from tests.lab.records import FakeNode, Stick
from tests.lab.sticks import (
    BARE,
    CH340,
    CP2102,
    FT232R,
    LOADED,
    MODEM,
    SOUND_CARD,
    WEBCAM,
    Product,
    accelerator,
    camera,
    ch340,
    joined,
    modem,
    serial_adapter,
    sound_card,
)
from tests.world.more_sticks import (
    CARD_READER,
    DISK,
    EIGHT_PORTS,
    KEYBOARD,
    PRINTER,
    RECORDER,
    SCANNER,
    TUNERS,
    ZIGBEE,
    board,
    card_reader,
    eight_ports,
    elsewhere,
    graphics,
    hub,
    keyboard,
    nvme,
    odd_adapter,
    of_no_hardware,
    of_the_board,
    pci_serial_card,
    pci_sound_card,
    printer,
    recorder,
    root_hub,
    scanner,
    tuners,
    usb_disk,
    virtio_disk,
    zigbee,
)

TABLE = Path(__file__).with_name("golden_identities.json")
HOW_TO_UPDATE = "where that is meant, write the table anew: see the docstring of this module"
IS_UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
DIRECTORY = "/nowhere"
PI_CONTROLLER, PI_ID_PATH = "/devices/platform/soc/3f980000.usb", "platform-3f980000.usb"
PCI_CONTROLLER, PCI_ID_PATH = "/devices/pci0000:00/0000:00:1c.0/0000:02:00.0", "pci-0000:02:00.0"

Row = tuple[str, ...]
"""An ID, and of each thing that a container gets the node and the host path."""

Nodes = dict[str, int] | list[str]
"""Of a whole stick, as it is configured."""

Cases = dict[str, list[Row]]
"""The rows of one host, by resource."""


@dataclass(frozen=True, slots=True)
class Case:
    """A host, and what is configured on it."""

    name: str
    things: tuple[Pluggable | FakeNode, ...]
    specs: tuple[str, ...]
    is_with_buses: bool = True

    def set_up(self, host: FakeHost) -> None:
        """Plugs everything in, in this order; a node alone is one that udev does not know."""
        for thing in (*((root_hub(1, 2), root_hub(2, 3)) if self.is_with_buses else ()), *self.things):
            if isinstance(thing, FakeNode):
                sysfs.make_node(thing)
            else:
                host.plug(thing, silent=True)


def usb(
    product: Product,
    name: str,
    nodes: Nodes | None = None,
    serial: str | None = None,
    aliases: object = None,
    **options: object,
) -> str:
    """A spec that offers whole sticks."""
    entry = {
        "vendor": product.vendor,
        "product": product.product,
        **({"nodes": nodes} if nodes else {}),
        **({"serial": serial} if serial else {}),
        **({"aliases": aliases} if aliases else {}),
    }
    return json.dumps({"name": name, "groups": [{"usb": [entry], **options}]})


def hid(product: Product, name: str, **options: object) -> str:
    """A spec that offers HID interfaces."""
    entry = {"vendor": product.vendor, "product": product.product, **options}
    return json.dumps({"name": name, "groups": [{"hid": [entry]}]})


def rule(*rules: str, name: str, **options: object) -> str:
    """A spec that zips what these rules match."""
    return json.dumps({"name": name, "groups": [{"udev": [{"match": one, **options} for one in rules]}]})


def groups(*members: dict[str, Any], name: str) -> str:
    """A spec of several groups."""
    return json.dumps({"name": name, "groups": members})


def kinds(
    product: Product, node: str = "/dev/ttyUSB*", subsystem: str = "tty", links: str = "serial"
) -> tuple[str, ...]:
    """Every kind of selector for the nodes of one product's sticks."""
    return (
        every(node, name="node-glob"),
        every(f"/dev/{links}/by-id/*", name="by-id"),
        every(f"/dev/{links}/by-path/*", name="by-path"),
        rule(f'SUBSYSTEM=="{subsystem}", ATTRS{{idVendor}}=="{product.vendor}"', name="rule"),
        usb(product, "raw"),
        usb(product, "mapping", {subsystem: 1}),
        usb(product, "list", [subsystem]),
        usb(product, "both", {subsystem: 1, "usb": 1}),
    )


ALIASES = [{"vendor": LOADED.vendor, "product": LOADED.product}]
OWN_LINK = "lidar-0"
ADAPTER = serial_adapter()
TWO_FTDI = (serial_adapter("ttyUSB0", "A", "1-1"), serial_adapter("ttyUSB1", "B", "1-2"))
LIDAR = Stick((*ADAPTER.devices[:-1], replace(ADAPTER.main, links=(OWN_LINK,))))

CASES = (
    Case(
        "an adapter with a serial number",
        (ADAPTER,),
        (
            *kinds(FT232R),
            every("/dev/ttyUSB*", name="node-glob-shared", count=2),
            every("/dev/ttyUSB0", name="literal"),
            every("/dev/ttyUSB0", name="literal-shared", count=3),
            every(ADAPTER.by_id, name="literal-by-id"),
            every(ADAPTER.by_path, name="literal-by-path"),
            every("/dev/ttyUSB*", ADAPTER.by_id, name="glob-and-literal"),
            every("/dev/ttyUSB[0-9]", "/dev/serial/*/*", name="two-globs"),
            every("/dev/bus/usb/*/*", name="raw-glob"),
            every("/dev/bus/usb/001/003", name="raw-literal"),
            usb(FT232R, "by-serial", serial="A1B2"),
            usb(FT232R, "by-serial-with-nodes", ["tty", "usb"], "A1B2"),
            usb(FT232R, "shared", {"tty": 1}, count=3),
            usb(FT232R, "another-serial", serial="C3D4"),
            together({"path": "/dev/ttyUSB*", "mountPath": "/dev/lidar"}, name="with-mount-path"),
            together({"path": "/dev/ttyUSB*", "limit": 3}, name="with-limit"),
            together("/dev/ttyUSB*", {"path": "/dev/video*", "optional": True}, name="optional-absent"),
            together("/dev/ttyUSB*", {"path": ADAPTER.by_id, "limit": 2}, name="glob-with-repeated-link"),
            together({"path": "/dev/serial/by-id", "type": "Mount"}, name="mounted-directory"),
            together({"path": "/dev/serial/by-*", "type": "Mount"}, name="mounted-glob"),
            together({"path": "/dev/ttyUSB*", "type": "Mount"}, name="mounted-node"),
            together("/dev/ttyUSB*", {"path": "/dev/serial", "type": "Mount"}, name="node-with-mount"),
            every("/dev/serial", name="directory"),
            every("/dev/bus/usb", "/dev/ttyUSB*", name="directory-and-node"),
            every("/dev/ttyACM*", name="nothing"),
            rule('SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="0403"', name="rule-for-the-raw-node"),
            rule('KERNEL=="ttyUSB*", ENV{ID_SERIAL_SHORT}=="A1B2"', name="rule-by-serial", limit=2),
            json.dumps({"name": "root-hubs", "groups": [{"usb": [{"vendor": "1d6b", "product": "0002"}]}]}),
        ),
    ),
    Case("an adapter without a serial number", (ch340(),), kinds(CH340)),
    Case("an adapter whose bus does not say its version", (ch340(),), kinds(CH340), is_with_buses=False),
    Case(
        "an adapter with a link of somebody's own rule alone",
        (LIDAR,),
        (*kinds(FT232R), every("/dev/lidar-*", name="own-rule")),
    ),
    Case("two adapters with serial numbers", TWO_FTDI, kinds(FT232R)),
    Case(
        "clones",
        tuple(serial_adapter(f"ttyUSB{n}", "0001", f"1-{n + 1}", product=CP2102) for n in range(3)),
        kinds(CP2102),
    ),
    Case("twins without serial numbers", tuple(ch340(f"ttyUSB{n}", f"1-{n + 1}") for n in range(2)), kinds(CH340)),
    Case(
        "twins behind hubs",
        (
            hub("1-2"),
            hub("1-2.4"),
            *(ch340(f"ttyUSB{n}", f"1-2.4.{n + 1}") for n in range(2)),
            ch340("ttyUSB7", "1-10"),
        ),
        (*kinds(CH340), every("/dev/bus/usb/*/*", name="raw-glob")),
    ),
    Case(
        "the same port of USB 2 and USB 3",
        (ch340("ttyUSB0", "1-2"), ch340("ttyUSB1", "2-2")),
        kinds(CH340),
    ),
    Case(
        "the same port of two controllers and of a small board",
        (
            ch340("ttyUSB0", "1-2"),
            root_hub(3, 2, PI_CONTROLLER),
            elsewhere(ch340("ttyUSB1", "3-2"), PI_CONTROLLER, PI_ID_PATH),
            root_hub(4, 2, PCI_CONTROLLER),
            elsewhere(ch340("ttyUSB2", "4-2"), PCI_CONTROLLER, PCI_ID_PATH),
        ),
        kinds(CH340),
    ),
    Case(
        "odd serial numbers",
        (
            odd_adapter("ttyUSB0", "A 1  B2", "1-1"),
            odd_adapter("ttyUSB1", "A/1\\B2", "1-2"),
            odd_adapter("ttyUSB2", "Grün-漢字", "1-3"),
            odd_adapter("ttyUSB3", "L" * 126, "1-4"),
            odd_adapter("ttyUSB4", " 7", "1-5"),
            odd_adapter("ttyUSB5", "a1b2", "1-6"),
            odd_adapter("ttyUSB6", "A1B2", "1-7"),
            odd_adapter("ttyUSB7", "0", "1-8"),
            odd_adapter("ttyUSB8", "A 1 B2", "1-9"),
        ),
        (
            *kinds(FT232R),
            usb(FT232R, "with-spaces", ["tty"], "A 1  B2"),
            usb(FT232R, "with-slashes", ["tty"], "A/1\\B2"),
            usb(FT232R, "unicode", {"tty": 1}, "Grün-漢字"),
            usb(FT232R, "long", serial="L" * 126),
        ),
    ),
    Case(
        "adapters of eight ports with links",
        (eight_ports(0, "MX8", "1-2"), eight_ports(8, None, "1-3")),
        (*kinds(EIGHT_PORTS), usb(EIGHT_PORTS, "eight", {"tty": 8}), usb(EIGHT_PORTS, "three", {"tty": 3})),
    ),
    Case(
        "adapters of eight ports without links",
        (eight_ports(0, "MX8", "1-2", linked=False), eight_ports(8, None, "1-3", linked=False)),
        (
            *kinds(EIGHT_PORTS),
            usb(EIGHT_PORTS, "eight", {"tty": 8}),
            rule('SUBSYSTEM=="tty", ATTRS{port_number}=="5"', name="sixth-port"),
        ),
    ),
    Case(
        "an adapter of eight ports from ttyUSB6 on",
        (ch340("ttyUSB0", "1-1"), eight_ports(6, "MX8", "1-2", linked=False)),
        (*kinds(EIGHT_PORTS), usb(EIGHT_PORTS, "eight", {"tty": 8})),
    ),
    Case(
        "sticks that speak ACM",
        (zigbee(0, "DE2121", "1-1"), zigbee(1, None, "1-2"), zigbee(2, "DE2122", "1-3.1")),
        kinds(ZIGBEE, "/dev/ttyACM*"),
    ),
    Case(
        "cameras",
        (camera(0), camera(2, None, "1-4")),
        (
            *kinds(WEBCAM, "/dev/video*", "video4linux", "v4l"),
            usb(WEBCAM, "two-nodes", {"video4linux": 2}),
            every("/dev/v4l/by-id/*-index0", name="to-capture-from"),
            rule('SUBSYSTEM=="video4linux", ATTR{index}=="0"', name="rule-for-one"),
            rule('KERNEL=="video*", ATTR{index}=="0"', 'KERNEL=="video*", ATTR{index}=="1"', name="zipped-rules"),
        ),
    ),
    Case(
        "cloned cameras",
        (camera(0), camera(2, port="1-4")),
        (*kinds(WEBCAM, "/dev/video*", "video4linux", "v4l"), usb(WEBCAM, "two-nodes", {"video4linux": 2})),
    ),
    Case(
        "sound cards",
        (sound_card(), sound_card(1, "1-6")),
        (
            *kinds(SOUND_CARD, "/dev/snd/*", "sound", "snd"),
            usb(SOUND_CARD, "two-nodes", {"sound": 2}),
            every("/dev/snd", name="directory"),
            together("/dev/snd/controlC*", "/dev/snd/pcmC*", name="zipped"),
        ),
    ),
    Case(
        "sound cards with two capture devices",
        (recorder(0), recorder(1, None, "1-5")),
        (
            *kinds(RECORDER, "/dev/snd/pcm*", "sound", "snd"),
            every("/dev/snd/*c", name="capture"),
            usb(RECORDER, "four-nodes", {"sound": 4}),
            together("/dev/snd/pcmC*D0c", "/dev/snd/pcmC*D1c", name="zipped"),
        ),
    ),
    Case(
        "modems",
        (modem(0), modem(4, None, "1-6.2", wdm=1)),
        (
            *kinds(MODEM),
            usb(MODEM, "whole", {"tty": 4, "usbmisc": 1}),
            usb(MODEM, "whole-as-list", ["tty", "usbmisc", "usb"]),
            every("/dev/cdc-wdm*", name="control-node"),
            rule('SUBSYSTEM=="usbmisc", ATTRS{idVendor}=="2c7c"', name="rule-for-the-control-node"),
        ),
    ),
    Case(
        "DVB sticks",
        (tuners(0), tuners(2, None, "1-7.1"), tuners(4, "TV2", "1-8", count=1)),
        (
            every("/dev/dvb/*/*", name="node-glob"),
            every("/dev/dvb/*/frontend0", name="frontends"),
            every("/dev/dvb/adapter1", name="directory"),
            together({"path": "/dev/dvb/adapter*", "type": "Mount"}, name="mounted-glob"),
            together("/dev/dvb/*/frontend0", "/dev/dvb/*/demux0", "/dev/dvb/*/dvr0", name="zipped"),
            rule('SUBSYSTEM=="dvb", KERNEL=="dvb?.frontend0"', name="rule"),
            usb(TUNERS, "raw"),
            usb(TUNERS, "three-nodes", {"dvb": 3}),
            usb(TUNERS, "list", ["dvb"]),
        ),
    ),
    Case(
        "keyboards",
        (keyboard(0), keyboard(4, None, "1-9"), keyboard(8, "K3", "1-10")),
        (
            *kinds(KEYBOARD, "/dev/input/event*", "input", "input"),
            usb(KEYBOARD, "all-nodes", {"input": 4, "hidraw": 2}),
            every("/dev/hidraw*", name="hidraw"),
            rule('SUBSYSTEM=="hidraw", ATTRS{idVendor}=="046d"', name="rule-for-hidraw"),
            usb(KEYBOARD, "hidraw-of-each", ["hidraw"]),
            hid(KEYBOARD, "hid"),
            hid(KEYBOARD, "hid-by-serial", serial="K3"),
        ),
    ),
    Case(
        "bar code scanners",
        (
            scanner(0),
            scanner(2, None, "1-5"),
            scanner(4, "S2", "1-6.3"),
            scanner(6, "0001", "1-7"),
            scanner(8, "0001", "1-8"),
        ),
        (hid(SCANNER, "hid"), hid(SCANNER, "scans", usagePage="8c"), usb(SCANNER, "list", ["hidraw"])),
    ),
    Case(
        "things that show themselves under several ids",
        (
            *joined(root_hub(1, 2), root_hub(2, 3), (1, 1), (2, 4)),
            accelerator(BARE, "1-1"),
            accelerator(LOADED, "2-4", "A1"),
            accelerator(BARE, "1-3.2"),
            board(BARE, 2, "ttyUSB3", "1-5", "B1"),
            board(LOADED, 0, "ttyUSB1", "2-6"),
        ),
        (usb(BARE, "raw", aliases=ALIASES), usb(BARE, "ttys", ["tty"], aliases=ALIASES), usb(LOADED, "loaded-alone")),
        is_with_buses=False,
    ),
    Case(
        "printers",
        (printer(), printer(1, None, "1-9")),
        (every("/dev/usb/lp*", name="node-glob"), usb(PRINTER, "list", ["usbmisc"])),
    ),
    Case(
        "USB disks",
        (usb_disk("b"), usb_disk("c", None, "1-11"), card_reader("de")),
        (
            *kinds(DISK, "/dev/sd*", "block", "disk"),
            every("/dev/sd?", name="disks"),
            every("/dev/disk/by-id/*-part1", name="first-partitions"),
            usb(DISK, "three-nodes", {"block": 3}),
            usb(CARD_READER, "slots", ["block"]),
            rule('SUBSYSTEM=="block", ENV{DEVTYPE}=="partition"', name="rule-for-partitions"),
        ),
    ),
    Case(
        "cards of PCI",
        (
            pci_sound_card(),
            pci_serial_card(),
            pci_serial_card(8, "0000:06:00.0", is_recent=True),
            graphics(),
            graphics(1, "0000:01:00.0"),
            nvme(),
            nvme(1, None, "0000:05:00.0"),
            virtio_disk(),
        ),
        (
            every("/dev/snd/*", name="sound"),
            every("/dev/snd", name="sound-directory"),
            every("/dev/ttyS*", name="ttys"),
            rule('SUBSYSTEM=="tty", KERNELS=="0000:03:00.0"', name="ttys-of-one-card"),
            every("/dev/dri/*", name="graphics"),
            every("/dev/dri/renderD*", name="to-compute"),
            every("/dev/dri/by-path/*-render", name="to-compute-by-path"),
            together("/dev/dri/card*", "/dev/dri/renderD*", name="graphics-zipped"),
            every("/dev/nvme*", name="nvme"),
            every("/dev/disk/by-id/*", name="disks-by-id"),
            every("/dev/vd*", name="virtio"),
        ),
        is_with_buses=False,
    ),
    Case(
        "neither USB nor PCI",
        (of_the_board(), of_no_hardware(), FakeNode("handmade0", 240, 0), FakeNode("own/handmade1", 240, 1)),
        (
            every("/dev/gpiochip*", "/dev/i2c-*", "/dev/spidev*", "/dev/ttyS*", name="of-the-board"),
            every("/dev/fuse", name="fuse"),
            every("/dev/kvm", name="kvm", count=10),
            every("/dev/net/*", name="tun"),
            every("/dev/tty7", "/dev/tty[0-9]", name="tty"),
            every("/dev/video*", name="video"),
            every("/dev/loop*", name="loop"),
            every("/dev/handmade*", "/dev/own/*", name="handmade"),
            every("/dev/own/handmade1", name="handmade-literal"),
            every("/dev/own", name="handmade-directory"),
            rule('SUBSYSTEM=="misc"', name="rule"),
            rule('SUBSYSTEM=="block|video4linux"', name="rule-for-two-kinds"),
            every("/dev/null", name="null", count=2),
        ),
        is_with_buses=False,
    ),
    Case(
        "adapters with cameras and sound",
        (*TWO_FTDI, ch340("ttyUSB2", "1-7"), camera(0), camera(2, None, "1-4"), sound_card(0, "1-5")),
        (
            together("/dev/ttyUSB*", "/dev/video*", name="zipped"),
            together("/dev/serial/by-id/*", "/dev/v4l/by-id/*-index0", name="zipped-links", count=2),
            together("/dev/ttyUSB*", {"path": "/dev/snd/controlC0", "limit": 2}, name="with-one-repeated"),
            together("/dev/ttyUSB*", {"path": "/dev/fuse", "optional": True}, name="optional-absent"),
            together("/dev/ttyUSB*", {"path": "/dev/snd/pcm*", "optional": True, "limit": 3}, name="optional-present"),
            rule(
                'SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"', 'SUBSYSTEM=="sound", KERNEL=="controlC?"', name="rules", limit=2
            ),
            groups(
                {"paths": [{"path": "/dev/video0"}, {"path": "/dev/ttyUSB*"}]},
                {"paths": [{"path": "/dev/ttyUSB*"}], "count": 2},
                name="groups",
            ),
            groups(
                {"paths": [{"path": "/dev/ttyUSB1"}]},
                {"usb": [{"vendor": FT232R.vendor, "product": FT232R.product, "nodes": ["tty"]}]},
                name="path-before-stick",
            ),
            json.dumps(
                {
                    "name": "two-products",
                    "groups": [
                        {
                            "usb": [
                                {"vendor": one.vendor, "product": one.product, "nodes": ["tty"]}
                                for one in (FT232R, CH340)
                            ]
                        }
                    ],
                }
            ),
        ),
    ),
)

LATE_CLONES = "clones that come one after the other, and a restart"
HOSTS = (*(case.name for case in CASES), LATE_CLONES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_no_release_changes_an_id_unseen(host: FakeHost, case: Case) -> None:
    case.set_up(host)
    listed = list_devices(*case.specs, directory=DIRECTORY)
    assert listed.code == 0, listed.errors
    resources = json.loads(listed.output)["resources"]
    hold_to_table(case.name, {short(one["name"]): [*rows_of(one["devices"])] for one in resources})


async def test_no_release_changes_an_id_that_came_of_who_was_there_first(host: FakeHost, plugin_directory: str) -> None:
    specs = (
        every("/dev/ttyUSB*", name="node-glob"),
        usb(CP2102, "raw"),
        usb(CP2102, "mapping", {"tty": 1}),
        rule('SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4"', name="rule"),
        together("/dev/ttyUSB*", "/dev/video*", name="zipped"),
    )
    names = [resource_of(spec) for spec in specs]

    async def found(here: Node, healthy: int) -> Cases:
        for name in names:
            await here.wait_for(healthy, resource=name)
        await here.catch_up()
        return {short(name): sorted(rows_of_offers(await here.offers(name), plugin_directory)) for name in names}

    host.plug(root_hub(1, 2))
    for number in range(2):  # cameras, the first of which goes to the adapter that comes first
        host.plug(camera(2 * number, f"CAM{number}", f"1-{number + 8}"))
    async with node(plugin_directory, *specs) as here:
        for come in (1, 2, 3):  # what comes later is first in every order
            host.plug(serial_adapter(f"ttyUSB{3 - come}", "0001", f"1-{4 - come}", product=CP2102))
            before = await found(here, healthy=come)
    async with node(plugin_directory, *specs) as here:
        assert await found(here, healthy=3) == before
    hold_to_table(LATE_CLONES, before)


def test_the_table_has_these_hosts_and_no_others() -> None:
    assert tuple(read_table()) == HOSTS, "rows of a host that is gone hold nobody's IDs: " + HOW_TO_UPDATE


def short(resource: str) -> str:
    """A resource's name without its domain."""
    return resource.rpartition("/")[2]


def rows_of(devices: Iterable[dict[str, Any]]) -> Iterator[Row]:
    """The rows of one resource, by its JSON."""
    for device in devices:
        things = [text for member in device["members"] for text in (member["node"], member["hostPath"])]
        for id_ in device["ids"]:
            yield (id_, *things)


def rows_of_offers(offers: Iterable[Offer], directory: str) -> Iterator[Row]:
    """The rows of one resource, by what a container would get; healthy devices only."""
    for offer in offers:
        paths = [device.host_path for device in offer.devices]
        things = [text for path in paths for text in (os.path.realpath(path), path.replace(directory, DIRECTORY))]
        if offer.is_healthy:
            yield (offer.id, *things)


def read_table() -> dict[str, Cases]:
    """The table as it was written last."""
    table = json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}
    return {name: {resource: [*map(tuple, rows)] for resource, rows in cases.items()} for name, cases in table.items()}


def write_table(table: dict[str, Cases]) -> None:
    """Writes it with a line for each row."""
    hosts = [in_lines(1, name, "{}", [case_lines(*case) for case in table[name].items()]) for name in table]
    TABLE.write_text("{\n" + ",\n".join(hosts) + "\n}\n", "utf-8")


def case_lines(resource: str, rows: list[Row]) -> str:
    """A resource with its rows."""
    return in_lines(2, resource, "[]", [f"   {spelled(row)}" for row in rows])


def in_lines(depth: int, key: str, brackets: str, members: list[str]) -> str:
    """A member of an object, with each of its own members on lines of its own."""
    indent = " " * depth
    inside = "".join(["\n", ",\n".join(members), "\n", indent]) if members else ""
    return f"{indent}{spelled(key)}: {brackets[0]}{inside}{brackets[1]}"


def spelled(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def hold_to_table(name: str, cases: Cases) -> None:
    """Compares what one host gives with its rows in the table, or writes them there."""
    cases = {resource: sorted(rows, key=lambda row: (what_it_is(row), row)) for resource, rows in cases.items()}
    table = read_table()
    if IS_UPDATE:
        table[name] = cases
        write_table({one: table[one] for one in HOSTS if one in table})
        return
    assert name in table, f"{name}: the table does not have it; {HOW_TO_UPDATE}"
    changes = [f"{name}, {change}" for change in differences(table[name], cases)]
    assert not changes, "\n".join(["running pods would lose their devices", *changes, HOW_TO_UPDATE])


def differences(before: Cases, now: Cases) -> Iterator[str]:
    """What became of each row that is not as it was."""
    for resource in dict.fromkeys((*before, *now)):
        if resource not in before or resource not in now:
            yield f"{resource}: the {'table' if resource in now else 'test'} does not have it"
            continue
        old, new = ({what_it_is(row): row for row in cases[resource]} for cases in (before, now))
        assert (len(old), len(new)) == (len(before[resource]), len(now[resource])), "rows that cannot be told apart"
        for what in dict.fromkeys((*old, *new)):
            if old.get(what) != new.get(what):
                yield f"{resource}: was {spelled(old.get(what))}, is {spelled(new.get(what))}"


def what_it_is(row: Row) -> tuple[Row, str]:
    """The nodes, and which replica it is: what a row of today and one of the table have in common."""
    return row[1::2], row[0].rpartition("-")[2]
