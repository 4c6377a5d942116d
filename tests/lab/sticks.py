"""Ready-made sticks, described as Linux and Debian's rules describe the real ones. Values only.

A port is written as in sysfs: bus, `-`, chain of ports (`1-2`, behind a hub `1-2.3`).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.lab.records import FakeDevice, FakeNode, Stick

CONTROLLER_PATH = "/devices/pci0000:00/0000:00:14.0"
TTY_USB_MAJOR, VIDEO_MAJOR, SOUND_MAJOR, USB_MAJOR, USBMISC_MAJOR, DVB_MAJOR, INPUT_MAJOR = (
    188, 81, 116, 189, 180, 212, 13,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of stick: its numbers and strings, and the driver of its interfaces."""

    vendor: str
    product: str
    maker: str
    model: str
    driver: str


FT232R = Product("0403", "6001", "FTDI", "FT232R_USB_UART", "ftdi_sio")
CP2102 = Product("10c4", "ea60", "Silicon_Labs", "CP2102_USB_to_UART_Bridge_Controller", "cp210x")
CH340 = Product("1a86", "7523", "1a86", "USB_Serial", "ch341")
WEBCAM = Product("046d", "0825", "046d", "HD_Webcam", "uvcvideo")
SOUND_CARD = Product("0d8c", "0014", "C-Media", "USB_Audio", "snd-usb-audio")
MODEM = Product("2c7c", "0125", "Quectel", "EC25", "option")
EIGHT_PORTS = Product("110a", "1653", "Moxa", "UPort_1650-8", "mxuport")
DVB_STICK = Product("2040", "8265", "Hauppauge", "WinTV-dualHD", "em28xx")
BARE = Product("1a6e", "089a", "Global_Unichip", "Bootloader", "usb")
LOADED = Product("18d1", "9302", "Google", "Accelerator", "usb")
KEYBOARD = Product("046d", "c31c", "Logitech", "USB_Keyboard", "usbhid")


def serial_adapter(
    name: str = "ttyUSB0", serial: str | None = "A1B2", port: str = "1-2", *, product: Product = FT232R
) -> Stick:
    """A USB serial adapter; without a serial number, all of its kind claim one by-id link."""
    usb = _usb_device(port, product, serial)
    interface = _usb_interface(usb, 0, product.driver)
    usb_serial = FakeDevice(f"{interface.devpath}/{name}", "usb-serial", driver=product.driver)
    return Stick((usb, interface, usb_serial, _tty(usb, usb_serial.devpath, port, 0, product.driver)))


def ch340(name: str = "ttyUSB0", port: str = "1-2") -> Stick:
    """A cheap adapter without a serial number: two of them are twins, which claim the same by-id link."""
    return serial_adapter(name, None, port, product=CH340)


def eight_port_adapter(
    first_tty: int = 0,
    serial: str | None = "MX8",
    port: str = "1-2",
    *,
    links: bool = True,
    numbers: Sequence[int] = range(8),
) -> Stick:
    """Eight serial ports behind one USB interface, which only the kernel's `port_number` of their parents tells apart.

    `numbers`: which tty each of the ports is, counted from the first one: the kernel gives them away as it likes.
    """
    assert sorted(numbers) == [*range(8)]
    usb = _usb_device(port, EIGHT_PORTS, serial)
    interface = _usb_interface(usb, 0, EIGHT_PORTS.driver)
    devices = [usb, interface]
    for port_number, number in enumerate(numbers):
        name = f"ttyUSB{first_tty + number}"
        attributes = {"port_number": str(port_number)}
        devices.append(
            FakeDevice(f"{interface.devpath}/{name}", "usb-serial", driver=EIGHT_PORTS.driver, attributes=attributes)
        )
        tty = _tty(usb, devices[-1].devpath, port, 0, EIGHT_PORTS.driver, port_number=port_number)
        devices.append(tty if links else replace(tty, links=()))
    return Stick(tuple(devices))


def camera(
    number: int = 0, serial: str | None = "CAM0001", port: str = "1-3", *, numbers: Sequence[int] = (0, 1)
) -> Stick:
    """A webcam: one node to capture from and one for metadata, or more; `numbers` counts them from `number`."""
    usb = _usb_device(port, WEBCAM, serial)
    interface = _usb_interface(usb, 0, WEBCAM.driver)
    videos = (_video(usb, interface, port, number + counted, index) for index, counted in enumerate(numbers))
    return Stick((usb, interface, *videos))


def sound_card_with_two_captures(number: int = 0, port: str = "1-4") -> Stick:
    """A USB sound card with two capture devices, which differ by their device number alone, and no playback."""
    usb = _usb_device(port, SOUND_CARD, None)
    interface = _usb_interface(usb, 0, SOUND_CARD.driver)
    card = FakeDevice(f"{interface.devpath}/sound/card{number}", "sound", properties=usb.properties)
    captures = (
        FakeDevice(
            devpath=f"{card.devpath}/pcmC{number}D{device}c",
            subsystem="sound",
            node=FakeNode(f"snd/pcmC{number}D{device}c", SOUND_MAJOR, 32 * number + 24 + device),
        )
        for device in (0, 1)
    )
    return Stick((usb, interface, card, *captures))


