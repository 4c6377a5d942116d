"""A random history of a made-up host, and a plugin that follows it, without threads.

Kernel and udevd have each device's steps to do; what they do when is chance, and so is what the plugin hears and does
meanwhile. Time and the clock are passed in.
"""

import copy
import os
from collections.abc import Callable, Sequence
from random import Random

from tests.lab.following import Follower, Known, differences, known, looked_at_anew
from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, Stick
from tests.lab.udevd_steps import DATABASE, Version
from tests.world.plugging import THINGS, Plug, Work, names_of
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.devices.assembled import AssembledResource, AssemblyContext
from udev_device_plugin.devices.assembly import assemble
from udev_device_plugin.devices.candidates import NodeKey
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.host.model import DeviceNumber, NodeState
from udev_device_plugin.host.pool import MAX_BULK
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
DUE = (0.0, 0.003, 0.05, 3.0)  # seconds that pass


class Plugin(Follower):
    """What follows the host, and assembles devices; ``check`` is called whenever it has assembled some."""

    def __init__(self, now: float, check: Callable[[], None]) -> None:
        super().__init__(INTEREST, now)
        self.resources = [AssembledResource() for _ in SPECS]
        self._check = check

    def take(self) -> bool:
        is_new = super().take()
        if is_new:
            given = AssemblyContext(self.now, 60.0, "/nowhere/")
            pairs = zip(SPECS, self.resources, strict=True)
            self.resources = [assemble(spec, self.inventory, before, given) for spec, before in pairs]
            self._check()
        return is_new


