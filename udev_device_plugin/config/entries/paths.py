"""Entries of a group's ``paths``. Pure."""

from functools import partial

from udev_device_plugin.config.entries.options import options_of, read_options
from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import ScalarError, parse_choice
from udev_device_plugin.config.specs import PathSpec, PathType
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.paths.glob import Glob, GlobError
from udev_device_plugin.selectors.paths.selector import PathSelector

PATH_KEYS = ("path", "mountPath", "type", "permissions", "readOnly", "limit", "optional")


def read_path(node: Node, reader: Reader) -> PathSpec | None:
    """Return one path of a group, written as a mapping or as a glob alone; None if its glob has a fault."""
    path: Node | None = node
    if isinstance(node, Mapping):
        reader.mapping(node, PATH_KEYS, "a path")
        path = reader.required(node, "path", "give the path on the host")
    options = options_of(node)
    type_ = reader.text(options.get("type"), partial(parse_choice, choices=PathType)) or PathType.DEVICE
    permissions, read_only = options.get("permissions"), options.get("readOnly")
    is_read_only = reader.truth(read_only)
    if type_ is PathType.MOUNT and permissions is not None:
        reader.faults.add(permissions.place, "permissions are for devices; for a mount, use readOnly")
    if type_ is PathType.DEVICE and is_read_only and read_only is not None:
        reader.faults.add(read_only.place, "readOnly is for mounts; for a device, use permissions: r")
    selector = read_glob(path, reader, type_)
    with_options = read_options(node, reader, permissions="mrw")
    return None if selector is None else with_options(selector, type=type_, read_only=is_read_only)


def read_glob(node: Node | None, reader: Reader, type_: PathType = PathType.DEVICE) -> PathSelector | None:
    """Return what a glob selects; None if it has a fault."""
    glob = reader.text(node, _parse_glob)
    if node is None or glob is None:
        return None
    if type_ is PathType.DEVICE and glob.literal == "/":
        reader.faults.add(node.place, f"{quoted(glob.text)} is the root directory; name a device node")
    for warning in glob.warnings:
        reader.faults.warn(node.place, f"{quoted(glob.text)}: {warning}")
    return PathSelector(glob)


def _parse_glob(text: str) -> Glob:
    try:
        return Glob.parse(text)
    except GlobError as error:
        raise ScalarError(f"{quoted(text)}, {error}") from error
