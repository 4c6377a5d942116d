"""Device specs: nodes to ``ResourceSpec``.

Pure. A spec has two spellings: ``type`` with ``paths``, where each match is a device of its own, and ``name`` with
``groups``. A fault is added to the others, and reading goes on.
"""

from collections.abc import Iterable, Iterator

from udev_device_plugin.config.entries.paths import read_path
from udev_device_plugin.config.faults import Faults, Place, listed
from udev_device_plugin.config.scalars import parse_resource_name
from udev_device_plugin.config.selector_kinds import ENTRIES, EXCLUSIONS
from udev_device_plugin.config.specs import MAX_COUNT, MAX_IDS_OF_RESOURCE, GroupSpec, ResourceSpec
from udev_device_plugin.config.yaml_document import read_document
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader, Sequence, written
from udev_device_plugin.selectors.kind import SelectorKind

SPEC_KEYS = ("name", "groups", "type", "count", "paths", "exclude")
GROUP_KEYS = ("count", *ENTRIES)


def read_resources(documents: Iterable[Node], domain: str, faults: Faults) -> tuple[ResourceSpec, ...]:
    """Read specs and lists of specs; two specs of one resource are a fault."""
    reader = Reader(faults)
    places: dict[str, Place] = {}
    specs: list[ResourceSpec] = []
    for node in _each(documents):
        if (named := _read_spec(node, domain, reader)) is None:
            continue
        place, spec = named
        if (first := places.setdefault(spec.resource, place)) is not place:
            faults.add(place, f"a spec of {spec.resource} stands at {first} already; join both, or rename one")
        specs.append(spec)
    return tuple(specs)


def read_written_groups(text: str) -> tuple[GroupSpec, ...]:
    """Read a group as it was written down (`GroupSpec.written`); nothing if it is none."""
    faults = Faults()
    node = read_document(text, Place(""), faults)
    groups = tuple(_read_group(node, Reader(faults))) if isinstance(node, Mapping) else ()
    return () if faults.found or not all(group.paths for group in groups) else groups


def _each(documents: Iterable[Node]) -> Iterator[Node]:
    for node in documents:
        yield from node.items if isinstance(node, Sequence) else (node,)


def _read_spec(node: Node, domain: str, reader: Reader) -> tuple[Place, ResourceSpec] | None:
    spec = reader.mapping(node, SPEC_KEYS, "a device spec")
    if spec is None:
        return None
    if spec.get("groups") is not None or (spec.get("name") is not None and spec.get("paths") is None):
        named = _read_name(spec, "name", "type", "groups", reader)
        groups = tuple(_read_groups(spec, reader))
    else:
        named = _read_name(spec, "type", "name", "paths", reader)
        groups = tuple(_groups_of_one_path(spec, reader))
    exclude = tuple(_read_exclude(spec, reader))
    return None if named is None else (named[0], ResourceSpec(f"{domain}/{named[1]}", groups, exclude))


def _read_name(spec: Mapping, right: str, wrong: str, beside: str, reader: Reader) -> tuple[Place, str] | None:
    """Return the resource's place and name; the key ``beside`` it decides which of the two keys is right."""
    node, other = spec.get(right), spec.get(wrong)
    if node is not None and other is not None:
        reader.faults.add(other.place, f"{wrong} stands beside {right}; with {beside}, keep {right} alone")
    elif other is not None:
        reader.faults.add(other.place, f"{wrong} does not go with {beside}; call it {right}")
    named = node or other or reader.required(spec, right, "give the resource's name without its domain")
    name = reader.text(named, parse_resource_name)
    return None if named is None or name is None else (named.place, name)


def _groups_of_one_path(spec: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The spelling with ``type``: a group for each path."""
    count = reader.whole_number(spec.get("count"), MAX_COUNT)
    for node in reader.items(spec.get("paths"), spec, "paths"):
        if isinstance(node, Mapping):
            problem = "it is a mapping; a path with options goes into a group"
            reader.faults.add(node.place, f"{problem}: name: …, groups: [{{paths: [{{path: …}}]}}]")
        elif (path := read_path(node, reader)) is not None:
            yield GroupSpec((path,), count, f'{{"count": {count}, "paths": [{written(node)}]}}')


def _read_exclude(spec: Mapping, reader: Reader) -> Iterator[SelectorKind]:
    """What is not offered, in either spelling."""
    if (listed_items := spec.get("exclude")) is None:
        return
    for node in reader.items(listed_items, spec, "exclude"):
        if (item := reader.mapping(node, tuple(EXCLUSIONS), "what to exclude")) is None:
            continue
        given = {kind: value for kind in EXCLUSIONS if (value := item.get(kind)) is not None}
        if not given and all(entry.key in EXCLUSIONS for entry in item.entries):
            reader.faults.add(item.place, f"it excludes nothing; give {listed(EXCLUSIONS)}")
        for kind, value in [*given.items()][1:]:
            reader.faults.add(value.place, f"{kind} stands beside {next(iter(given))}; put it into an item of its own")
        for kind, value in given.items():
            if (selector := EXCLUSIONS[kind](value, reader)) is not None:
                yield selector


def _read_groups(spec: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The spelling with ``name``."""
    for key, remedy in (("count", "put count into each group"), ("paths", "put paths into a group")):
        if (node := spec.get(key)) is not None:
            reader.faults.add(node.place, f"{key} does not stand beside groups; {remedy}")
    for node in reader.items(spec.get("groups"), spec, "groups"):
        if (group := reader.mapping(node, GROUP_KEYS, "a group")) is not None:
            yield from _read_group(group, reader)


def _read_group(group: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The group; where its entries select by USB devices, which never go together, a group for each."""
    count = reader.whole_number(group.get("count"), MAX_COUNT)
    given = {kind: node for kind in ENTRIES if (node := group.get(kind)) is not None}
    first, *others = given or ["paths"]
    for kind in others:
        reader.faults.add(given[kind].place, f"{kind} stands beside {first}; put it into a group of its own")
    nodes = reader.items(given.get(first), group, first if given else listed(ENTRIES))
    read = [(node, entry) for node in nodes if (entry := ENTRIES[first](node, reader)) is not None]
    if any(entry.selector.is_by_usb_device for _, entry in read):
        for node, entry in read:
            yield GroupSpec((entry,), count, f'{{"count": {count}, "{first}": [{written(node)}]}}')
        return
    entries = tuple(entry for _, entry in read)
    # A group has no more devices of one match than its smallest limit: a mount that any number may share is no fault.
    limit = min((entry.limit for entry in entries), default=1)
    if count * limit > MAX_IDS_OF_RESOURCE:
        problem = f"count {count} times limit {limit} are {count * limit} device IDs for one match"
        reader.faults.add(group.place, f"{problem}; a resource has at most {MAX_IDS_OF_RESOURCE}, lower one of them")
    yield GroupSpec(entries, count, written(group))
