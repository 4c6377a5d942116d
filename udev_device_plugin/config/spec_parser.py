"""Device specs: nodes in any spelling to one model.

Pure. Two spellings: ``type`` with ``paths``, where every match is a device of its own, and ``name`` with
``groups``, of paths or udev matches that are zipped, or of USB devices. A fault is noted and reading goes on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from udev_device_plugin.config.entries.paths import read_path_alone
from udev_device_plugin.config.entries.values import MAX_COUNT
from udev_device_plugin.config.faults import Faults, Place, listed
from udev_device_plugin.config.scalars import ScalarError, parse_resource_name
from udev_device_plugin.config.selector_parser import ENTRIES
from udev_device_plugin.config.specs import GroupSpec, ResourceSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader, Sequence

SPEC_KEYS = ("name", "groups", "type", "count", "paths")
GROUP_KEYS = ("count", *ENTRIES)


@dataclass(frozen=True, slots=True)
class PlacedSpec:
    """A resource's spec and where it was read."""

    place: Place
    spec: ResourceSpec


def read_resources(documents: Iterable[Node], domain: str, faults: Faults) -> tuple[ResourceSpec, ...]:
    """Read specs and lists of specs; two of one resource are a fault."""
    reader = Reader(faults)
    first: dict[str, Place] = {}
    specs: list[ResourceSpec] = []
    for node in _each(documents):
        placed = _read_spec(node, domain, reader)
        if placed is None:
            continue
        if (place := first.setdefault(placed.spec.resource, placed.place)) is not placed.place:
            problem = f"a spec of {placed.spec.resource} stands at {place} already; join both, or rename one"
            faults.add(placed.place, problem)
        specs.append(placed.spec)
    return tuple(specs)


def _each(documents: Iterable[Node]) -> Iterator[Node]:
    for node in documents:
        yield from node.items if isinstance(node, Sequence) else (node,)


def _read_spec(node: Node, domain: str, reader: Reader) -> PlacedSpec | None:
    spec = reader.mapping(node, SPEC_KEYS, "a device spec")
    if spec is None:
        return None
    if spec.get("groups") is not None or (spec.get("name") is not None and spec.get("paths") is None):
        name = _name(spec, "name", "type", "groups", reader)
        groups = tuple(_groups(spec, reader))
    else:
        name = _name(spec, "type", "name", "paths", reader)
        groups = tuple(_groups_of_one_path(spec, reader))
    return None if name is None else PlacedSpec(name[0], ResourceSpec(f"{domain}/{name[1]}", groups))


def _name(spec: Mapping, right: str, wrong: str, beside: str, reader: Reader) -> tuple[Place, str] | None:
    """The resource's place and name; which of the two keys is right depends on what stands ``beside`` it."""
    node, other = spec.get(right), spec.get(wrong)
    if node is not None and other is not None:
        reader.faults.add(other.place, f"{wrong} stands beside {right}; with {beside}, keep {right} alone")
    elif other is not None:
        reader.faults.add(other.place, f"{wrong} does not go with {beside}; call it {right}")
    named = node or other
    if named is None:
        reader.faults.add(spec.place, f"it has no {right}; give the resource's name without its domain")
        return None
    if (text := reader.text(named)) is None:
        return None
    try:
        return named.place, parse_resource_name(text)
    except ScalarError as error:
        reader.faults.add(named.place, str(error))
        return None


def _groups_of_one_path(spec: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The spelling with ``type``: a group for each path, so that every match is a device of its own."""
    count = reader.whole_number(spec.get("count"), MAX_COUNT)
    for node in reader.items(spec.get("paths"), spec, "paths"):
        if isinstance(node, Mapping):
            problem = "it is a mapping; a path with options goes into a group"
            reader.faults.add(node.place, f"{problem}: name: …, groups: [{{paths: [{{path: …}}]}}]")
        elif (path := read_path_alone(node, reader)) is not None:
            yield GroupSpec((path,), count)


def _groups(spec: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The spelling with ``name``."""
    for key, remedy in (("count", "put count into each group"), ("paths", "put paths into a group")):
        if (node := spec.get(key)) is not None:
            reader.faults.add(node.place, f"{key} does not stand beside groups; {remedy}")
    for node in reader.items(spec.get("groups"), spec, "groups"):
        if (group := reader.mapping(node, GROUP_KEYS, "a group")) is not None:
            yield _group(group, reader)


def _group(group: Mapping, reader: Reader) -> GroupSpec:
    count = reader.whole_number(group.get("count"), MAX_COUNT)
    kinds = [kind for kind in ENTRIES if group.get(kind) is not None]
    for kind in kinds[1:]:
        node = group.get(kind)
        if node is not None:
            reader.faults.add(node.place, f"{kind} stands beside {kinds[0]}; put it into a group of its own")
    kind = kinds[0] if kinds else "paths"
    nodes = reader.items(group.get(kind), group, kind if kinds else listed(ENTRIES))
    entries = (ENTRIES[kind](node, reader) for node in nodes)
    return GroupSpec(tuple(entry for entry in entries if entry is not None), count)
