"""The invariant of following a host, for histories of Hypothesis's making.

Whatever happened, and whichever hints came of it, in whatever order and however often: once there was one for each
thing that changed, what is known equals a look at everything. And at no moment is a device taken for another one.

Kernel and udevd do one step after the other; between them the plugin gets hints, begins looks, reads, and takes in what
was read, as Hypothesis chooses. There are no threads, and time and the clock are passed in.
"""

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.lab.following import Follower, known, looked_at_anew
from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, FakeNode, Stick
from tests.lab.sticks import camera, ch340, serial_adapter
from tests.lab.udevd_steps import DATABASE, Step, Version
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.host.udev.monitor import UdevEvent
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

SELECTORS: tuple[SelectorKind, ...] = (
    PathSelector(Glob.parse("/dev/serial/by-id/*")),
    UdevSelector(Rule.parse('SUBSYSTEM=="tty"')),
    UsbSelector("046d", "0825", nodes=(("video4linux", 2),)),
)
SPECS = tuple(
    ResourceSpec(f"squat.ai/{number}", (GroupSpec((PathSpec(selector),)),)) for number, selector in enumerate(SELECTORS)
)
INTEREST = Interest.of(SPECS)
ANY = st.integers(0, 999)  # the number of one of those that there are then
PORTS = ("1-1", "1-2", "1-3")


def things() -> Iterator[Stick]:
    """What can be plugged: two with a number of their own at each port, clones, twins, cameras, and a claimant."""
    for port in PORTS:
        for number in range(3):
            for serial in ("A", "B"):
                yield serial_adapter(f"ttyUSB{number}", serial, port)
            yield ch340(f"ttyUSB{number}", port)
        for first, counted in ((0, (0, 1)), (0, (1, 0)), (2, (0, 1))):
            yield camera(first, "A", port, numbers=counted)
    links = (serial_adapter(serial="A").by_id.removeprefix("/dev/"),)
    yield Stick((FakeDevice("/devices/virtual/tty/ttyX0", "tty", node=FakeNode("ttyX0", 4, 70), links=links),))


THINGS = tuple(things())


class Plugin(Follower):
    """What follows the host, and forms devices."""

    def __init__(self, now: float) -> None:
        super().__init__(INTEREST, now)
        self.formations = [AssembledResource() for _ in SPECS]

    def take(self) -> bool:
        is_new = super().take()
        if is_new:
            given = AssemblyContext(self.now, 60.0, "/nowhere/")
            pairs = zip(SPECS, self.formations, strict=True)
            self.formations = [assemble(spec, self.inventory, before, given) for spec, before in pairs]
        return is_new


@dataclass(eq=False)
class Plug:
    """A thing while it is plugged: when it is plugged again, that is another one."""

    thing: Stick


@dataclass(eq=False)
class Work:
    """What kernel and udevd have yet to do about a device."""

    plug: Plug
    device: FakeDevice
    steps: Iterator[Step]
    is_plug: bool = True
    is_kernels: bool = True  # the kernel is not done with it

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


