"""More ready-made devices, for the table of IDs: USB buses, odd adapters, and what hangs on no USB. Values only.

A port is written as in `sticks`. Each card and disk is described as Linux and Debian's rules describe the real ones.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import CONTROLLER_PATH, FT232R, TTY_USB_MAJOR, Product, id_path, serial_adapter

HUB = Product("0424", "2514", "Microchip", "USB2514_Hub", "hub")
EIGHT_PORTS = Product("110a", "1653", "Moxa", "UPort_1650-8", "mxuport")
ZIGBEE = Product("1cf1", "0030", "dresden_elektronik", "ConBee_II", "cdc_acm")
RECORDER = Product("1235", "8210", "Focusrite", "Scarlett_2i4_USB", "snd-usb-audio")
TUNERS = Product("2040", "8268", "Hauppauge", "soloHD", "em28xx")
KEYBOARD = Product("046d", "c31c", "Logitech", "USB_Keyboard", "usbhid")
SCANNER = Product("05e0", "1200", "Symbol", "Bar_Code_Scanner", "usbhid")
CARD_READER = Product("0bda", "0316", "Generic-", "USB3.0-CRW", "usb-storage")
DISK = Product("0781", "5581", "SanDisk", "Ultra", "usb-storage")
PRINTER = Product("04f9", "0042", "Brother", "HL-2270DW_series", "usblp")

ACM_MAJOR, DVB_MAJOR, INPUT_MAJOR, HIDRAW_MAJOR, DISK_MAJOR, SOUND_MAJOR, USBMISC_MAJOR = 166, 212, 13, 243, 8, 116, 180
CONTROLLER_ID_PATH = "pci-0000:00:14.0"


# USB.


def root_hub(bus: int, version: int, controller: str = CONTROLLER_PATH) -> FakeDevice:
    """What a bus begins with; only it says which USB the bus speaks."""
    return FakeDevice(
        devpath=f"{controller}/usb{bus}",
        subsystem="usb",
        devtype="usb_device",
        driver="usb",
        node=FakeNode(f"bus/usb/{bus:03}/001", 189, (bus - 1) * 128, mode=0o664),
        attributes={
            "idVendor": "1d6b",
            "idProduct": f"{version:04}",
            "serial": controller.rsplit("/", 1)[-1],
            "version": f" {version}.00",
        },
        properties={"ID_BUS": "usb", "ID_SERIAL_SHORT": controller.rsplit("/", 1)[-1]},
    )


def hub(port: str) -> FakeDevice:
    """A hub: a device with a raw node of its own, and all of its ports below it."""
    return _plugged(HUB, None, port)


def elsewhere(stick: Stick, controller: str, its_id_path: str) -> Stick:
    """The same at another controller."""
    return Stick(
        tuple(
            replace(
                device,
                devpath=device.devpath.replace(CONTROLLER_PATH, controller),
                properties={k: v.replace(CONTROLLER_ID_PATH, its_id_path) for k, v in device.properties.items()},
                links=tuple(link.replace(CONTROLLER_ID_PATH, its_id_path) for link in device.links),
            )
            for device in stick
        )
    )


def odd_adapter(name: str, serial: str, port: str, *, product: Product = FT232R) -> Stick:
    """An adapter whose serial number is no word: the kernel tells it as it is, udev makes a word of it."""
    usb, *others = serial_adapter(name, as_a_word(serial), port, product=product)
    return Stick((replace(usb, attributes={**usb.attributes, "serial": serial}), *others))


def as_a_word(text: str) -> str:
    """What udev makes of a text that may stand in the name of a link."""
    return re.sub(r"[^\w#+.:=@-]", "_", re.sub(r"\s+", "_", text.strip()))


def eight_ports(first: int = 0, serial: str | None = "MX8", port: str = "1-2", *, linked: bool = True) -> Stick:
    """A serial adapter with eight ttys on one interface, which the driver numbers in order."""
    usb = _plugged(EIGHT_PORTS, serial, port)
    interface = _interface(usb, 0, EIGHT_PORTS)
    devices = [usb, interface]
    for number in range(8):
        name = f"ttyUSB{first + number}"
        place = f"{interface.devpath}/{name}"
        usb_serial = FakeDevice(place, "usb-serial", driver=EIGHT_PORTS.driver, attributes={"port_number": str(number)})
        tty = FakeDevice(
            devpath=f"{place}/tty/{name}",
            subsystem="tty",
            node=FakeNode(name, TTY_USB_MAJOR, first + number),
            properties=usb.properties,
            links=_links("serial", usb, 0, f"-port{number}", f"-if00-port{number}") if linked else (),
        )
        devices += [usb_serial, tty]
    return Stick(tuple(devices))


def zigbee(number: int = 0, serial: str | None = "DE2121", port: str = "1-2") -> Stick:
    """A stick that speaks ACM: its tty hangs on the interface itself, and udev's links name no port."""
    usb = _plugged(ZIGBEE, serial, port)
    interface = _interface(usb, 0, ZIGBEE)
    tty = FakeDevice(
        devpath=f"{interface.devpath}/tty/ttyACM{number}",
        subsystem="tty",
        node=FakeNode(f"ttyACM{number}", ACM_MAJOR, number),
        properties=usb.properties,
        links=_links("serial", usb, 0, "", "-if00"),
    )
    return Stick((usb, interface, tty))


