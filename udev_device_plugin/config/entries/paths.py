"""Entries of a group's ``paths``. Pure."""

from dataclasses import replace
from functools import partial

from udev_device_plugin.config.faults import Place, quoted
from udev_device_plugin.config.scalars import ScalarError, parse_choice, parse_path, parse_permissions
from udev_device_plugin.config.specs import MAX_COUNT, PathSpec, PathType
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.paths.glob import Glob, GlobError
from udev_device_plugin.selectors.paths.selector import PathSelector

PATH_KEYS = ("path", "mountPath", "type", "permissions", "readOnly", "limit", "optional")

_PLACEHOLDER = PathSelector(Glob.of("/dev/null"))
"""The selector while the options are read: they are checked even if the glob has a fault."""


def read_path(node: Node, reader: Reader) -> PathSpec | None:
    """Return one path of a group, written as a mapping or as a glob alone; None if its glob has a fault."""
    if isinstance(node, Mapping):
        reader.mapping(node, PATH_KEYS, "a path")
        glob = reader.text(reader.required(node, "path", "give the path on the host"), _parse_glob)
        path = _read_options(node, reader)
    else:
        glob, path = reader.text(node, _parse_glob), PathSpec(_PLACEHOLDER)
    if glob is None:
        return None
    _check_glob(glob, path.type, node.place, reader)
    return replace(path, selector=PathSelector(glob))


def read_glob(node: Node, reader: Reader) -> PathSelector | None:
    """Return what a glob alone selects; None if it has a fault."""
    glob = reader.text(node, _parse_glob)
    if glob is None:
        return None
    _check_glob(glob, PathType.DEVICE, node.place, reader)
    return PathSelector(glob)


def _parse_glob(text: str) -> Glob:
    try:
        return Glob.parse(text)
    except GlobError as error:
        raise ScalarError(f"{quoted(text)}, {error}") from error


def _read_options(node: Mapping, reader: Reader) -> PathSpec:
    permissions, read_only = node.get("permissions"), node.get("readOnly")
    path = PathSpec(
        _PLACEHOLDER,
        type=reader.text(node.get("type"), partial(parse_choice, choices=PathType)) or PathType.DEVICE,
        mount_path=reader.text(node.get("mountPath"), parse_path),
        permissions=reader.text(permissions, parse_permissions) or "mrw",
        read_only=reader.truth(read_only),
        limit=reader.whole_number(node.get("limit"), MAX_COUNT),
        optional=reader.truth(node.get("optional")),
    )
    if path.type is PathType.MOUNT and permissions is not None:
        reader.faults.add(permissions.place, "permissions are for devices; for a mount, use readOnly")
    if path.type is PathType.DEVICE and path.read_only and read_only is not None:
        reader.faults.add(read_only.place, "readOnly is for mounts; for a device, use permissions: r")
    return path


def _check_glob(glob: Glob, type_: PathType, place: Place, reader: Reader) -> None:
    if type_ is PathType.DEVICE and glob.literal == "/":
        reader.faults.add(place, f"{quoted(glob.text)} is the root directory; name a device node")
    for warning in glob.warnings:
        reader.faults.warn(place, f"{quoted(glob.text)}: {warning}")
