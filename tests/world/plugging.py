"""What can be plugged into a made-up host so that much is alike, and what kernel and udevd have yet to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import camera, ch340, serial_adapter
from tests.lab.udevd_steps import Step

PORTS = ("1-1", "1-2", "1-3")


def things() -> Iterator[Stick]:
    """What can be plugged: two with a number of their own at each port, clones, twins, cameras, and a claimant."""
    for port in PORTS:
        for number in range(2):
            for serial in ("A", "B"):
                yield serial_adapter(f"ttyUSB{number}", serial, port)
            yield ch340(f"ttyUSB{number}", port)
        for first, counted in ((0, (0, 1)), (0, (1, 0)), (2, (0, 1))):
            yield camera(first, "A", port, numbers=counted)
    links = (serial_adapter(serial="A").by_id.removeprefix("/dev/"),)
    yield Stick((FakeDevice("/devices/virtual/tty/ttyX0", "tty", node=FakeNode("ttyX0", 4, 70), links=links),))


THINGS = tuple(things())


@dataclass(eq=False)
class Plug:
    """A thing while it is plugged: when it is plugged again, that is another one."""

    thing: Stick
    devices_here: int = 0
    had_rivals: bool = False  # at any time, another one was there with the same serial number, or claimed a link of its

    def __str__(self) -> str:
        usb, main = self.thing.devices[0], self.thing.main
        return f"{main.sys_name} {usb.attributes.get('serial', '')} in {usb.sys_name}"

    @property
    def claims(self) -> set[str]:
        """What decides, if others share it, as what it is known."""
        product, serial = (self.thing.devices[0].attributes.get(name, "") for name in ("idProduct", "serial"))
        return {link for device in self.thing for link in device.links} | ({f"{product} {serial}"} if serial else set())

    def is_like(self, other: "Plug") -> bool:
        """Whether they share something, or a node of theirs has the same number."""
        numbers, others = ({one.database_name for one in plug.thing} for plug in (self, other))
        return bool(self.claims & other.claims or numbers & others)


@dataclass(eq=False)
class Work:
    """What kernel and udevd have yet to do about a device."""

    plug: Plug
    device: FakeDevice
    steps: Iterator[Step]
    is_plug: bool = True
    is_kernels: bool = True  # the kernel is not done with it
    sequence: int = 0  # of the kernel's event

    @property
    def action(self) -> str:
        return "add" if self.is_plug else "remove"

    def __str__(self) -> str:
        return f"{self.action} {self.device.sys_name} of {self.plug}"

    def concerns(self, other: FakeDevice) -> bool:
        """Whether it keeps another one's waiting: the same device, one above or below it, or the same number."""
        one, two = f"{self.device.devpath}/", f"{other.devpath}/"
        return one.startswith(two) or two.startswith(one) or self.device.database_name == other.database_name


def names_of(plug: Plug, device: FakeDevice, identity: str) -> bool:
    """Whether an identity is one of a device's own."""
    usb = plug.thing.devices[0]
    if identity.startswith("/dev/"):
        return identity in device.devlinks
    if identity.startswith("usb:") and "serial=" in identity:
        return f"serial={usb.attributes['serial']}" in identity
    chain = usb.sys_name.partition("-")[2]
    return f"port={chain}@" in identity or f"-{chain}:" in identity or identity == device.sys_path
