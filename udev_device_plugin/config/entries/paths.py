"""Entries of a group's ``paths``.

Pure. A fault is noted and reading goes on.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from udev_device_plugin.config.entries.values import MAX_COUNT
from udev_device_plugin.config.faults import Place, quoted
from udev_device_plugin.config.scalars import ScalarError, parse_choice, parse_path, parse_permissions
from udev_device_plugin.config.specs import PathSpec, PathType
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.paths.glob import Glob, GlobError
from udev_device_plugin.selectors.paths.selector import PathSelector

PATH_KEYS = ("path", "mountPath", "type", "permissions", "readOnly", "limit", "optional")

T = TypeVar("T")

_NOWHERE = Glob.of("/dev/null")
"""Stands in for a glob that could not be read, so that the rest of its path can be."""


def read_path(node: Node, reader: Reader) -> PathSpec | None:
    """One path of a group: a mapping, or its ``path`` alone."""
    if not isinstance(node, Mapping):
        return read_path_alone(node, reader)
    reader.mapping(node, PATH_KEYS, "a path")
    glob = _optional(node, "path", Glob.parse, reader)
    if node.get("path") is None:
        reader.faults.add(node.place, "it has no path; give the path on the host")
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


def read_path_alone(node: Node, reader: Reader) -> PathSpec | None:
    """A path without options."""
    glob = _parsed(node, Glob.parse, reader)
    if glob is None:
        return None
    _check_glob(glob, PathType.DEVICE, node.place, reader)
    return PathSpec(PathSelector(glob))


def _check_type(path: PathSpec, node: Mapping, reader: Reader) -> None:
    """Refuse what only the other type has."""
    permissions, read_only = node.get("permissions"), node.get("readOnly")
    if path.type is PathType.MOUNT and permissions is not None:
        reader.faults.add(permissions.place, "permissions are for devices; for a mount, use readOnly")
    if path.type is PathType.DEVICE and path.read_only and read_only is not None:
        reader.faults.add(read_only.place, "readOnly is for mounts; for a device, use permissions: r")


def _check_glob(glob: Glob, type_: PathType, place: Place, reader: Reader) -> None:
    """Note what is legal for a glob and of no use here."""
    if type_ is PathType.DEVICE and glob.literal == "/":
        reader.faults.add(place, f"{quoted(glob.text)} is the root directory; name a device node")
    for warning in glob.warnings:
        reader.faults.warn(place, f"{quoted(glob.text)}: {warning}")


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
        reader.faults.add(node.place, f"{quoted(text)}, {error}")
    except ScalarError as error:
        reader.faults.add(node.place, str(error))
    return None
