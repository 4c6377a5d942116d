"""Values of entries, as they were written.

Pure. A fault is noted and reading goes on.
"""

from collections.abc import Callable
from typing import TypeVar

from udev_device_plugin.config.scalars import ScalarError
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader, Scalar

MAX_COUNT = 10_000
"""Of ``count`` and ``limit``: beyond any use, and within what one message to the kubelet can hold."""

T = TypeVar("T")


def written(entry: Mapping, key: str, parse: Callable[[str], T], reader: Reader) -> T | None:
    """A value as it was written, whatever YAML takes it for: an id of digits alone is no number."""
    node = entry.get(key)
    return None if node is None else parsed(node, parse, reader)


def parsed(node: Node, parse: Callable[[str], T], reader: Reader) -> T | None:
    """A single value, as it was written."""
    if not isinstance(node, Scalar):
        reader.wrong(node, "a single value is needed")
        return None
    try:
        return parse(node.text)
    except ScalarError as error:
        reader.faults.add(node.place, str(error))
        return None