def recorder(card: int = 0, serial: str | None = "REC1", port: str = "1-4") -> Stick:
    """A sound card with two capture devices and one to play; udev has links for the control node only."""
    usb = _plugged(RECORDER, serial, port)
    interface = _interface(usb, 0, RECORDER)
    links = _links("snd", usb, 0, "", "-00")
    return Stick((usb, interface, *_sound(interface.devpath, card, ("D0p", "D0c", "D1c"), links, usb.properties)))


def tuners(adapter: int = 0, serial: str | None = "TV1", port: str = "1-6", *, count: int = 2) -> Stick:
    """A DVB stick: for each tuner an adapter with a frontend, a demultiplexer and a recorder. Udev has no links."""
    usb = _plugged(TUNERS, serial, port)
    interface = _interface(usb, 0, TUNERS)
    nodes = [
        FakeDevice(
            devpath=f"{interface.devpath}/dvb/dvb{adapter + tuner}.{kind}0",
            subsystem="dvb",
            node=FakeNode(f"dvb/adapter{adapter + tuner}/{kind}0", DVB_MAJOR, 4 * (adapter + tuner) + place),
            properties=usb.properties,
        )
        for tuner in range(count)
        for place, kind in enumerate(("demux", "dvr", "frontend"))
    ]
    return Stick((usb, interface, *nodes))


def keyboard(first: int = 0, serial: str | None = None, port: str = "1-7") -> Stick:
    """A keyboard: its second interface has three event nodes, which all claim one link, and each has a hidraw node."""
    usb = _plugged(KEYBOARD, serial, port)
    devices = [usb]
    for number, events in enumerate((1, 3)):
        interface = _interface(usb, number, KEYBOARD)
        hid = FakeDevice(f"{interface.devpath}/0003:046D:C31C.{first + number + 1:04X}", "hid", driver="hid-generic")
        devices += [interface, hid]
        devices += [_event(hid, usb, number, first + number + event) for event in range(events)]
        devices.append(_hidraw(hid, usb, first + number))
    return Stick(tuple(devices))


KEYS, SCANS = b"\x05\x01\x09\x06\xa1\x01\xc0", b"\x05\x8c\x09\x02\xa1\x01\x05\x01\xa1\x02\xc0\xc0"
"""Report descriptors: of the usage page 1, of which keyboards are, and of the page 8c, of bar code scanners."""


