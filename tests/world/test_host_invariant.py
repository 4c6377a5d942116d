"""The invariant of following a host, for histories of Hypothesis's making.

Whatever happened, and whichever hints came of it, in whatever order and however often: once there was one for each
thing that changed, what is known equals a look at everything. And at no moment is a device taken for another one.

Kernel and udevd do one step after the other; between them the plugin gets hints, begins looks, reads, and takes in what
was read, as Hypothesis chooses. There are no threads, and time and the clock are passed in.
"""

import copy
import os
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.lab.following import Follower, known, looked_at_anew
from tests.lab.host import FakeHost
from tests.lab.plugging import THINGS, Plug, Work, names_of
from tests.lab.records import FakeDevice, Stick
from tests.lab.udevd_steps import DATABASE, Version
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.candidates import NodeKey
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looking import MAX_BULK
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.model import DeviceNumber, NodeState
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
MANY = 1000  # steps: all there are
ANY = st.integers(0, 999)  # the number of one of those that there are then
SOME = st.lists(ANY, min_size=2, max_size=5)
MOSTLY = st.sampled_from((True, True, False))
DUE = st.sampled_from((0.0, 0.003, 0.05, 3.0))  # seconds that pass


class Plugin(Follower):
    """What follows the host, and forms devices; ``check`` is called whenever it has formed some."""

    def __init__(self, now: float, check: Callable[[], None] = lambda: None) -> None:
        super().__init__(INTEREST, now)
        self.formations = [AssembledResource() for _ in SPECS]
        self._check = check

    def take(self) -> bool:
        is_new = super().take()
        if is_new:
            given = AssemblyContext(self.now, 60.0, "/nowhere/")
            pairs = zip(SPECS, self.formations, strict=True)
            self.formations = [assemble(spec, self.inventory, before, given) for spec, before in pairs]
            self._check()
        return is_new


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
        self.here: set[Plug] = set()
        self.owners: dict[tuple[int, str], Plug] = {}
        self.offered: dict[tuple[int, int], str] = {}
        self.is_fresh = self.is_udevd_alive = self.has_events = True
        self.version: Version = 252
        self.plugin = Plugin(100.0, self.nothing_is_taken_for_another)
        self.plugin.rest()

    def teardown(self) -> None:
        self.plugin.close()
        self.host.close()

    @initialize(version=st.sampled_from((257, 252)), has_events=MOSTLY, is_clock_right=MOSTLY, things=SOME)
    def begin(self, version: Version, things: list[int], *, has_events: bool, is_clock_right: bool) -> None:
        self.version, self.has_events = version, has_events
        for which in things:
            self.plug(which)
        self._everything_ends()
        if not is_clock_right:
            self._set_clock(-5000)

    # The host.

    @rule(which=ANY)
    def plug(self, which: int, things: Sequence[Stick] = THINGS) -> None:
        """One that fits: its port, its names and numbers are free, and udevd does not think of what went unseen."""
        here = [device for plug in self.plugs for device in plug.thing]
        here += [work.device for work in self.works if work.is_plug or work.is_kernels]
        taken = {device.devpath for device in here} | {device.database_name for device in here}
        free = [one for one in things if not any({d.devpath, d.database_name} & taken for d in one)]
        if free:
            self.plugs.append(plug := Plug(free[which % len(free)]))
            self.works += [Work(plug, one, self.host.adding(one, self.version, silent=True)) for one in plug.thing]

    @precondition(lambda self: self.plugs)
    @rule(which=ANY, is_instead=st.booleans(), is_udevd_late=st.booleans(), due=DUE)
    def plug_alike(self, which: int, due: float, *, is_instead: bool, is_udevd_late: bool) -> None:
        """One that shares something with another one, or is plugged instead; its event is all that is heard of it."""
        other = self.plugs[which % len(self.plugs)]
        if is_instead:
            self.unplug(which)
            self.go_on(which, MANY, is_udevd_late=True)
        self.plug(which // 3, [one for one in THINGS if other.is_like(Plug(one))])
        self.go_on(which, MANY, is_udevd_late=is_udevd_late)
        if self.owed:
            self.tell(-1)
        self._look(which, due)

    @precondition(lambda self: self.plugs)
    @rule(which=ANY)
    def unplug(self, which: int) -> None:
        plug = self.plugs.pop(which % len(self.plugs))
        gone = reversed(plug.thing.devices)
        self.works += [Work(plug, one, self.host.removing(one, silent=True), is_plug=False) for one in gone]

    @precondition(lambda self: self.works)
    @rule(which=ANY, count=st.sampled_from((1, 2, 5, 20, MANY)), is_udevd_late=st.booleans())
    def go_on(self, which: int, count: int, *, is_udevd_late: bool = False) -> None:
        """Kernel and udevd, each about one device after the other."""
        for number in range(count):
            works = [work for work in self.works if work.is_kernels or not is_udevd_late]
            able = [work for work in works if not self._waits(self.works.index(work), work)]
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
        told = ("add" if work.is_plug else "remove", device)
        if self.has_events and told not in self.owed:
            self.owed.append(told)
        if step == ("node" if node is not None and work.is_plug else "sysfs"):
            work.is_kernels = False
        if step == "sysfs":
            self._note_rivals(work.plug, 1 if work.is_plug else -1)

    def _note_rivals(self, plug: Plug, more: int) -> None:
        plug.devices_here += more
        self.here = {one for one in (*self.here, plug) if one.devices_here}
        for rival in [one for one in self.here if one is not plug and one.claims & plug.claims]:
            rival.had_rivals = plug.had_rivals = True

    def _end_udevd(self) -> None:
        """What it was at work on stays as it is."""
        if self.has_events:
            self.is_udevd_alive = self.is_fresh = False
            self.works = [work for work in self.works if work.is_kernels]

    def _begin_udevd(self) -> None:
        """A new one, which is told of everything."""
        if not self.is_udevd_alive and not self.works:
            self.is_udevd_alive = True
            pairs = [(plug, device) for plug in self.plugs for device in plug.thing]
            udevd = self.host._udevd
            self.works = [
                Work(plug, device, udevd.adding(device, self.version, "add", silent=True), is_kernels=False)
                for plug, device in pairs
            ]

    def _empty_database(self) -> None:
        """With events only: else there is no hint of an unplug then, as there is no entry that goes."""
        if self.has_events and not self.works:
            self.is_fresh = False
            for name in os.listdir(DATABASE):
                os.unlink(f"{DATABASE}/{name}")

    def _set_clock(self, seconds: int) -> None:
        """While all is known: of what nobody saw, and an entry from the future, nothing can be told."""
        if not self.works:
            self._rest()
            self.wall += seconds * 10**9
            self.is_fresh = False

    # The plugin.

    @precondition(lambda self: self.owed)
    @rule(which=ANY)
    def tell(self, which: int) -> None:
        """An event: in any order, and perhaps once more later."""
        index = which % len(self.owed)
        self._send(*(self.owed[index] if which % 4 == 3 else self.owed.pop(index)))

    def _merge(self) -> None:
        """Only the last event of each device comes."""
        self.owed = list({device.devpath: (action, device) for action, device in self.owed}.values())

    def _send(self, action: str, device: FakeDevice) -> None:
        node = device.node
        number = None if node is None else DeviceNumber(node.kind, node.major, node.minor)
        links = " ".join(device.devlinks)
        event = UdevEvent(action, device.sys_path, device.subsystem, number, node.path if node else "", links)
        self.plugin.looking.take_event(event, self.plugin.now)

    @rule(parts=st.lists(st.sampled_from(["hear", "look", "read", "take", "fail"]), max_size=6), which=ANY, due=DUE)
    def follow(self, parts: list[str], which: int, due: float) -> None:
        for part in parts:
            match part:
                case "hear":
                    self.plugin.looking.take_paths(self.plugin.paths.read(), self.plugin.now)
                case "look":
                    self.plugin.now += due
                    self.plugin.looking.work(self.plugin.now)
                case "take":
                    self.plugin.take()
                case _:
                    self.plugin.jobs.do(which, fails=part == "fail")

    @rule(which=ANY, due=DUE, is_late=st.booleans())
    def learn(self, which: int, due: float, *, is_late: bool) -> None:
        """An event comes, and the looks behind it are all that is done; or much happens, and is told, meanwhile."""
        if self.owed:
            self.tell(which)
        else:
            self.follow(["hear"], which, 0.0)
        if is_late:
            self.follow(["look", *["read"] * MAX_BULK], which, 0.05)
            self.go_on(which, MANY)
            self.follow(["hear"], which, 0.0)
            while self.owed:
                self._send(*self.owed.pop())
        self._look(which, due)

    def _look(self, which: int, due: float) -> None:
        self.follow(["look"], which, due)
        while self.plugin.jobs.outstanding:
            self.follow(["read", "take"], which, 0.0)

    def _rescan(self, *, is_lost: bool) -> None:
        """As from time to time; or because there was more to be heard than was kept for it."""
        if is_lost:
            self.owed.clear()
            self.plugin.paths.read()
        self.plugin.begin()

    @rule(what=st.integers(0, 12))
    def happen(self, what: int) -> None:
        """What is rare."""
        rarities: list[Callable[[], None]] = [self._end_udevd, self._begin_udevd, self._empty_database, self._merge]
        rarities += [partial(self._set_clock, seconds) for seconds in (-5000, -5000, -1, 5000)]
        rarities += [partial(self._rescan, is_lost=is_lost) for is_lost in (False, True)]
        rarities += [self._everything_ends, *(partial(self._rest, fails) for fails in (1, 3))]
        rarities[what]()

    def _rest(self, fails: int = 0) -> None:
        """Nothing happens for a while: what is known equals a look at everything, and all host paths are right."""
        while self.owed:
            self._send(*self.owed.pop())
        self.plugin.rest(fails)
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
                    if (number, member.node.inode) not in self.offered and self._is_unmistakable(plug, member.node):
                        assert "/by-id/" in member.identity or "serial=" in member.identity, formed
                    assert self.offered.setdefault((number, member.node.inode), member.identity) == member.identity
                    owner = self.owners.get((number, member.identity))
                    assert owner in (None, plug) or owner not in self.plugs, formed
                    self.owners[number, member.identity] = plug

    def _is_unmistakable(self, plug: Plug, key: NodeKey) -> bool:
        """Whether a node has been a serial number's only one, and udevd has told all of it."""
        node = self.plugin.memory.nodes.get(key.number) if key.number else None
        is_told = node is not None and node.state is NodeState.FINISHED
        return is_told and not plug.had_rivals and "serial" in plug.thing.devices[0].attributes

    def _everything_ends(self) -> None:
        """Kernel and udevd come to an end with all that there is to do."""
        self.go_on(0, MANY)
        self._rest()


TestHost = pytest.mark.timeout(600)(Host.TestCase)  # seconds; some twenty on an idle machine
TestHost.settings = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    stateful_step_count=70,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