class Host(RuleBasedStateMachine):
    """A host, what is to be done there, and the plugin that follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.host = FakeHost()
        self.wall = 10**18
        self.works: list[Work] = []
        self.plugs: list[Plug] = []
        self.owed: list[tuple[str, FakeDevice]] = []  # events that tell of changes
        self.makers: dict[int, tuple[Plug, FakeDevice]] = {}  # by the inode of a node
        self.owners: dict[tuple[int, str], Plug] = {}
        self.offered: dict[tuple[int, int], str] = {}
        self.is_fresh = self.is_udevd_alive = self.has_events = True
        self.version: Version = 252
        self.plugin = Plugin(100.0)
        self.plugin.rest()

    def teardown(self) -> None:
        self.plugin.close()
        self.host.close()

    @initialize(version=st.sampled_from((252, 257)), has_events=st.booleans())
    def choose(self, version: Version, *, has_events: bool) -> None:
        self.version, self.has_events = version, has_events

    # The host.

    @rule(which=ANY)
    def plug(self, which: int) -> None:
        """One that fits: its port, its names and numbers are free, and udevd does not think of what went unseen."""
        here = [device for plug in self.plugs for device in plug.thing]
        here += [work.device for work in self.works if work.is_plug or work.is_kernels]
        taken = {device.devpath for device in here} | {device.database_name for device in here}
        free = [one for one in THINGS if not any({d.devpath, d.database_name} & taken for d in one)]
        if free:
            self.plugs.append(plug := Plug(free[which % len(free)]))
            self.works += [Work(plug, one, self.host.adding(one, self.version, silent=True)) for one in plug.thing]

    @precondition(lambda self: self.plugs)
    @rule(which=ANY)
    def unplug(self, which: int) -> None:
        plug = self.plugs.pop(which % len(self.plugs))
        gone = reversed(plug.thing.devices)
        self.works += [Work(plug, one, self.host.removing(one, silent=True), is_plug=False) for one in gone]

    @precondition(lambda self: self.works)
    @rule(which=ANY, count=st.integers(1, 30))
    def go_on(self, which: int, count: int) -> None:
        """Kernel and udevd, each about one device after the other."""
        for number in range(count):
            able = [work for index, work in enumerate(self.works) if not self._waits(index, work)]
            if able:
                self._do(able[(which + number * (which % 3)) % len(able)])

    def _waits(self, index: int, work: Work) -> bool:
        earlier = [other for other in self.works[:index] if other.concerns(work.device)]
        return any(other.is_kernels or not work.is_kernels for other in earlier)

    def _do(self, work: Work) -> None:
        if not work.is_kernels and not self.is_udevd_alive:
            self.works.remove(work)
            return
        self.wall += 1_000_000
        step = next(work.steps, None)
        if step is None:
            self.works.remove(work)
            return
        device, node = work.device, work.device.node
        if work.is_plug and step == "node" and node is not None:
            os.utime(node.path, ns=(self.wall, self.wall))
            self.makers[os.lstat(node.path).st_ino] = work.plug, device
        if work.is_plug and step.startswith("entry") and os.path.exists(f"{DATABASE}/{device.database_name}"):
            os.utime(f"{DATABASE}/{device.database_name}", ns=(self.wall, self.wall))
        if self.has_events:
            self.owed.append(("add" if work.is_plug else "remove", device))
        if step == ("node" if node is not None and work.is_plug else "sysfs"):
            work.is_kernels = False

    @precondition(lambda self: self.has_events)
    @rule()
    def end_udevd(self) -> None:
        """What it was at work on stays as it is."""
        self.is_udevd_alive = self.is_fresh = False
        self.works = [work for work in self.works if work.is_kernels]

    @precondition(lambda self: not self.is_udevd_alive and not self.works)
    @rule()
    def begin_udevd(self) -> None:
        """A new one, which gets everything."""
        self.is_udevd_alive = True
        for plug in self.plugs:
            for device in plug.thing:
                steps = self.host._udevd.adding(device, self.version, "add", silent=True)
                self.works.append(Work(plug, device, steps, is_kernels=False))

    @precondition(lambda self: self.has_events and not self.works)
    @rule()
    def empty_database(self) -> None:
        """With events only: else there is no hint of an unplug then, as there is no entry that goes."""
        self.is_fresh = False
        for name in os.listdir(DATABASE):
            os.unlink(f"{DATABASE}/{name}")

    @precondition(lambda self: not self.works)
    @rule(seconds=st.sampled_from((-5000, -1, 5000)))
    def set_clock(self, seconds: int) -> None:
        """While all is known: nothing can be said of what no look saw, nor of an entry from the future."""
        self.rest()
        self.wall += seconds * 10**9
        self.is_fresh = False

    # The plugin.

    @precondition(lambda self: self.owed)
    @rule(which=ANY, is_last=st.booleans())
    def tell(self, which: int, *, is_last: bool) -> None:
        """An event: in any order, and perhaps once more later."""
        index = which % len(self.owed)
        self._send(*(self.owed.pop(index) if is_last else self.owed[index]))

    @precondition(lambda self: self.owed)
    @rule()
    def merge(self) -> None:
        """Only the last event of each device comes."""
        self.owed = list({device.devpath: (action, device) for action, device in self.owed}.values())

    def _send(self, action: str, device: FakeDevice) -> None:
        node = device.node
        number = None if node is None else DeviceNumber(node.kind, node.major, node.minor)
        links = " ".join(device.devlinks)
        event = UdevEvent(action, device.sys_path, device.subsystem, number, node.path if node else "", links)
        self.plugin.looking.take_event(event, self.plugin.now)

    @rule()
    def hear(self) -> None:
        self.plugin.looking.take_paths(self.plugin.paths.read(), self.plugin.now)

    @rule(seconds=st.sampled_from((0.0, 0.003, 0.05, 3.0)))
    def look(self, seconds: float) -> None:
        self.plugin.now += seconds
        self.plugin.looking.work(self.plugin.now)

    @rule(which=ANY)
    def read(self, which: int) -> None:
        self.plugin.jobs.do(which)

    @rule()
    def take(self) -> None:
        self.plugin.take()

    @rule()
    def rescan(self) -> None:
        self.plugin.begin()

    @rule()
    def rest(self) -> None:
        """Nothing happens for a while: what is known equals a look at everything, and all host paths are right."""
        while self.owed:
            self._send(*self.owed.pop())
        self.plugin.rest()
        self.nothing_is_taken_for_another()
        now = known(INTEREST, self.plugin.inventory)
        if self.has_events or not self.works:  # else there was no hint of what the kernel alone has done
            assert now == looked_at_anew(INTEREST, self.plugin.now, copy.deepcopy(self.plugin.memory))
        if self.is_fresh and not self.works:
            assert now == looked_at_anew(INTEREST, self.plugin.now, Memory())
        for formed in [one for formation in self.plugin.formations for one in formation.devices if one.is_healthy]:
            for member in filter(None, formed.members):
                path = member.target if member.own_link else member.host_path
                assert os.stat(path).st_ino == member.node.inode, formed

    @invariant()
    def nothing_is_taken_for_another(self) -> None:
        for number, formation in enumerate(self.plugin.formations):
            for formed in [one for one in formation.devices if one.is_healthy]:
                for member in filter(None, formed.members):
                    plug, device = self.makers[member.node.inode]
                    assert names_of(plug, device, member.identity), formed
                    assert self.offered.setdefault((number, member.node.inode), member.identity) == member.identity
                    owner = self.owners.get((number, member.identity))
                    assert owner in (None, plug) or owner not in self.plugs, formed
                    self.owners[number, member.identity] = plug

    @rule(which=ANY)
    def everything_ends(self, which: int) -> None:
        """Kernel and udevd come to an end with all that there is to do."""
        while self.works:
            self.go_on(which, 1)
        self.rest()


TestHost = Host.TestCase
TestHost.settings = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