def scanner(first: int = 0, serial: str | None = "S1", port: str = "1-4") -> Stick:
    """A bar code scanner: as a keyboard at its first interface, and at its second as what it is."""
    usb = _plugged(SCANNER, serial, port)
    devices = [usb]
    for number, descriptor in enumerate((KEYS, SCANS)):
        interface = _interface(usb, number, SCANNER)
        attributes = {"report_descriptor": descriptor.decode("utf-8", "surrogateescape")}
        place = f"{interface.devpath}/0003:05E0:1200.{first + number + 1:04X}"
        hid = FakeDevice(place, "hid", driver="hid-generic", attributes=attributes)
        devices += [interface, hid, _hidraw(hid, usb, first + number)]
    return Stick(tuple(devices))


def board(product: Product, interface: int, tty: str, port: str = "1-2", serial: str | None = None) -> Stick:
    """A board with a tty, which is at one interface as itself and at another one in its bootloader."""
    devices = serial_adapter(tty, serial, port, product=product).devices
    moved = (
        replace(
            device,
            devpath=device.devpath.replace(":1.0", f":1.{interface}"),
            links=tuple(
                link.replace("-if00", f"-if{interface:02}").replace(":1.0", f":1.{interface}") for link in device.links
            ),
        )
        for device in devices
    )
    return Stick(tuple(moved))


def printer(number: int = 0, serial: str | None = "PRN1", port: str = "1-8") -> Stick:
    """A printer, for whose node udev has no link."""
    usb = _plugged(PRINTER, serial, port)
    interface = _interface(usb, 0, PRINTER)
    node = FakeNode(f"usb/lp{number}", USBMISC_MAJOR, number)
    return Stick((usb, interface, FakeDevice(f"{interface.devpath}/usbmisc/lp{number}", "usbmisc", node=node)))


def usb_disk(letter: str = "b", serial: str | None = "DISK1", port: str = "1-9", *, partitions: int = 2) -> Stick:
    """A USB disk with partitions."""
    usb = _plugged(DISK, serial, port)
    interface = _interface(usb, 0, DISK)
    links = _links("disk", usb, 0, "-scsi-0:0:0:0", "-0:0")
    place = f"{interface.devpath}/host6/target6:0:0/6:0:0:0/block/sd{letter}"
    return Stick(
        (usb, interface, *_disk(place, _scsi(letter), links, usb.properties, tuple(map(str, range(1, partitions + 1)))))
    )


def card_reader(letters: str = "cd", port: str = "1-10") -> Stick:
    """A card reader with several slots, which are units of one SCSI target; it has no serial number."""
    usb = _plugged(CARD_READER, None, port)
    interface = _interface(usb, 0, CARD_READER)
    slots: list[FakeDevice] = []
    for unit, letter in enumerate(letters):
        links = _links("disk", usb, 0, f"-scsi-0:0:0:{unit}", f"-0:{unit}")
        place = f"{interface.devpath}/host7/target7:0:0/7:0:0:{unit}/block/sd{letter}"
        slots += _disk(place, _scsi(letter), links, usb.properties, ())
    return Stick((usb, interface, *slots))


# PCI.


def pci_sound_card(card: int = 1, address: str = "0000:00:1f.3") -> Stick:
    """A sound card of the machine's own; udev has a link for the control node only."""
    pci = _pci(address, "snd_hda_intel")
    nodes = _sound(pci.devpath, card, ("D0p", "D0c", "D3p", "D7p"), (f"snd/by-path/pci-{address}",), {})
    return Stick((pci, *nodes))


def pci_serial_card(first: int = 4, address: str = "0000:03:00.0", *, count: int = 4, is_recent: bool = False) -> Stick:
    """A card with several ttys, without links; since Linux 6.5 each tty has a port of its own in sysfs."""
    pci = _pci(address, "serial")
    ttys = [
        FakeDevice(
            devpath="/".join(
                [
                    pci.devpath,
                    *([f"{address}:0", f"{address}:0.{port}"] if is_recent else []),
                    f"tty/ttyS{first + port}",
                ]
            ),
            subsystem="tty",
            node=FakeNode(f"ttyS{first + port}", 4, 64 + first + port),
        )
        for port in range(count)
    ]
    return Stick((pci, *ttys))


