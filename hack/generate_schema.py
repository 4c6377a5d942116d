#!/usr/bin/env python3
"""Writes udev_device_plugin/config/schema.json, the JSON Schema of the configuration file, from the model.

Keys, choices, bounds, defaults and the settings' meanings are the program's own; a key that this script does not know
ends it. A schema is for editors: it accepts all that the program accepts; what it cannot express (a malformed glob or
rule, two specs of one resource), only the program refuses. `--check` writes nothing and fails if the file is not up
to date. Run it with .venv/bin/python.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from enum import Enum
from itertools import chain, permutations
from pathlib import Path
from typing import Any

import yaml

from udev_device_plugin.config.config_file import DEVICE_KEYS
from udev_device_plugin.config.entries.hid import HID_INTERFACE_KEYS, HID_KEYS, USAGE_PAGE
from udev_device_plugin.config.entries.paths import PATH_KEYS
from udev_device_plugin.config.entries.udev import UDEV_KEYS
from udev_device_plugin.config.entries.usb import MAX_NODES, SUBSYSTEM, USB_DEVICE_KEYS, USB_KEYS
from udev_device_plugin.config.entries.usb_ids import MAX_SERIAL, PAIR_KEYS, USB_ID
from udev_device_plugin.config.options import SETTINGS, Option
from udev_device_plugin.config.scalars import MAX_NAME, NAME
from udev_device_plugin.config.selector_kinds import ENTRIES, EXCLUSIONS
from udev_device_plugin.config.settings import LogFormat, LogLevel, StatusAccess
from udev_device_plugin.config.spec_parser import GROUP_KEYS, SPEC_KEYS
from udev_device_plugin.config.specs import MAX_COUNT, PathType
from udev_device_plugin.selectors.udev_rule.parser import MAX_RULE

TARGET = Path(__file__).resolve().parent.parent / "udev_device_plugin/config/schema.json"

Schema = dict[str, Any]

IDS = [*PAIR_KEYS]
NOTHING: Schema = {"type": "null"}
WHICH_USB_DEVICE: Schema = {
    "required": IDS,
    "anyOf": [{"properties": {"serial": NOTHING}}, {"properties": {"aliases": NOTHING}}],
}
"""Aliases have no serial number in common."""
LEADS_BACK_UP: Schema = {"type": "string", "pattern": r"(^|/)\.\.(/|$)"}
"""What no path may be."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    text = json.dumps(schema(), indent=2) + "\n"
    if not check:
        TARGET.write_text(text)
        return 0
    if TARGET.is_file() and TARGET.read_text() == text:
        return 0
    print("udev_device_plugin/config/schema.json is not what the model makes; run hack/generate_schema.py")
    return 1


def schema() -> Schema:
    """Of a configuration file."""
    devices = {"anyOf": [{"$ref": "#/$defs/spec"}, {"type": "array", "items": {"$ref": "#/$defs/spec"}}, NOTHING]}
    first, second = DEVICE_KEYS
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the udev-device-plugin",
        "type": ["object", "null"],
        "properties": {
            first: {"description": "What to expose: a list of device specs, or one.", **devices},
            second: {"description": f"Another name of {first}.", **devices},
            **{option.name: setting(option) for option in SETTINGS},
        },
        "not": {"type": "object", "required": [first, second], "properties": {key: present() for key in DEVICE_KEYS}},
        "additionalProperties": False,
        "$defs": {
            "spec": spec(),
            "group": group(),
            "path": {"anyOf": [glob(), path()]},
            "usb": usb(),
            "hid": hid(),
            "udev": {"anyOf": [rule(), udev()]},
        },
    }


def setting(option: Option[Any]) -> Schema:
    """Of one setting; whatever single value stands there is read as a text."""
    choices: dict[str, type[Enum]] = {"log-level": LogLevel, "log-format": LogFormat, "status": StatusAccess}
    of_value: Schema = {"type": ["string", "number", "boolean", "null"]}
    if option.name in choices:
        values = [choice.value for choice in choices[option.name]]
        # YAML 1.1 has off for false, and so have editors.
        of_value = {"enum": [*values, *(one for one in map(yaml.safe_load, values) if one not in values), None]}
    return {"description": option.meaning, **of_value, "default": option.default}


