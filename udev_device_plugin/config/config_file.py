"""The configuration file: found, read, parsed into settings and device specs, none of them checked yet."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from udev_device_plugin.config.faults import Faults, Place, quoted, suggestion
from udev_device_plugin.config.options import SETTINGS, Given
from udev_device_plugin.config.spec_parser import SPEC_KEYS
from udev_device_plugin.config.yaml_document import MAX_TEXT, read_document
from udev_device_plugin.config.yaml_nodes import Entry, Mapping, Node, Scalar, is_null

DEVICE_KEYS = ("devices", "device")
_KEYS = (*DEVICE_KEYS, *(option.name for option in SETTINGS))


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a configuration file holds.

    Attributes:
        path: where it was read from; None if there is no file.
        settings: its single settings, as text.
        devices: what stands at ``devices``: a list of specs, or one.
        content: its bytes.
    """

    path: str | None = None
    settings: tuple[Given, ...] = ()
    devices: Node | None = None
    content: bytes = b""


def read_named_file(named: Given, faults: Faults) -> ConfigFile:
    """Read the file that somebody named; it must be there."""
    try:
        return _parse(named.text, _read(named.text), faults)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        _note_unreadable(named.place, named.text, error, faults)
        return ConfigFile(named.text)


def read_default_file(paths: Iterable[str], faults: Faults) -> ConfigFile:
    """Read the first file that is there, if any."""
    for path in paths:
        try:
            return _parse(path, _read(path), faults)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _note_unreadable(Place(path), path, error, faults)
            return ConfigFile(path)
    return ConfigFile()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_TEXT + 1)


def _note_unreadable(place: Place, path: str, error: Exception, faults: Faults) -> None:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    faults.add(place, f"{quoted(path)} cannot be read: {reason}; name a YAML file that can be")


def _parse(path: str, data: bytes, faults: Faults) -> ConfigFile:
    place = Place(path, line=1)
    if len(data) > MAX_TEXT:
        faults.add(Place(path), f"it has more than {MAX_TEXT} bytes; make it smaller")
        return ConfigFile(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.add(place.at(line), f"the byte 0x{data[error.start]:02x} is not UTF-8; write the file as UTF-8 text")
        return ConfigFile(path)
    root = read_document(text, place, faults)
    if root is None or is_null(root):
        return ConfigFile(path, content=data)
    return replace(_take_apart(path, root, faults), content=data)


def _take_apart(path: str, root: Node, faults: Faults) -> ConfigFile:
    if not isinstance(root, Mapping):
        faults.add(root.place, f"the file is {root}; write settings by name, and specs as a list at devices:")
        return ConfigFile(path)
    settings = [_setting(entry, faults) for entry in root.entries if not is_null(entry.value)]
    return ConfigFile(path, tuple(setting for setting in settings if setting is not None), _devices(root, faults))


def _setting(entry: Entry, faults: Faults) -> Given | None:
    if entry.key not in _KEYS:
        faults.add(entry.place, f"unknown key; {_remedy(entry.key)}")
    elif entry.key not in DEVICE_KEYS:
        if isinstance(entry.value, Scalar):
            return Given(entry.key, entry.value.place, entry.value.text)
        faults.add(entry.value.place, f"it is {entry.value}; a single value is needed")
    return None


def _remedy(key: str) -> str:
    if key in SPEC_KEYS:
        return "a device spec goes into the list at devices:"
    if key == "config":
        return "a file cannot name another; use --config"
    return suggestion(key, _KEYS)


def _devices(root: Mapping, faults: Faults) -> Node | None:
    found = [node for key in DEVICE_KEYS if (node := root.get(key)) is not None]
    if len(found) > 1:
        faults.add(found[1].place, "device is another name of devices, and both are given; join the lists")
    return found[0] if found else None