def dvb_stick(serial: str | None = "DVB1", port: str = "1-6", *, adapters: Sequence[int] = (0, 1)) -> Stick:
    """A DVB stick with two tuners; `adapters` are the kernel's numbers of the first and the second one."""
    usb = _usb_device(port, DVB_STICK, serial)
    interface = _usb_interface(usb, 0, DVB_STICK.driver)
    tuners = (
        FakeDevice(
            devpath=f"{interface.devpath}/dvb/dvb{adapter}.frontend0",
            subsystem="dvb",
            node=FakeNode(f"dvb/adapter{adapter}/frontend0", DVB_MAJOR, 4 * adapter),
            kernel={"DVB_ADAPTER_NUM": str(adapter), "DVB_DEVICE_TYPE": "frontend", "DVB_DEVICE_NUM": "0"},
        )
        for adapter in adapters
    )
    return Stick((usb, interface, *tuners))


def keyboard(
    first: int = 3, port: str = "1-7", *, serial: str | None = None, numbers: Sequence[int] = (0, 1, 2)
) -> Stick:
    """A keyboard, of whose interface three event nodes claim the same links; `numbers` counts them from the first."""
    usb = _usb_device(port, KEYBOARD, serial)
    interface = _usb_interface(usb, 0, KEYBOARD.driver)
    hid = FakeDevice(f"{interface.devpath}/0003:046D:C31C.0001", "hid", driver="hid-generic")
    devices = [usb, interface, hid]
    for counted in numbers:
        event = first + counted
        devices += [
            FakeDevice(f"{hid.devpath}/input/input{10 + event}", "input", attributes={"name": KEYBOARD.model}),
            FakeDevice(
                devpath=f"{hid.devpath}/input/input{10 + event}/event{event}",
                subsystem="input",
                node=FakeNode(f"input/event{event}", INPUT_MAJOR, 64 + event),
                properties={**usb.properties, **_interface_properties(port, 0, KEYBOARD.driver)},
                links=(
                    f"input/by-id/usb-{usb.properties['ID_SERIAL']}-event-kbd",
                    f"input/by-path/{id_path(port, 0)}-event-kbd",
                ),
            ),
        ]
    return Stick(tuple(devices))


def sound_card(number: int = 0, port: str = "1-4") -> Stick:
    """A USB sound card: control and playback node. Debian's rules make links for the control node only."""
    usb = _usb_device(port, SOUND_CARD, None)
    interface = _usb_interface(usb, 0, SOUND_CARD.driver)
    card = FakeDevice(f"{interface.devpath}/sound/card{number}", "sound", properties=usb.properties)
    playback = FakeDevice(
        devpath=f"{card.devpath}/pcmC{number}D0p",
        subsystem="sound",
        node=FakeNode(f"snd/pcmC{number}D0p", SOUND_MAJOR, 32 * number + 16),
    )
    control = FakeDevice(
        devpath=f"{card.devpath}/controlC{number}",
        subsystem="sound",
        node=FakeNode(f"snd/controlC{number}", SOUND_MAJOR, 32 * number),
        links=(f"snd/by-id/usb-{usb.properties['ID_SERIAL']}-00", f"snd/by-path/{id_path(port, 0)}"),
    )
    return Stick((usb, interface, card, playback, control))


def modem(first: int = 0, serial: str | None = "0123456789", port: str = "1-5", *, wdm: int = 0) -> Stick:
    """An LTE modem: four ttys and a cdc-wdm node, which belong together."""
    usb = _usb_device(port, MODEM, serial)
    devices = [usb]
    for number in range(4):
        interface = _usb_interface(usb, number, MODEM.driver)
        parent = f"{interface.devpath}/ttyUSB{first + number}"
        devices += [interface, _tty(usb, parent, port, number, MODEM.driver)]
    interface = _usb_interface(usb, 4, "qmi_wwan")
    control = FakeDevice(
        devpath=f"{interface.devpath}/usbmisc/cdc-wdm{wdm}",
        subsystem="usbmisc",
        node=FakeNode(f"cdc-wdm{wdm}", USBMISC_MAJOR, 176 + wdm),
    )
    return Stick((*devices, interface, control))


def accelerator(product: Product, port: str = "1-2", serial: str | None = None, *, address: int = 0) -> FakeDevice:
    """It has its raw node alone, which is another one after each time that it shows itself anew."""
    device = _usb_device(port, product, serial)
    assert device.node
    name, _, number = device.node.name.rpartition("/")
    moved = replace(device.node, name=f"{name}/{int(number) + address:03}", minor=device.node.minor + address)
    return replace(device, node=moved)


def joined(one: FakeDevice, other: FakeDevice, *ports: tuple[int, int]) -> tuple[FakeDevice, FakeDevice]:
    """Two hubs, or root hubs, of which each two of these ports are one socket, as sysfs says by their `peer`."""

    def peers(own: FakeDevice, their: FakeDevice, numbers: Iterable[tuple[int, int]]) -> FakeDevice:
        links = {f"{_port(own, mine)}/peer": f"{their.sys_path}/{_port(their, its)}" for mine, its in numbers}
        return replace(own, symlinks=links)

    return peers(one, other, ports), peers(other, one, [(its, mine) for mine, its in ports])


