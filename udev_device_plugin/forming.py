"""Keeps one resource's formation up to date, forming anew no more of it than what changed can concern.

Floor 3, pure. Where a device depends on others (a zip of several paths, a stick's nodes, a limit), all are formed
anew; so they are where there are few. Of thousands, only those are that share a node, a path, an identity or a claim
with what changed. Invariant: the outcome is what forming all of them anew would have given.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from udev_device_plugin.candidates import Part
from udev_device_plugin.changes import Changes
from udev_device_plugin.config.specs import PathType, ResourceSpec
from udev_device_plugin.device import DeviceNumber
from udev_device_plugin.formation import form
from udev_device_plugin.formed import Circumstances, Formation, Formed
from udev_device_plugin.identity import Identity
from udev_device_plugin.inventory import Inventory
from udev_device_plugin.retention import remember

FEW = 64
"""Devices up to which all are formed anew."""


class Former:
    """One resource's formation.

    Args:
        formation: what it begins with.
        few: up to how many devices all are formed anew.
    """

    def __init__(self, formation: Formation | None = None, few: int = FEW) -> None:
        self._few = few
        self._formed: dict[Identity, Formed] = {}
        self._known_at: defaultdict[DeviceNumber | str, set[Identity]] = defaultdict(set)
        self._absent: set[Identity] = set()
        self._changes = Changes(is_everything=True)
        self._formation = formation or Formation()

    @property
    def formation(self) -> Formation:
        """What the resource offers."""
        return self._formation

    @formation.setter
    def formation(self, formation: Formation) -> None:
        """Something else has changed about it: all will be formed anew."""
        self._formation, self._changes = formation, Changes(is_everything=True)

    def note(self, changes: Changes) -> None:
        """Something changed on the host."""
        if not self._changes.is_everything:
            self._changes.include(changes)

    def form(self, spec: ResourceSpec, inventory: Inventory, given: Circumstances) -> frozenset[Identity] | None:
        """Bring the formation up to date.

        Returns:
            Which devices may be others now; None: all.
        """
        if self._changes.is_everything:
            self._form_all(spec, inventory, given)
            return None
        changed = self._form_part(spec, inventory, given)
        if changed is None:
            self._form_all(spec, inventory, given)
        else:
            self._changes = Changes()
        return changed

    def _form_all(self, spec: ResourceSpec, inventory: Inventory, given: Circumstances) -> None:
        self._formation = form(spec, inventory, self._formation, given)
        self._formed.clear()
        self._known_at.clear()
        self._absent.clear()
        is_large = len(self._formation.formed) > self._few
        can_divide = is_large and not self._formation.is_disputed and _is_of_single_nodes(spec)
        self._changes = Changes(is_everything=not can_divide)
        if can_divide:
            for formed in self._formation.formed:
                self._put(formed)

    def _form_part(self, spec: ResourceSpec, inventory: Inventory, given: Circumstances) -> frozenset[Identity] | None:
        """Form anew what has to do with what changed; None, and nothing done, if it disputes an identity."""
        numbers = {*self._changes.numbers, *(device.number for device in self._changes.devices)}
        for device in self._changes.devices:
            numbers |= inventory.rivals_of(device)
        # Once it is known what pods hold, the absent ones may be forgotten.
        concerned = {identity: self._formed[identity] for identity in self._absent} if given.held is not None else {}
        paths = self._concern(concerned, numbers, self._changes.paths, inventory)
        while True:
            part = Part(paths, partial(self._is_taken, concerned))
            before = Formation(tuple(concerned.values()), is_first=False)
            formation = form(spec, inventory, before, given, part)
            formed = {one.identity: one for one in formation.formed}
            others = formed.keys() & self._formed.keys() - concerned.keys()
            if not others:
                break
            concerned |= {identity: self._formed[identity] for identity in others}  # absent ones that come back
            paths = self._concern(concerned, numbers, self._changes.paths, inventory)
        if formation.is_disputed:
            return None
        for identity in concerned:
            self._drop(self._formed[identity])
        kept = {identity: formed.pop(identity) for identity in concerned if identity in formed}
        for identity in concerned.keys() - kept.keys():
            del self._formed[identity]
        for one in (*kept.values(), *formed.values()):
            self._put(one)
        remembered = remember(spec, self._formation, self._formed.values(), given)
        self._formation = Formation(tuple(self._formed.values()), remembered, is_first=False)
        return frozenset((*concerned, *formed))

    def _concern(
        self,
        concerned: dict[Identity, Formed],
        numbers: Iterable[DeviceNumber],
        paths: Iterable[str],
        inventory: Inventory,
    ) -> frozenset[str]:
        """Add to ``concerned`` the devices that have to do with these nodes and paths, and with theirs, and so on.

        Returns:
            All paths that must be looked at.
        """
        seen: set[DeviceNumber | str] = set()
        ahead: set[DeviceNumber | str] = {*numbers, *paths, *_places(concerned)}
        while ahead:
            seen |= ahead
            known = {identity for place in ahead for identity in self._known_at.get(place, ())}
            concerned |= {identity: self._formed[identity] for identity in known}
            names = {path for place in ahead if isinstance(place, DeviceNumber) for path in inventory.paths_of(place)}
            entries = (inventory.entries.get(place) for place in ahead if isinstance(place, str))
            nodes = {entry.number for entry in entries if entry is not None and entry.number is not None}
            ahead = {*_places(concerned), *names, *nodes} - seen
        return frozenset(place for place in seen if isinstance(place, str))

    def _is_taken(self, concerned: Mapping[Identity, Formed], identity: str) -> bool:
        other = self._formed.get((identity,))
        return other is not None and other.is_healthy and other.identity not in concerned

    def _put(self, formed: Formed) -> None:
        self._formed[formed.identity] = formed
        if not formed.is_healthy:
            self._absent.add(formed.identity)
        for place in _places({formed.identity: formed}):
            self._known_at[place].add(formed.identity)

    def _drop(self, formed: Formed) -> None:
        self._absent.discard(formed.identity)
        for place in _places({formed.identity: formed}):
            self._known_at[place].discard(formed.identity)
            if not self._known_at[place]:
                del self._known_at[place]


def _is_of_single_nodes(spec: ResourceSpec) -> bool:
    """Whether each match is a device, whatever the others are."""
    return all(
        len(group.paths) == 1
        and not group.is_of_sticks
        and (path.type, path.limit, path.optional) == (PathType.DEVICE, 1, False)
        for group in spec.groups
        for path in group.paths
    )


def _places(formed: Mapping[Identity, Formed]) -> set[DeviceNumber | str]:
    """The nodes and paths of devices."""
    members = [member for one in formed.values() for member in one.members if member is not None]
    return {*(member.node.number for member in members if member.node.number), *(member.path for member in members)}