def graphics(card: int = 0, address: str = "0000:00:02.0") -> Stick:
    """A graphics card: to show and to compute."""
    pci = _pci(address, "i915")
    return Stick(
        (
            pci,
            *(
                FakeDevice(
                    devpath=f"{pci.devpath}/drm/{name}",
                    subsystem="drm",
                    node=FakeNode(f"dri/{name}", 226, minor),
                    links=(f"dri/by-path/pci-{address}-{kind}",),
                )
                for name, minor, kind in (
                    (f"card{card}", card, "card"),
                    (f"renderD{128 + card}", 128 + card, "render"),
                )
            ),
        )
    )


def nvme(number: int = 0, serial: str | None = "NV1", address: str = "0000:04:00.0") -> Stick:
    """An NVMe disk with its control node and a partition."""
    pci = _pci(address, "nvme")
    control = f"{pci.devpath}/nvme/nvme{number}"
    links = (*([f"disk/by-id/nvme-Disk_{serial}"] if serial else []), f"disk/by-path/pci-{address}-nvme-1")
    properties = {"ID_SERIAL": f"Disk_{serial}", "ID_SERIAL_SHORT": serial} if serial else {}
    disk = _disk(f"{control}/nvme{number}n1", (259, 16 * number), links, properties, ("p1",))
    return Stick((pci, FakeDevice(control, "nvme", node=FakeNode(f"nvme{number}", 240, number)), *disk))


def virtio_disk(letter: str = "a", address: str = "0000:00:05.0") -> Stick:
    """A virtual machine's disk, with a partition, and no link that lasts."""
    pci = _pci(address, "virtio-pci")
    return Stick((pci, *_disk(f"{pci.devpath}/virtio2/block/vd{letter}", (252, 16 * _order(letter)), (), {}, ("1",))))


# Neither.


def of_the_board() -> Stick:
    """What a small board has besides: a GPIO chip, an I2C bus, an SPI device, a tty."""
    places = (
        ("/devices/platform/soc/fe200000.gpio/gpiochip0", "gpio", FakeNode("gpiochip0", 254, 0)),
        ("/devices/platform/soc/fe804000.i2c/i2c-1/i2c-dev/i2c-1", "i2c-dev", FakeNode("i2c-1", 89, 1)),
        (
            "/devices/platform/soc/fe204000.spi/spi_master/spi0/spi0.0/spidev/spidev0.0",
            "spidev",
            FakeNode("spidev0.0", 153, 0),
        ),
        ("/devices/platform/serial8250/tty/ttyS0", "tty", FakeNode("ttyS0", 4, 64)),
    )
    return Stick(tuple(FakeDevice(place, subsystem, node=node) for place, subsystem, node in places))


def of_no_hardware() -> Stick:
    """Devices that no hardware stands behind."""
    places = (
        ("/devices/virtual/misc/fuse", "misc", FakeNode("fuse", 10, 229)),
        ("/devices/virtual/misc/kvm", "misc", FakeNode("kvm", 10, 232)),
        ("/devices/virtual/misc/tun", "misc", FakeNode("net/tun", 10, 200)),
        ("/devices/virtual/tty/tty7", "tty", FakeNode("tty7", 4, 7)),
        ("/devices/virtual/video4linux/video9", "video4linux", FakeNode("video9", 81, 9)),
        ("/devices/virtual/video4linux/video10", "video4linux", FakeNode("video10", 81, 10)),
        ("/devices/virtual/block/loop0", "block", FakeNode("loop0", 7, 0, kind="b")),
        ("/devices/virtual/block/loop1", "block", FakeNode("loop1", 7, 1, kind="b")),
    )
    return Stick(tuple(FakeDevice(place, subsystem, node=node) for place, subsystem, node in places))