def _port(hub: FakeDevice, number: int) -> str:
    """The place of a port below its hub."""
    interface = f"{hub.sys_name.removeprefix('usb')}-0" if hub.sys_name.startswith("usb") else hub.sys_name
    return f"{interface}:1.0/{hub.sys_name}-port{number}"


def id_path(port: str, interface: int | None = None) -> str:
    """udev's ID_PATH of what is plugged at a port."""
    chain = port.split("-", 1)[1]
    return f"pci-0000:00:14.0-usb-0:{chain}" + (f":1.{interface}" if interface is not None else "")


def usb_address(port: str) -> int:
    """The device number on the bus; the kernel counts up, here each port has its own."""
    address = 0
    for step in port.split("-", 1)[1].split("."):
        address = address * 8 + int(step)
    return address + 1


def _usb_device(port: str, product: Product, serial: str | None) -> FakeDevice:
    bus, address = int(port.split("-", 1)[0]), usb_address(port)
    return FakeDevice(
        devpath="/".join([CONTROLLER_PATH, f"usb{bus}", *_hubs_and(port)]),
        subsystem="usb",
        devtype="usb_device",
        driver="usb",
        node=FakeNode(f"bus/usb/{bus:03}/{address:03}", USB_MAJOR, (bus - 1) * 128 + address - 1, mode=0o664),
        attributes={
            "idVendor": product.vendor,
            "idProduct": product.product,
            "busnum": str(bus),
            "devnum": str(address),
            "manufacturer": product.maker,
            "product": product.model.replace("_", " "),
            **({"serial": serial} if serial else {}),
        },
        kernel={
            "PRODUCT": f"{int(product.vendor, 16):x}/{int(product.product, 16):x}/600",
            "TYPE": "0/0/0",
            "BUSNUM": f"{bus:03}",
            "DEVNUM": f"{address:03}",
        },
        properties=_usb_properties(port, product, serial),
    )


def _hubs_and(port: str) -> list[str]:
    """The names in sysfs on the way to the port: `1-2.3` is below `1-2`."""
    steps = port.split(".")
    return [".".join(steps[: depth + 1]) for depth in range(len(steps))]


def _usb_properties(port: str, product: Product, serial: str | None) -> Mapping[str, str]:
    return {
        "ID_BUS": "usb",
        "ID_VENDOR": product.maker,
        "ID_VENDOR_ID": product.vendor,
        "ID_MODEL": product.model,
        "ID_MODEL_ID": product.product,
        "ID_SERIAL": "_".join([product.maker, product.model, *([serial] if serial else [])]),
        **({"ID_SERIAL_SHORT": serial} if serial else {}),
        "ID_PATH": id_path(port),
    }


def _interface_properties(port: str, number: int, driver: str) -> Mapping[str, str]:
    return {"ID_USB_INTERFACE_NUM": f"{number:02}", "ID_USB_DRIVER": driver, "ID_PATH": id_path(port, number)}


def _usb_interface(usb: FakeDevice, number: int, driver: str) -> FakeDevice:
    return FakeDevice(
        devpath=f"{usb.devpath}/{usb.sys_name}:1.{number}",
        subsystem="usb",
        devtype="usb_interface",
        driver=driver,
        attributes={"bInterfaceNumber": f"{number:02}"},
        kernel={"PRODUCT": usb.kernel["PRODUCT"]},
    )


def _video(usb: FakeDevice, interface: FakeDevice, port: str, number: int, index: int) -> FakeDevice:
    name = f"video{number}"
    return FakeDevice(
        devpath=f"{interface.devpath}/video4linux/{name}",
        subsystem="video4linux",
        node=FakeNode(name, VIDEO_MAJOR, number),
        attributes={"index": str(index), "name": "HD Webcam"},
        properties={
            **usb.properties,
            **_interface_properties(port, 0, "uvcvideo"),
            "ID_V4L_CAPABILITIES": ":capture:" if index == 0 else ":",
        },
        links=(
            f"v4l/by-id/usb-{usb.properties['ID_SERIAL']}-video-index{index}",
            f"v4l/by-path/{id_path(port, 0)}-video-index{index}",
        ),
    )


def _tty(usb: FakeDevice, parent: str, port: str, interface: int, driver: str, *, port_number: int = 0) -> FakeDevice:
    name = os.path.basename(parent)
    return FakeDevice(
        devpath=f"{parent}/tty/{name}",
        subsystem="tty",
        node=FakeNode(name, TTY_USB_MAJOR, int(name.removeprefix("ttyUSB"))),
        properties={**usb.properties, **_interface_properties(port, interface, driver)},
        links=(
            f"serial/by-id/usb-{usb.properties['ID_SERIAL']}-if{interface:02}-port{port_number}",
            f"serial/by-path/{id_path(port, interface)}-port{port_number}",
        ),
    )