class History:
    """A host, what is to be done there, and the plugin that follows it.

    Attributes:
        story: what has happened.
    """

    def __init__(self, chance: Random) -> None:
        self.story: list[str] = []
        self.host = FakeHost()
        self.wall = 10**18
        self.works: list[Work] = []
        self.plugs: list[Plug] = []
        self.owed: list[tuple[str, FakeDevice, int]] = []  # events that tell of changes
        self.seen: set[tuple[Plug, str]] = set()  # what was looked at, with its devpath
        self.makers: dict[int, tuple[Plug, FakeDevice]] = {}  # by the inode of a node
        self.authors: dict[str, tuple[Plug, FakeDevice]] = {}  # whom an entry of the database is about
        self.here: set[Plug] = set()
        self.owners: dict[tuple[int, str], Plug] = {}
        self.offered: dict[tuple[int, int], str] = {}
        self.is_fresh = self.is_udevd_alive = True
        self.has_events = _mostly(chance)
        self.version: Version = chance.choice((257, 252))
        self.plugin = Plugin(100.0, self.nothing_is_taken_for_another)
        self.plugin.rest()
        for _ in range(chance.randint(2, 5)):
            self.plug(chance)
        self.everything_ends(chance)
        if not _mostly(chance):
            self._set_clock(-5000)

    def close(self) -> None:
        """Take everything away."""
        self.plugin.close()
        self.host.close()

    # The host.

    def plug(self, chance: Random, things: Sequence[Stick] = THINGS) -> None:
        """One that fits: its port, its names and numbers are free.

        Of what was never looked at no entry must be yet to come, or be left behind for good: an entry does not say
        which device it is about, so that one with the same number would be taken for that.
        """
        here = [device for plug in self.plugs for device in plug.thing]
        unseen = [work.device for work in self.works if work.is_plug and not self._is_seen(work.plug, work.device)]
        here += [*unseen, *(work.device for work in self.works if work.is_kernels)]
        taken = {device.devpath for device in here} | {device.database_name for device in here}
        if not self.is_udevd_alive:
            taken |= {name for name in os.listdir(DATABASE) if not self._is_seen(*self.authors[name])}
        free = [one for one in things if not any({d.devpath, d.database_name} & taken for d in one)]
        if free:
            self.plugs.append(plug := Plug(chance.choice(free)))
            self.works += [Work(plug, one, self.host.adding(one, self.version, silent=True)) for one in plug.thing]
            self.story.append(f"plug {plug}")

    def _is_seen(self, plug: Plug, device: FakeDevice) -> bool:
        return device.node is None or (plug, device.devpath) in self.seen

    def plug_alike(self, chance: Random) -> None:
        """One that shares something with another one, or is plugged instead; its event is all that is heard of it."""
        if self.plugs:
            index = chance.choice((-1, chance.randrange(len(self.plugs))))
            other = self.plugs[index]
            if chance.random() < 0.5:
                self._unplug(index)
                self._go_on(chance, MANY, is_udevd_late=True)
            self.plug(chance, [one for one in THINGS if other.is_like(Plug(one))])
            self._go_on(chance, MANY, is_udevd_late=True)
            for count in chance.choice(((0,), (MANY,), (5,) * 9)):
                self._go_on(chance, count)
                if self.owed:
                    self._tell(-1, is_again=False)
                self._look(chance)

    def unplug(self, chance: Random) -> None:
        """Any."""
        if self.plugs:
            self._unplug(chance.randrange(len(self.plugs)))

    def _unplug(self, index: int) -> None:
        plug = self.plugs.pop(index)
        gone = reversed(plug.thing.devices)
        self.works += [Work(plug, one, self.host.removing(one, silent=True), is_plug=False) for one in gone]
        self.story.append(f"unplug {plug}")

    def go_on(self, chance: Random) -> None:
        """Kernel and udevd, each about one device after the other."""
        self._go_on(chance, chance.choice((1, 2, 5, 20, MANY)), is_udevd_late=chance.random() < 0.5)

    def _go_on(self, chance: Random, count: int, *, is_udevd_late: bool = False) -> None:
        for _ in range(count):
            works = [work for work in self.works if work.is_kernels or not is_udevd_late]
            able = [work for work in works if not self._waits(self.works.index(work), work)]
            if not able:
                break
            self._do(chance.choice(able))

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
            self._show_queue()
            return
        device, node = work.device, work.device.node
        self.story.append(f"{'kernel' if work.is_kernels else 'udevd'}: {work}: {step}")
        if work.is_plug and step == "node" and node is not None:
            os.utime(node.path, ns=(self.wall, self.wall))
            self.makers[os.lstat(node.path).st_ino] = work.plug, device
        if work.is_plug and step.startswith("entry") and os.path.exists(f"{DATABASE}/{device.database_name}"):
            os.utime(f"{DATABASE}/{device.database_name}", ns=(self.wall, self.wall))
            self.authors[device.database_name] = work.plug, device
        if step == ("node" if node is not None and work.is_plug else "sysfs"):
            work.is_kernels = False
            work.sequence = self.host.sequence(work.action, device)
        told = work.action, device, work.sequence if step == "event" else 0  # before, it is a hint and no more
        if self.has_events and told not in self.owed:
            self.owed.append(told)
        self._show_queue()
        if step == "sysfs":
            self._note_rivals(work.plug, 1 if work.is_plug else -1)

    def _show_queue(self) -> None:
        self.host.show_queue(is_busy=any(not work.is_kernels for work in self.works))

    def _note_rivals(self, plug: Plug, more: int) -> None:
        plug.devices_here += more
        self.here = {one for one in (*self.here, plug) if one.devices_here}
        for rival in [one for one in self.here if one is not plug and one.claims & plug.claims]:
            rival.had_rivals = plug.had_rivals = True

    def _end_udevd(self) -> None:
        """What it was at work on stays as it is; that is not the removal of what another one has the number of."""
        numbers = {device.database_name for plug in self.plugs for device in plug.thing if device.node}
        is_late = any(work.device.database_name in numbers and work.plug not in self.plugs for work in self.works)
        if self.has_events and not is_late:
            self.story.append("udevd ends")
            self.is_udevd_alive = self.is_fresh = False
            self.works = [work for work in self.works if work.is_kernels]
            self._show_queue()

    def _begin_udevd(self) -> None:
        """A new one, which is told of everything."""
        if not self.is_udevd_alive and not self.works:
            self.story.append("udevd begins")
            self.is_udevd_alive = True
            pairs = [(plug, device) for plug in self.plugs for device in plug.thing]
            udevd = self.host._udevd
            self.works = [
                Work(plug, device, udevd.adding(device, self.version, "add", silent=True), is_kernels=False)
                for plug, device in pairs
            ]
            self._show_queue()
            self.plugin.begin()

    def _empty_database(self) -> None:
        """With events only: else there is no hint of an unplug then, as there is no entry that goes."""
        if self.has_events and not self.works:
            self.story.append("database emptied")
            self.is_fresh = False
            for name in os.listdir(DATABASE):
                os.unlink(f"{DATABASE}/{name}")

    def _set_clock(self, seconds: int) -> None:
        """While all is known: of what nobody saw, and an entry from the future, nothing can be told."""
        if not self.works:
            self._rest()
            self.story.append(f"clock {seconds:+}")
            self.wall += seconds * 10**9
            self.is_fresh = False

    # The plugin.

    def tell(self, chance: Random) -> None:
        """An event: in any order, and perhaps once more later."""
        if self.owed:
            self._tell(chance.randrange(len(self.owed)), is_again=chance.random() < 0.25)

    def _tell(self, index: int, *, is_again: bool) -> None:
        self._send(*(self.owed[index] if is_again else self.owed.pop(index)))

    def _merge(self) -> None:
        """Only the last event of each device comes."""
        self.owed = list({told[1].devpath: told for told in self.owed}.values())

    def _send(self, action: str, device: FakeDevice, sequence: int) -> None:
        node = device.node
        number = None if node is None else DeviceNumber(node.kind, node.major, node.minor)
        links = " ".join(device.devlinks)
        self.story.append(f"event: {action} {device.sys_name}")
        devnode = node.path if node else ""
        event = UdevEvent(action, device.sys_path, device.subsystem, number, devnode, links, sequence)
        self.plugin.looking.take_event(event, self.plugin.now)

    def follow(self, chance: Random) -> None:
        """Parts of what the host thread does."""
        for part in chance.choices(("hear", "look", "read", "take", "fail"), k=chance.randint(0, 6)):
            self._follow(part, chance)

    def _follow(self, part: str, chance: Random) -> None:
        self.story.append(part)
        match part:
            case "hear":
                self.plugin.looking.take_paths(self.plugin.paths.read(), self.plugin.now)
            case "look":
                self.plugin.now += chance.choice(DUE)
                self.plugin.looking.work(self.plugin.now)
            case "take":
                self.plugin.take()
            case _:
                key = self.plugin.jobs.do(chance.randrange(MANY), fails=part == "fail")
                self.story[-1] += f" {key}"

    def learn(self, chance: Random) -> None:
        """An event comes, and the looks behind it are all that is done; or much happens, and is told, meanwhile."""
        if self.owed:
            self.tell(chance)
        else:
            self._follow("hear", chance)
        if chance.random() < 0.5:
            for part in ("look", *["read"] * MAX_BULK):
                self._follow(part, chance)
            self._go_on(chance, MANY)
            self._follow("hear", chance)
            while self.owed:
                self._send(*self.owed.pop())
        self._look(chance)

    def _look(self, chance: Random) -> None:
        self._follow("look", chance)
        while self.plugin.jobs.outstanding:
            self._follow("read", chance)
            self._follow("take", chance)

    def _rescan(self, *, is_lost: bool) -> None:
        """As from time to time; or because there was more to be heard than was kept for it."""
        self.story.append("rescan" + is_lost * ", as something was lost")
        if is_lost:
            self.owed.clear()
            self.plugin.paths.read()
        self.plugin.begin()

    def happen(self, chance: Random) -> None:
        """What is rare."""
        match chance.randrange(13):
            case 0:
                self._end_udevd()
            case 1:
                self._begin_udevd()
            case 2:
                self._empty_database()
            case 3:
                self._merge()
            case 4 | 5 | 6:
                self._set_clock(chance.choice((-5000, -5000, -1, 5000)))
            case 7 | 8:
                self._rescan(is_lost=chance.random() < 0.5)
            case 9 | 10:
                self._rest(chance.choice((1, 3)))
            case _:
                self.everything_ends(chance)

    def everything_ends(self, chance: Random) -> None:
        """Kernel and udevd come to an end with all that there is to do."""
        self._go_on(chance, MANY)
        self._rest()

    # What must hold.

    def _rest(self, fails: int = 0) -> None:
        """Nothing happens for a while: what is known equals a look at everything, and all host paths are right."""
        while self.owed:
            self._send(*self.owed.pop())
        self.story.append("rest")
        self.plugin.rest(fails)
        self.nothing_is_taken_for_another()
        now = known(INTEREST, self.plugin.inventory)
        if self.has_events or not self.works:  # else there was no hint of what the kernel alone has done
            self._compare(now, copy.deepcopy(self.plugin.memory))
        if self.is_fresh and not self.works:
            self._compare(now, Memory())
        for device in [one for resource in self.plugin.resources for one in resource.devices if one.is_healthy]:
            for member in filter(None, device.members):
                path = member.target if member.own_link else member.host_path
                assert os.stat(path).st_ino == member.node.inode, device

    def _compare(self, now: Known, memory: Memory) -> None:
        lines = differences(now, looked_at_anew(INTEREST, self.plugin.now, memory))
        assert not lines, "\n".join(lines)

    def nothing_is_taken_for_another(self) -> None:
        """At no moment is a device offered as another one, or as less than what it is known to be."""
        seen = [self.makers[node.inode] for node in self.plugin.memory.nodes if node.inode]
        self.seen |= {(plug, device.devpath) for plug, device in seen}
        for number, resource in enumerate(self.plugin.resources):
            for offered in [one for one in resource.devices if one.is_healthy]:
                for member in filter(None, offered.members):
                    plug, device = self.makers[member.node.inode]
                    assert names_of(plug, device, member.identity), offered
                    if (number, member.node.inode) not in self.offered and self._is_unmistakable(plug, member.node):
                        assert "/by-id/" in member.identity or "serial=" in member.identity, offered
                    assert self.offered.setdefault((number, member.node.inode), member.identity) == member.identity
                    owner = self.owners.get((number, member.identity))
                    assert owner in (None, plug) or owner not in self.plugs, offered
                    self.owners[number, member.identity] = plug

    def _is_unmistakable(self, plug: Plug, key: NodeKey) -> bool:
        """Whether a node has been a serial number's only one, and udevd has told all of it."""
        node = self.plugin.memory.nodes.get(key.number) if key.number else None
        is_told = node is not None and node.state is NodeState.FINISHED
        return is_told and not plug.had_rivals and "serial" in plug.thing.devices[0].attributes


RULES: tuple[Callable[[History, Random], None], ...] = (
    History.plug,
    History.plug_alike,
    History.plug_alike,
    History.unplug,
    History.go_on,
    History.tell,
    History.follow,
    History.learn,
    History.happen,
)


def _mostly(chance: Random) -> bool:
    return chance.random() < 2 / 3