def _plugged(product: Product, serial: str | None, port: str) -> FakeDevice:
    """The USB device alone."""
    return serial_adapter("ttyUSB0", serial, port, product=product).devices[0]


def _interface(usb: FakeDevice, number: int, product: Product) -> FakeDevice:
    return FakeDevice(
        devpath=f"{usb.devpath}/{usb.sys_name}:1.{number}",
        subsystem="usb",
        devtype="usb_interface",
        driver=product.driver,
        attributes={"bInterfaceNumber": f"{number:02}"},
    )


def _links(kind: str, usb: FakeDevice, interface: int, by_path: str, by_id: str) -> tuple[str, ...]:
    return (
        f"{kind}/by-id/usb-{usb.properties['ID_SERIAL']}{by_id}",
        f"{kind}/by-path/{id_path(usb.sys_name, interface)}{by_path}",
    )


def _event(hid: FakeDevice, usb: FakeDevice, interface: int, number: int) -> FakeDevice:
    suffix = "-event-kbd" if interface == 0 else "-event"
    by_id = suffix if interface == 0 else f"-event-if{interface:02}"
    return FakeDevice(
        devpath=f"{hid.devpath}/input/input{number + 3}/event{number}",
        subsystem="input",
        node=FakeNode(f"input/event{number}", INPUT_MAJOR, 64 + number),
        properties=usb.properties,
        links=_links("input", usb, interface, suffix, by_id),
    )


def _hidraw(hid: FakeDevice, usb: FakeDevice, number: int) -> FakeDevice:
    node = FakeNode(f"hidraw{number}", HIDRAW_MAJOR, number)
    return FakeDevice(f"{hid.devpath}/hidraw/hidraw{number}", "hidraw", node=node, properties=usb.properties)


def _sound(
    place: str, card: int, devices: tuple[str, ...], links: tuple[str, ...], properties: Mapping[str, str]
) -> tuple[FakeDevice, ...]:
    """A card with its nodes, the control node last, to which alone the links lead."""
    whole = FakeDevice(f"{place}/sound/card{card}", "sound", properties=properties)
    names = [*(f"pcmC{card}{device}" for device in devices), f"controlC{card}"]
    return (
        whole,
        *(
            FakeDevice(
                devpath=f"{whole.devpath}/{name}",
                subsystem="sound",
                node=FakeNode(f"snd/{name}", SOUND_MAJOR, 32 * card + number),
                links=links if name.startswith("control") else (),
                properties=properties,
            )
            for number, name in enumerate(names)
        ),
    )


def _disk(
    place: str,
    number: tuple[int, int],
    links: tuple[str, ...],
    properties: Mapping[str, str],
    partitions: tuple[str, ...],
) -> tuple[FakeDevice, ...]:
    """A disk and its partitions, by what stands behind the disk's name."""
    name = place.rsplit("/", 1)[-1]
    major, first = number
    return tuple(
        FakeDevice(
            devpath=f"{place}/{name}{suffix}" if suffix else place,
            subsystem="block",
            devtype="partition" if suffix else "disk",
            node=FakeNode(f"{name}{suffix}", major, first + part, kind="b"),
            properties=properties,
            links=tuple(f"{link}-part{part}" if suffix else link for link in links),
        )
        for part, suffix in enumerate(("", *partitions))
    )


def _scsi(letter: str) -> tuple[int, int]:
    """The number of a disk `sda`, and so on."""
    return DISK_MAJOR, 16 * _order(letter)


def _order(letter: str) -> int:
    return ord(letter) - ord("a")


def _pci(address: str, driver: str) -> FakeDevice:
    return FakeDevice(
        devpath=f"/devices/pci0000:00/{address}",
        subsystem="pci",
        driver=driver,
        attributes={"numa_node": "0"},
        kernel={"PCI_SLOT_NAME": address},
    )
