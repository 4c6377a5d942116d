"""What must hold whenever a node is at rest, found out as a kubelet finds it out: by lists, `Allocate` and starts.

- A resource offers each node that its globs reach once (as often as its `count`), by a path that leads there, and
  nothing else. Exception: a node that udevd has not finished with may be offered or not, it depends on the time.
- An ID stands for one thing for ever: a serial number, a port or a path (`park.Plugged.meanings`). Two cloned sticks
  are one thing as long as only one of them is there, and known by their ports where both were; a node that was offered
  before its serial number was known, or with its links gone, keeps its port for a name.
- One thing has one ID for ever, over replugs, other ports and other plugin processes, unless it has a twin, was ready
  late or had its links changed.
- A node keeps its ID for as long as it is there. Exception: what is offered by links alone (`linked`), where another
  stick can take the link away, and the device be forgotten meanwhile.
- No node is given by a link that a sibling claims, too, ready or not: it may lead to that one tomorrow.
- What has a serial number that no other stick has, and was known from the start, is given by its link.
- A container that starts gets the device that its ID stands for. One that is refused has a reason: the device is not
  there, or the link that it was once given is claimed by another stick, or gone.
- Unhealthy are just those that pods hold, those within their grace period, and for 60 s after an answer that a pod
  holds it what is not held any more (the plugin asks no more often).
- Of links of our own there are those that what is offered needs, or has needed once; none leads nowhere.
- All this also holds when another plugin process has begun, or a resource was configured anew, with one exception: an
  absent device is listed only if a pod holds it.
"""

import asyncio
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.lab.chaos.park import Meaning
from tests.lab.chaos.resources import COUNTS, GLOBS, STICKS
from tests.lab.chaos.truth import Truth
from tests.lab.chaos.verdict_of_sets import Id, Seen, VerdictOfSets
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, Allocation, ContainerStartError, DeviceView, ResourceView

ASKED_AGAIN = 62.0
LINKS = "udev-device-plugin"
BY_SERIAL = ("serial", "linked", "video")


@dataclass(slots=True)
class Look:
    """What one look at a node at rest found: faults, and, if there are none, what to remember."""

    faults: list[str] = field(default_factory=list)
    sightings: list[tuple[Id, str]] = field(default_factory=list)
    sets: list[Seen] = field(default_factory=list)
    own_links: set[str] = field(default_factory=set)
    asked: set[Id] = field(default_factory=set)


