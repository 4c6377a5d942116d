"""Device specs: nodes in any spelling to one model.

Floor 1: pure. Two spellings: ``type`` with ``paths``, where every match is a device of its own, and ``name`` with
``groups``, of paths or udev matches that are zipped, or of USB devices. A fault is noted and reading goes on.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from udev_device_plugin.config.faults import Findings, Place, listed, quoted
from udev_device_plugin.config.scalars import (
    ScalarError,
    parse_choice,
    parse_path,
    parse_permissions,
    parse_resource_name,
)
from udev_device_plugin.config.selector_parser import MAX_COUNT, read_udev, read_usb
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader, Sequence
from udev_device_plugin.selectors.paths.glob import Glob, GlobError
from udev_device_plugin.selectors.paths.selector import PathSelector

SPEC_KEYS = ("name", "groups", "type", "count", "paths")
GROUP_KEYS = ("count", "paths", "usb", "udev")
PATH_KEYS = ("path", "mountPath", "type", "permissions", "readOnly", "limit", "optional")

T = TypeVar("T")

_NOWHERE = Glob.of("/dev/null")
"""Stands in for a glob that could not be read, so that the rest of its path can be."""


@dataclass(frozen=True, slots=True)
class PlacedSpec:
    """A resource's spec and where it was read."""

    place: Place
    spec: ResourceSpec


def read_resources(documents: Iterable[Node], domain: str, findings: Findings) -> tuple[ResourceSpec, ...]:
    """Read specs and lists of specs; two of one resource are a fault."""
    reader = Reader(findings)
    first: dict[str, Place] = {}
    specs: list[ResourceSpec] = []
    for node in _each(documents):
        placed = _read_spec(node, domain, reader)
        if placed is None:
            continue
        if (place := first.setdefault(placed.spec.resource, placed.place)) is not placed.place:
            problem = f"a spec of {placed.spec.resource} stands at {place} already; join both, or rename one"
            findings.fault(placed.place, problem)
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
        reader.findings.fault(other.place, f"{wrong} stands beside {right}; with {beside}, keep {right} alone")
    elif other is not None:
        reader.findings.fault(other.place, f"{wrong} does not go with {beside}; call it {right}")
    named = node or other
    if named is None:
        reader.findings.fault(spec.place, f"it has no {right}; give the resource's name without its domain")
        return None
    name = _parsed(named, parse_resource_name, reader)
    return None if name is None else (named.place, name)


def _groups_of_one_path(spec: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The spelling with ``type``: a group for each path, so that every match is a device of its own."""
    count = reader.whole_number(spec.get("count"), MAX_COUNT)
    for node in reader.items(spec.get("paths"), spec, "paths"):
        if isinstance(node, Mapping):
            problem = "it is a mapping; a path with options goes into a group"
            reader.findings.fault(node.place, f"{problem}: name: …, groups: [{{paths: [{{path: …}}]}}]")
        elif (glob := _parsed(node, Glob.parse, reader)) is not None:
            _check_glob(glob, PathType.DEVICE, node.place, reader)
            yield GroupSpec((PathSpec(PathSelector(glob)),), count)


def _groups(spec: Mapping, reader: Reader) -> Iterator[GroupSpec]:
    """The spelling with ``name``."""
    for key, remedy in (("count", "put count into each group"), ("paths", "put paths into a group")):
        if (node := spec.get(key)) is not None:
            reader.findings.fault(node.place, f"{key} does not stand beside groups; {remedy}")
    for node in reader.items(spec.get("groups"), spec, "groups"):
        if (group := reader.mapping(node, GROUP_KEYS, "a group")) is not None:
            yield _group(group, reader)


def _group(group: Mapping, reader: Reader) -> GroupSpec:
    count = reader.whole_number(group.get("count"), MAX_COUNT)
    kinds = [kind for kind in ENTRIES if group.get(kind) is not None]
    for kind in kinds[1:]:
        node = group.get(kind)
        if node is not None:
            reader.findings.fault(node.place, f"{kind} stands beside {kinds[0]}; put it into a group of its own")
    kind = kinds[0] if kinds else "paths"
    nodes = reader.items(group.get(kind), group, kind if kinds else listed(ENTRIES))
    entries = (ENTRIES[kind](node, reader) for node in nodes)
    return GroupSpec(tuple(entry for entry in entries if entry is not None), count)


def _path(node: Node, reader: Reader) -> PathSpec | None:
    """One path of a group: a mapping, or its ``path`` alone."""
    if not isinstance(node, Mapping):
        glob = _parsed(node, Glob.parse, reader)
        if glob is None:
            return None
        _check_glob(glob, PathType.DEVICE, node.place, reader)
        return PathSpec(PathSelector(glob))
    reader.mapping(node, PATH_KEYS, "a path")
    glob = _optional(node, "path", Glob.parse, reader)
    if node.get("path") is None:
        reader.findings.fault(node.place, "it has no path; give the path on the host")
    type_ = _optional(node, "type", partial(parse_choice, choices=PathType), reader)
    path = PathSpec(
        selector=PathSelector(glob or _NOWHERE),
        mount_path=_optional(node, "mountPath", parse_path, reader),
        type=type_ or PathType.DEVICE,
        permissions=_optional(node, "permissions", parse_permissions, reader) or "mrw",
        read_only=reader.truth(node.get("readOnly")),
        limit=reader.whole_number(node.get("limit"), MAX_COUNT),
        optional=reader.truth(node.get("optional")),
    )
    _check_type(path, node, reader)
    if glob is None:
        return None
    _check_glob(glob, path.type, node.place, reader)
    return path


ENTRIES: dict[str, Callable[[Node, Reader], PathSpec | None]] = {"paths": _path, "usb": read_usb, "udev": read_udev}
"""What a group is made of: one of these kinds."""


def _check_type(path: PathSpec, node: Mapping, reader: Reader) -> None:
    """Refuse what only the other type has."""
    permissions, read_only = node.get("permissions"), node.get("readOnly")
    if path.type is PathType.MOUNT and permissions is not None:
        reader.findings.fault(permissions.place, "permissions are for devices; for a mount, use readOnly")
    if path.type is PathType.DEVICE and path.read_only and read_only is not None:
        reader.findings.fault(read_only.place, "readOnly is for mounts; for a device, use permissions: r")


def _check_glob(glob: Glob, type_: PathType, place: Place, reader: Reader) -> None:
    """Note what is legal for a glob and of no use here."""
    if type_ is PathType.DEVICE and glob.literal == "/":
        reader.findings.fault(place, f"{quoted(glob.text)} is the root directory; name a device node")
    for warning in glob.warnings:
        reader.findings.warning(place, f"{quoted(glob.text)}: {warning}")


def _optional(node: Mapping, key: str, parse: Callable[[str], T], reader: Reader) -> T | None:
    value = node.get(key)
    return None if value is None else _parsed(value, parse, reader)


def _parsed(node: Node, parse: Callable[[str], T], reader: Reader) -> T | None:
    text = reader.text(node)
    if text is None:
        return None
    try:
        return parse(text)
    except GlobError as error:
        reader.findings.fault(node.place, f"{quoted(text)}, {error}")
    except ScalarError as error:
        reader.findings.fault(node.place, str(error))
    return None
