"""What entries of several kinds have: how a container gets what is selected. Pure."""

from collections.abc import Callable
from functools import partial

from udev_device_plugin.config.scalars import parse_path, parse_permissions
from udev_device_plugin.config.specs import MAX_COUNT, PathSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader


def options_of(node: Node) -> Mapping:
    """Return an entry of a group as a mapping; what stands alone has no options."""
    return node if isinstance(node, Mapping) else Mapping(node.place, ())


def read_options(
    node: Node, reader: Reader, permissions: str, parse_mount_path: Callable[[str], str] = parse_path
) -> Callable[..., PathSpec]:
    """Return what makes a ``PathSpec`` of a selector. Keys that the kind does not have are faults already.

    Args:
        node: an entry of a group.
        reader: gets the faults.
        permissions: the default.
        parse_mount_path: what kind of path is needed.
    """
    options = options_of(node)
    return partial(
        PathSpec,
        mount_path=reader.text(options.get("mountPath"), parse_mount_path),
        permissions=reader.text(options.get("permissions"), parse_permissions) or permissions,
        limit=reader.whole_number(options.get("limit"), MAX_COUNT),
        optional=reader.truth(options.get("optional")),
    )