class Verdict:
    """Looks, and remembers what was found.

    Attributes:
        forgets: absent devices that nobody holds are not listed for long.
        held: what pods hold.
    """

    def __init__(self, truth: Truth, kubelet: Kubelet, names: Sequence[str], *, forgets: bool) -> None:
        self._truth = truth
        self._kubelet = kubelet
        self._names = names
        self._links = f"{kubelet.directory}/{LINKS}"
        self._sets = VerdictOfSets(truth)
        self._meanings: dict[Id, frozenset[Meaning]] = {}
        self._ids: dict[tuple[str, int, str, int], str] = {}
        self._lasting: dict[tuple[str, frozenset[Meaning], int], str] = {}
        self._lingering: dict[Id, float] = {}
        self._listed: set[Id] = set()
        self._may_go: set[Id] = set()
        self._begun: dict[str, float] = {}
        self.forgets = forgets
        self.held: dict[Id, Allocation] = {}

    def note_lists(self) -> None:
        """Remember what was listed so far; call it before the kubelet forgets."""
        for message in self._kubelet.history:
            if message.time > self._begun.get(message.resource, 0):
                self._may_go -= {(message.resource, device.id) for device in message.devices if device.is_healthy}
                self._listed |= {(message.resource, device.id) for device in message.devices} - self._may_go

    def begin_anew(self, *names: str) -> None:
        """Another plugin process begins, or these resources were taken away, and are there again."""
        for name in names or self._names:
            resource = f"squat.ai/{name}"
            self._begin(resource)
            self._listed = {id_ for id_ in self._listed if id_[0] != resource}

    def select_otherwise(self, *names: str) -> None:
        """These resources are configured by other selectors: from the next rest on their lists count again.

        What the new selectors do not form is listed until it is known that no pod holds it.
        """
        self.begin_anew(*names)
        self._begun.update({f"squat.ai/{name}": math.inf for name in names})

    def change_mind(self, *, forgets: bool) -> None:
        """The grace period is another one."""
        if self.forgets and not forgets:  # what went before may have gone for good
            for name in self._names:
                self._begin(f"squat.ai/{name}")
            self._listed = set()
        self.forgets = forgets

    def _begin(self, resource: str) -> None:
        """Its lists count from now on, if they do not count from later on."""
        if self._begun.get(resource) != math.inf:
            self._begun[resource] = time.monotonic()

    def hold(self, allocation: Allocation) -> None:
        """A pod got this, and keeps it."""
        for id_ in allocation.ids:
            self.held[allocation.resource, id_] = allocation

    def release(self, id_: Id) -> None:
        """A pod ends."""
        self._kubelet.release(self.held.pop(id_))
        self._lingering[_base(id_)] = time.monotonic() + ASKED_AGAIN

    async def look(self) -> Look:
        """What is wrong now."""
        self._truth.note_age()
        self.note_lists()
        look = Look()
        views = [self._kubelet.resource(f"squat.ai/{name}") for name in self._names]
        for view in views:
            self._count(view, look)
        # Nothing is tried until then: what is allocated is a pod's to the plugin, which keeps its nodes from others.
        for view in views if not look.faults else ():
            await self._look_at(view, look)
        self._check_links(look)
        if look.faults:
            # The plugin may have asked who holds what while a device that was just leaving was allocated for the look.
            self._lingering.update(dict.fromkeys(look.asked, time.monotonic() + ASKED_AGAIN))
        return look

    def remember(self, look: Look) -> None:
        """What was seen is from now on expected."""
        for resource in [resource for resource, begun in self._begun.items() if begun == math.inf]:
            self._begun[resource] = time.monotonic()
            absent = {device.id for device in self._kubelet.resource(resource).devices if not device.is_healthy}
            self._may_go = {id_ for id_ in self._may_go if id_[0] != resource} | {(resource, id_) for id_ in absent}
        for seen in look.sets:
            self._sets.remember(seen)
        for id_, node in look.sightings:
            one, name = self._truth.owner(node), id_[0].rpartition("/")[2]
            meanings = one.meanings(name, node)
            self._meanings[id_] = self._meanings.get(id_, meanings) & meanings
            self._ids[id_[0], one.making, node, _replica(id_[1])] = id_[1]
            if one.has_one_name:
                self._lasting[id_[0], meanings, _replica(id_[1])] = id_[1]

    def _count(self, view: ResourceView, look: Look) -> None:
        name = view.name.rpartition("/")[2]
        least, most = self._expected(name)
        if not view.connected or not view.lists:
            look.faults.append(f"not registered, or no list came: {name}")
        elif not least <= view.allocatable <= most:
            look.faults.append(f"not as many as there are: {name}: {view.allocatable} Healthy, of {least} to {most}")

    async def _look_at(self, view: ResourceView, look: Look) -> None:
        name = view.name.rpartition("/")[2]
        seen = Seen()
        for device in view.devices:
            await self._try(view.name, device, seen, look)
        if name in GLOBS:
            reached: Counter[str] = Counter()
            for id_, paths in seen.started:
                self._sight(id_, paths[0], reached, look)
            self._check_nodes(name, reached, [self.held[id_] for id_ in seen.refused], look)
        else:
            look.faults += self._sets.judge(name, seen)
            look.sets.append(seen)
        self._check_list(view, look)

    def _expected(self, name: str) -> tuple[int, int]:
        """How many Healthy IDs there must be at least and at most."""
        if name not in GLOBS and name not in STICKS:
            return 0, sys.maxsize
        must, may = self._truth.whole(name) if name in STICKS else self._truth.offered(name)
        return COUNTS.get(name, 1) * len(must), COUNTS.get(name, 1) * len(must | may)

    async def _try(self, resource: str, device: DeviceView, seen: Seen, look: Look) -> None:
        """See what a container would get for an ID."""
        id_ = resource, device.id
        paths, is_started = await self._start(id_, device, look)
        if is_started and device.is_healthy:
            seen.started.append((id_, paths))
            look.own_links |= {os.path.basename(path) for path in paths if path.startswith(f"{self._links}/")}
        elif is_started:
            look.faults.append(f"Unhealthy, and a container with it starts: {resource}: {device.id}")
        elif device.is_healthy and id_ in self.held:
            seen.refused.append(id_)
        elif device.is_healthy:
            look.faults.append(f"Healthy, and cannot be had: {resource}: {device.id}: {paths[0]}")
        else:
            seen.others.append(id_)

    async def _start(self, id_: Id, device: DeviceView, look: Look) -> tuple[tuple[str, ...], bool]:
        """The paths by which a container would have the device, and whether it starts; if not, why."""
        held = self.held.get(id_)
        if held is None and not device.is_healthy:
            return ("",), False  # no kubelet allocates it; and who asked for it would seem to hold it for a moment
        if held is None:
            look.asked.add(_base(id_))
        try:
            if held is not None:
                await self._kubelet.start_container(held)
                return _host_paths(held), True
            allocation = await self._kubelet.allocate(id_[0], ids=[id_[1]])
        except ContainerStartError as error:
            if held is None:
                self._kubelet.release(error.allocation)
            return (str(error),), False
        except (AdmissionError, asyncio.CancelledError) as error:  # the latter is grpc's word for a plugin that goes
            return (str(error),), False
        self._kubelet.release(allocation)
        return _host_paths(allocation), True

    def _sight(self, id_: Id, path: str, reached: Counter[str], look: Look) -> None:
        """A healthy device is at this path: is it what its ID stands for?"""
        self._truth.note_age()  # the look may have begun long before
        name = id_[0].rpartition("/")[2]
        if (node := self._truth.node_at(path)) is None:
            look.faults.append(f"Healthy, and not there: {name}: {id_[1]}: nothing is at {path}")
            return
        reached[node] += 1
        if not self._truth.has(node):
            look.faults.append(f"Healthy, and nobody's: {name}: {id_[1]} leads to {node}")
            return
        one = self._truth.owner(node)
        meanings = one.meanings(name, node)
        known = self._meanings.get(id_, meanings)
        if not known & meanings:
            look.faults.append(
                f"an ID that moved: {name}: {id_[1]} was {set(known)}, and is {set(meanings)} now, by {path}"
            )
        if id_ not in self.held and one.has_name_of_its_own and name in BY_SERIAL and "/by-id/" not in path:
            look.faults.append(f"has a serial number, and is given by another path: {name}: {id_[1]}: {path}")
        if id_ not in self.held and not one.is_nameless and sum(path in device.devlinks for device in one.stick) > 1:
            look.faults.append(f"given by a link that a sibling claims: {name}: {id_[1]}: {path}")
        before = self._ids.get((id_[0], one.making, node, _replica(id_[1])), id_[1])
        if before != id_[1] and (name != "linked" or not one.article.twins):
            look.faults.append(
                f"a node that was renamed: {name}: {node} of {one.article.name} was {before}, is {id_[1]}, by {path}"
            )
        if one.has_one_name:
            lasting = self._lasting.get((id_[0], meanings, _replica(id_[1])), id_[1])
            if lasting != id_[1]:
                look.faults.append(f"another ID than before: {name}: {set(meanings)} was {lasting}, is {id_[1]}")
        look.sightings.append((id_, node))

    def _check_nodes(self, name: str, reached: Counter[str], refused: Iterable[Allocation], look: Look) -> None:
        """Is each node offered that must be, and none else?"""
        must, may = self._truth.offered(name)
        count, refused = COUNTS[name], list(refused)
        missing = Counter(dict.fromkeys(must, count)) - reached
        unsure = Counter(dict.fromkeys(may, count)) - reached
        too_many = reached - Counter(dict.fromkeys(must | may, count))
        if too_many:
            look.faults.append(f"offered more than once, or in vain: {name}: {dict(too_many)}")
        if not missing.total() <= len(refused) <= missing.total() + unsure.total():
            ids = [held.ids[0] for held in refused]
            look.faults.append(f"there, and not offered: {name}: {dict(missing)}; held, and refused: {ids}")
        for held in refused:
            path = held.response.devices[0].host_path
            node = self._truth.node_at(path)
            is_contended = path.startswith("/dev/") and (node is None or self._truth.claims(path) != 1)
            if not is_contended and (node is None or node in missing):
                look.faults.append(f"refused without a reason: {name}: {held.ids[0]}: {path} leads to {node}")

    def _check_list(self, view: ResourceView, look: Look) -> None:
        """Is each absent device listed that must be, and none else?"""
        now = time.monotonic()
        listed = {(view.name, device.id) for device in view.devices}
        held = {id_ for id_ in self.held if id_[0] == view.name}
        if len(listed) != len(view.devices):
            look.faults.append(f"an ID is listed twice: {view.name}")
        if held - listed:
            look.faults.append(f"held, and not listed: {held - listed}")
        absent = {(view.name, device.id) for device in view.devices if not device.is_healthy}
        if self.forgets:
            bases = set(map(_base, held))  # all replicas of a device stay if one is held
            late = {
                id_ for id_ in absent - held if self._lingering.get(_base(id_), 0) < now and _base(id_) not in bases
            }
            if late:
                look.faults.append(f"not forgotten: {late}")
        elif lost := {id_ for id_ in self._listed if id_[0] == view.name} - listed:
            look.faults.append(f"forgotten too soon: {lost}")

    def _check_links(self, look: Look) -> None:
        names = os.listdir(self._links) if os.path.isdir(self._links) else []
        present = {name for name in names if os.path.islink(f"{self._links}/{name}")}
        if missing := look.own_links - present:
            look.faults.append(f"links that are not there: {missing}")
        # A link that a device has needed once stays for as long as it is known: somebody may have been handed it.
        dead = {link for link in present - look.own_links if self._truth.node_at(f"{self._links}/{link}") is None}
        if dead:
            look.faults.append(f"links that lead nowhere: {dead}")


def _host_paths(allocation: Allocation) -> tuple[str, ...]:
    return tuple(device.host_path for device in allocation.response.devices)


def _base(id_: Id) -> Id:
    """All replicas of a device."""
    return id_[0], id_[1].rpartition("-")[0]


def _replica(id_: str) -> int:
    return int(id_.rpartition("-")[2])
