"""The configuration file: read and parsed into settings and device specs, which are not checked yet.

The path may be, or lie behind, a symbolic link: a ConfigMap's file is one. What it leads to must be a regular file of
bounded size, which is opened without waiting: a FIFO or ``/dev/zero`` in its place stops nothing.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass

from udev_device_plugin.config.faults import Faults, Place, quoted, suggestion
from udev_device_plugin.config.options import SETTINGS, Given
from udev_device_plugin.config.spec_parser import SPEC_KEYS
from udev_device_plugin.config.yaml_document import MAX_TEXT, read_document
from udev_device_plugin.config.yaml_nodes import Entry, Mapping, Node, Reader, Scalar, is_null
from udev_device_plugin.errors import StartError
from udev_device_plugin.filesystem.small_files import EXHAUSTED, read_regular

DEVICE_KEYS = ("devices", "device")
_KEYS = (*DEVICE_KEYS, *(option.name for option in SETTINGS))


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The contents of a configuration file.

    Attributes:
        path: None if there is no file.
        settings: its settings with one value, as text.
        devices: the value of ``devices``: a list of specs, or one.
        content: its bytes.
    """

    path: str | None = None
    settings: tuple[Given, ...] = ()
    devices: Node | None = None
    content: bytes = b""


def read_config_file(named: Given | None, default_files: Iterable[str], faults: Faults) -> ConfigFile:
    """Read the named file, which must exist; without a name, the first default file that exists, if any.

    Raises:
        StartError: it cannot be read for want of descriptors or memory.
    """
    for path, place in [(named.text, named.place)] if named else [(file, Place(file)) for file in default_files]:
        try:
            content = read_regular(path, MAX_TEXT)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            if named is None and isinstance(error, (FileNotFoundError, NotADirectoryError)):
                continue
            _add_unreadable(path, place, error, faults)
            return ConfigFile(path)
        return _parse(path, content, faults)
    return ConfigFile()


def _add_unreadable(path: str, place: Place, error: OSError | ValueError, faults: Faults) -> None:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, OSError) and error.errno in EXHAUSTED:
        raise StartError(
            f"{path}: cannot be read now: {reason}: allow the process more open files or memory"
        ) from error
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        faults.add(Place(path), reason)
    else:
        faults.add(place, f"{quoted(path)} cannot be read: {reason}; name a YAML file that can be")


def _parse(path: str, content: bytes, faults: Faults) -> ConfigFile:
    place = Place(path, line=1)
    empty = ConfigFile(path, content=content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"the byte 0x{content[error.start]:02x} is not UTF-8; write the file as UTF-8 text"
        faults.add(place.at(line), problem)
        return empty
    root = read_document(text, place, faults)
    if root is None or is_null(root):
        return empty
    if not isinstance(root, Mapping):
        Reader(faults).wrong(root, "write settings by name, and specs as a list at devices:")
        return empty
    settings = [_setting(entry, faults) for entry in root.entries if not is_null(entry.value)]
    return ConfigFile(path, tuple(filter(None, settings)), _devices(root, faults), content)


def _setting(entry: Entry, faults: Faults) -> Given | None:
    if entry.key not in _KEYS:
        faults.add(entry.place, f"unknown key; {_remedy(entry.key)}")
    elif entry.key not in DEVICE_KEYS:
        if isinstance(entry.value, Scalar):
            return Given(entry.key, entry.value.place, entry.value.text)
        Reader(faults).wrong(entry.value, "a single value is needed")
    return None


def _remedy(key: str) -> str:
    if key in SPEC_KEYS:
        return "a device spec goes into the list at devices:"
    if key == "config":
        return "a file cannot name another; use --config"
    return suggestion(key, _KEYS)


def _devices(root: Mapping, faults: Faults) -> Node | None:
    given = [node for key in DEVICE_KEYS if (node := root.get(key)) is not None]
    if len(given) > 1:
        faults.add(given[1].place, "device is another name of devices, and both are given; join the lists")
    return given[0] if given else None