def spec() -> Schema:
    """Of a device spec, in either spelling."""
    return {
        "description": "One resource: a name, and what on the host its devices are.",
        **keys(
            SPEC_KEYS,
            {
                "name": name("The resource's name, beside groups."),
                "groups": some("What devices are made of.", {"$ref": "#/$defs/group"}),
                "type": name("The resource's name, beside paths."),
                "count": number("How often each device is offered.", MAX_COUNT),
                "paths": some("Paths and globs; each match is a device.", glob()),
                "exclude": some("What is not offered, whatever else selects it.", exclusion()),
            },
        ),
        "oneOf": [shape(("name", "groups"), ("type", "count", "paths")), shape(("type", "paths"), ("name", "groups"))],
    }


def exclusion() -> Schema:
    """Of an item of what a spec excludes: one kind of selector."""
    usb, hid = {**ids(), **aliases()}, {**ids(), **usage_page()}
    kinds: dict[str, Schema] = {
        "path": glob(),
        "usb": {**keys(USB_DEVICE_KEYS, usb), "description": "All nodes of these USB devices.", **WHICH_USB_DEVICE},
        "hid": {**keys(HID_INTERFACE_KEYS, hid), "description": "All nodes of their USB devices.", "required": IDS},
        "udev": rule(),
    }
    return {
        **keys(tuple(EXCLUSIONS), {kind: {"anyOf": [of_kind, NOTHING]} for kind, of_kind in kinds.items()}),
        "oneOf": [shape((kind,), tuple(other for other in kinds if other != kind)) for kind in kinds],
    }


def group() -> Schema:
    """Of a group, of one kind of entries."""
    kinds = {
        "paths": "Paths and globs; each device takes one match of every path.",
        "usb": "Whole USB devices; each one that an entry means is a device.",
        "hid": "HID interfaces of USB devices; each one that an entry means is a device.",
        "udev": "Devices that udev rules match; each device takes one match of every rule.",
    }
    entries = {kind: some(kinds[kind], {"$ref": f"#/$defs/{'path' if kind == 'paths' else kind}"}) for kind in ENTRIES}
    count = number("How often each device is offered.", MAX_COUNT)
    others = {kind: tuple(other for other in ENTRIES if other != kind) for kind in ENTRIES}
    return {
        **keys(GROUP_KEYS, {"count": count, **entries}),
        "oneOf": [shape((kind,), others[kind]) for kind in ENTRIES],
    }


def path() -> Schema:
    """Of a path with options."""
    is_mount: Schema = {"required": ["type"], "properties": {"type": {"const": PathType.MOUNT.value}}}
    return {
        **keys(
            PATH_KEYS,
            {
                "path": glob(),
                "mountPath": mount_path("Where the container finds it; after a / the base name is appended."),
                "type": {
                    "description": "Handed over as a device node, or bind-mounted.",
                    "enum": [*(choice.value for choice in PathType), None],
                    "default": PathType.DEVICE.value,
                },
                "permissions": permissions("mrw"),
                "readOnly": truth("For mounts only."),
                "limit": number("How many devices of the group may share one match.", MAX_COUNT),
                "optional": truth("Left out while nothing matches."),
            },
        ),
        "required": ["path"],
        "if": is_mount,
        "then": {"properties": {"permissions": NOTHING}},
        "else": {"properties": {"readOnly": {"enum": [False, None]}}},
    }


def usb() -> Schema:
    """Of a USB device."""
    numbers: Schema = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{SUBSYSTEM}$"},
        "additionalProperties": number("How many nodes it takes to be whole.", MAX_NODES),
    }
    names: Schema = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": f"^{SUBSYSTEM}$"}}
    return {
        **keys(
            USB_KEYS,
            {
                **ids(),
                **aliases(),
                "nodes": {
                    "description": "The nodes to hand over, by subsystem; default: the raw one, of usb.",
                    "anyOf": [numbers, names, NOTHING],
                },
                "bus": {
                    "description": "Hand the raw node over with /dev/bus/usb, for libusb. Default: if neither nodes nor"
                    " mountPath is given.",
                    "type": ["boolean", "null"],
                },
                "mountPath": {**mount_path("A directory in the container."), "pattern": "^/(.*/)?$"},
                "permissions": permissions("rw"),
            },
        ),
        **WHICH_USB_DEVICE,
    }


def hid() -> Schema:
    """Of HID interfaces."""
    return {
        **keys(
            HID_KEYS,
            {
                **ids(),
                **usage_page(),
                "mountPath": mount_path("Where the container finds it; after a / the base name is appended."),
                "permissions": permissions("rw"),
            },
        ),
        "required": IDS,
    }


