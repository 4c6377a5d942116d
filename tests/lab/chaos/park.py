"""The sticks of a chaos run: which there are, what may be plugged where, and what each of their nodes is. Values."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import (
    BARE,
    CONTROLLER_PATH,
    LOADED,
    accelerator,
    camera,
    ch340,
    dvb_stick,
    eight_port_adapter,
    joined,
    keyboard,
    modem,
    serial_adapter,
    sound_card_with_two_captures,
)
from tests.lab.udevd_steps import Step

PORTS = ("1-1", "1-2", "1-3", "1-4.1", "1-4.2", "2-1")
"""1-1 and 2-1 are one socket: the port of USB 2 and that of USB 3, to which udev gives the same by-path links."""

SOCKET = {"1-1": "2-1", "2-1": "1-1"}
"""The other port of a socket."""

NUMBERS = 6
"""So many numbers are given to sticks of one kind, by which their nodes are named."""

Kind = Literal["tty", "camera", "modem", "eight ports", "sound card", "tuners", "keyboard", "accelerator"]


@dataclass(frozen=True, slots=True)
class Article:
    """A physical stick; `twins` names those whose by-id links are the same.

    `make` is given a port, a number, and chance, by which the kernel numbers siblings. They are in the order of their
    places: of its port, of V4L's index, of a sound device's number.
    """

    name: str
    kind: Kind
    make: Callable[[str, int, random.Random], Stick]
    serial: str = ""
    twins: str = ""


def _adapter(name: str, serial: str, twins: str = "") -> Article:
    return Article(
        name, "tty", lambda port, number, _: serial_adapter(f"ttyUSB{number}", serial, port), f"FT232R {serial}", twins
    )


def _nameless(name: str) -> Article:
    return Article(name, "tty", lambda port, number, _: ch340(f"ttyUSB{number}", port), twins="CH340")


def _camera(port: str, number: int, chance: random.Random) -> Stick:
    return camera(2 * number, "CAM0001", port, numbers=chance.sample(range(2), 2))


def _eight_ports(port: str, number: int, chance: random.Random) -> Stick:
    return eight_port_adapter(60 + 6 * number, "MX8", port, links=False, numbers=chance.sample(range(8), 8))


def _tuners(port: str, _: int, chance: random.Random) -> Stick:
    return dvb_stick("TV1", port, adapters=sorted(chance.sample(range(8, 12), 2)))  # 10 is after 9, if not as a text


def _keyboard(port: str, _: int, chance: random.Random) -> Stick:
    return keyboard(0, port, serial="K1", numbers=sorted(chance.sample(range(7, 13), 3)))


def _accelerator(port: str, number: int, _: random.Random) -> Stick:
    """Under odd numbers its firmware is loaded; under each it has another address."""
    return Stick((accelerator((BARE, LOADED)[number % 2], port, address=50 + number),))


ARTICLES = (
    _adapter("A", "A1B2"),
    _adapter("B", "C3D4"),
    _adapter("clone-1", "0001", "0001"),
    _adapter("clone-2", "0001", "0001"),
    _nameless("twin-1"),
    _nameless("twin-2"),
    Article("camera", "camera", _camera, "CAM0001"),
    Article("modem", "modem", lambda port, number, _: modem(20 + 4 * number, "0123456789", port), "0123456789"),
    Article("eight ports", "eight ports", _eight_ports, "MX8"),
    Article("sound card", "sound card", lambda port, number, _: sound_card_with_two_captures(number, port)),
    Article("tuners", "tuners", _tuners, "TV1"),
    Article("keyboard", "keyboard", _keyboard, "K1"),
    Article("accelerator", "accelerator", _accelerator),
)

WITH_SIBLINGS = tuple(one for one in ARTICLES if one.kind != "tty")

_USB_2, _USB_3 = (
    FakeDevice(f"{CONTROLLER_PATH}/usb{bus}", "usb", "usb_device", "usb", attributes={"version": version})
    for bus, version in ((1, "2.00"), (2, "3.00"))
)
ROOT_HUBS = joined(_USB_2, _USB_3, (1, 1))

Meaning = tuple[str, ...]
"""What an ID may stand for: a serial number, a port, or a path; and which of the nodes there."""


@dataclass(slots=True, eq=False)
class Plugged:
    """One plugging of an article.

    Attributes:
        making: counts all pluggings; a node lives as long as one.
        made: the stick as it was plugged; another one than `stick` if it has changed since.
        work: what udevd has still to do for it, once it has begun.
        is_finished: udevd is done with it.
        is_nameless: it may have been offered before udevd's word on serial number and links was heard, or when some of
            the links were gone: then it is known by its port for as long as it is there.
        has_met_twin: they were there at the same time: then it may be known by its port.
        has_vanished: the kernel's part of an unplug is done, udevd's not.
    """

    article: Article
    port: str
    number: int
    stick: Stick
    making: int
    made: Stick = field(init=False)
    work: Iterator[Step] | None = None
    is_finished: bool = False
    is_nameless: bool = False
    has_met_twin: bool = False
    has_vanished: bool = False
    began: float = 0.0

    def __post_init__(self) -> None:
        self.made = self.stick

    def nodes(self) -> dict[str, int]:
        """Its nodes, and which of them each is."""
        paths = (device.node.path for device in self.stick if device.node)
        return {path: index for index, path in enumerate(paths)}

    @property
    def has_name_of_its_own(self) -> bool:
        """Whether it was known by its serial number from the start."""
        return self.is_finished and not self.is_nameless and bool(self.article.serial) and not self.article.twins

    @property
    def has_one_name(self) -> bool:
        """Whether it can have but one ID: it has no twin, was never offered before it was ready, never changed."""
        return not (self.article.twins or self.is_nameless) and self.stick is self.made

    def fits(self, selector: Mapping[str, Any]) -> bool:
        """Whether that is what the hardware says of itself."""
        (usb, *_) = self.stick
        ids = [(one["vendor"], one["product"]) for one in (selector, *selector.get("aliases", ()))]
        return (usb.attributes["idVendor"], usb.attributes["idProduct"]) in ids

    def whole(self, selector: Mapping[str, Any]) -> list[str]:
        """The nodes that a selector asks for, in order."""
        asked = selector.get("nodes", {"usb": 1})
        counts: Mapping[str, int | None] = asked if isinstance(asked, dict) else dict.fromkeys(asked)
        return [node for subsystem, count in counts.items() for node in self.stick.nodes(subsystem)[:count]]

    def meanings_as_stick(self) -> frozenset[Meaning]:
        """What the ID may stand for under which it is offered as a whole; its serial number is known from the start."""
        if self.article.kind == "accelerator":
            return frozenset({("socket of stick", min(self.port, SOCKET.get(self.port, self.port)))})
        port, serial = ("port of stick", self.port), ("serial of stick", self.article.serial)
        if not self.article.serial:
            return frozenset({port})
        return frozenset({serial, port} if self.has_met_twin else {serial})

    def meanings(self, resource: str, path: str) -> frozenset[Meaning]:
        """What the ID may stand for under which `resource` offers the node at `path` now."""
        index = str(self.nodes()[path])
        if resource == "named":
            return frozenset({("path", path)})
        if self.article.kind == "keyboard" and resource == "siblings":
            names = {("serial", self.article.serial, index)}
            # Who is offered before the others are ready may be known by the link that they claim all.
            return frozenset(names | {("port", self.port, "keyboard", index), ("link",)} if self.is_nameless else names)
        if resource in {"raw", "siblings"}:  # udev makes no links for these
            kind = "USB device" if resource == "raw" else self.article.kind
            return frozenset({("port", self.port, kind, index)})
        # The by-path links of both ports of a socket are the same, and so it is one place.
        port = ("port", self.port.partition("-")[2], (self.article.kind == "camera" and "video") or "tty", index)
        serial = ("serial", self.article.serial, index)
        if not self.article.serial:
            return frozenset({port})
        return frozenset({serial, port} if self.has_met_twin or self.is_nameless else {serial})