def udev() -> Schema:
    """Of a udev rule with options."""
    return {
        **keys(
            UDEV_KEYS,
            {
                "match": rule(),
                "mountPath": mount_path("Where the container finds it; after a / the base name is appended."),
                "permissions": permissions("mrw"),
                "limit": number("How many devices of the group may share one match.", MAX_COUNT),
                "optional": truth("Left out while nothing matches."),
            },
        ),
        "required": ["match"],
    }


def keys(known: Sequence[str], properties: dict[str, Schema]) -> Schema:
    """A mapping with these keys, and no others."""
    if set(known) != properties.keys():
        sys.exit(f"these keys are the model's or the schema's alone: {sorted(set(known) ^ properties.keys())}")
    return {"type": "object", "properties": {key: properties[key] for key in known}, "additionalProperties": False}


def shape(wanted: Sequence[str], unwanted: Sequence[str]) -> Schema:
    """Which keys go together; what is null is as good as missing."""
    properties = {**dict.fromkeys(wanted, present()), **dict.fromkeys(unwanted, NOTHING)}
    return {"required": [*wanted], "properties": properties}


def present() -> Schema:
    return {"not": NOTHING}


def some(description: str, item: Schema) -> Schema:
    return {"description": description, "type": ["array", "null"], "minItems": 1, "items": item}


def name(description: str) -> Schema:
    return {"description": description, "type": ["string", "null"], "pattern": f"^{NAME}$", "maxLength": MAX_NAME}


def number(description: str, maximum: int) -> Schema:
    return {"description": description, "type": ["integer", "null"], "minimum": 0, "maximum": maximum, "default": 1}


def truth(description: str) -> Schema:
    return {"description": description, "type": ["boolean", "null"], "default": False}


def written(description: str) -> Schema:
    """A single value of which the text counts, whatever YAML takes it for."""
    return {"description": description, "type": ["string", "number", "boolean", "null"]}


def hexadecimal(description: str, pattern: str, *, is_required: bool = True) -> Schema:
    """Digits, in quotes or not."""
    types = ["string", "number", *([] if is_required else ["null"])]
    return {"description": description, "type": types, "pattern": f"^{pattern}$", "minimum": 0}


def ids() -> dict[str, Schema]:
    """Which USB devices are meant."""
    serial = "The serial number, exactly; in quotes, if it has digits only. Without: any, and none."
    return {
        "vendor": hexadecimal("Vendor id, hexadecimal, as lsusb prints it.", USB_ID),
        "product": hexadecimal("Product id, hexadecimal, as lsusb prints it.", USB_ID),
        "serial": {**written(serial), "minLength": 1, "maxLength": MAX_SERIAL},
    }


def aliases() -> dict[str, Schema]:
    """Of a USB device that shows itself as several."""
    what = "Further ids of the same thing, as before its firmware is loaded, or in its bootloader: known by its port."
    pair = keys(PAIR_KEYS, {key: ids()[key] for key in PAIR_KEYS})
    return {"aliases": some(what, {**pair, "required": IDS})}


def usage_page() -> dict[str, Schema]:
    """Of HID interfaces."""
    what = "Usage page of one of the interface's top-level collections, hexadecimal: 8c, bar code scanners."
    return {"usagePage": hexadecimal(what, USAGE_PAGE, is_required=False)}


def glob() -> Schema:
    description = "A path on the host, or a glob: *, ?, [a-z], [^a-z], \\ escapes."
    return {"description": description, "type": "string", **absolute()}


def rule() -> Schema:
    description = "The match part of a udev rule, as udevadm info -a prints it."
    return {"description": description, "type": "string", "minLength": 1, "maxLength": MAX_RULE}


def mount_path(description: str) -> Schema:
    return {"description": description, "type": ["string", "null"], **absolute()}


def absolute() -> Schema:
    """Of a path that begins with / and does not lead back up; in one pattern only look-ahead could say so."""
    return {"pattern": "^/", "not": LEADS_BACK_UP}


def permissions(default: str) -> Schema:
    some_of = (permutations("mrw", length) for length in range(1, 4))
    return {
        "description": "What the device cgroup allows: read, write, mknod.",
        "enum": [*("".join(letters) for letters in chain.from_iterable(some_of)), None],
        "default": default,
    }


if __name__ == "__main__":
    sys.exit(main())
