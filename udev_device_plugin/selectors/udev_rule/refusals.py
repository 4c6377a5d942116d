"""What is understood in a rule and cannot be used there, or hardly does what is meant; and what to write instead.

Pure. Any thread.
"""

_ELSEWHERE = {
    "ACTION": "it is about an event and not about a device; leave it out",
    "CONST": "it is about the machine; choose machines with a nodeSelector",
    "GOTO": "a rule here stands alone; leave it out",
    "GROUP": "it gives a node away, and this only matches; leave it out",
    "IMPORT": "it runs or reads something; match ENV{} or ATTR{} instead",
    "LABEL": "a rule here stands alone; leave it out",
    "MODE": "it changes a node, and this only matches; use permissions: for the container",
    "NAME": "it is a network interface's; match KERNEL instead",
    "OPTIONS": "it changes how udev works, and this only matches; leave it out",
    "OWNER": "it gives a node away, and this only matches; leave it out",
    "PROGRAM": "it runs a program; match ENV{} or ATTR{} instead",
    "RESULT": "it is what a program said; match ENV{} or ATTR{} instead",
    "RUN": "it runs a program, and this only matches; leave it out",
    "SECLABEL": "it changes a node, and this only matches; leave it out",
    "SYSCTL": "it is about the machine; choose machines with a nodeSelector",
    "TEST": 'it looks for a file; match ATTR{}=="*" instead, which needs the attribute to be there',
    "WAIT_FOR": "udev itself has given it up; leave it out",
}

_FORMER = {"BUS": "SUBSYSTEMS", "ID": "KERNELS", "PLACE": "KERNELS", "SYSFS": "ATTRS{…}"}
"""Keys that udev has given up, which are copied to this day, and what it calls them now."""

_OF_AN_EVENT = frozenset({"ACTION", "DEVPATH_OLD", "DM_COOKIE", "RESIZE", "SEQNUM"})
_OF_AN_EVENT_ALL = ("DISK_EJECT_REQUEST", "DISK_MEDIA_CHANGE", "SDEV_", "SYNTH_")
"""Properties that the kernel adds to an event; and how others of them begin."""

_COUNTED_ATTRIBUTES = frozenset(
    {"busnum", "dev", "devnum", "inflight", "iodone_cnt", "ioerr_cnt", "iorequest_cnt", "iotmo_cnt", "stat", "uevent"}
    | {"urbnum"}
)
_COUNTED_PROPERTIES = frozenset({"BUSNUM", "DEVNUM", "DISKSEQ", "MINOR", "USEC_INITIALIZED"})

_PASTED = frozenset({b"(not readable)", b"(write-only)"})
"""What ``udevadm info -a`` prints where it cannot read a value."""

TYPOGRAPHIC_QUOTES = "“”„‟«»″＂‘’"  # noqa: RUF001 - these characters are meant
"""What word processors and web pages make of quotes."""


def key_refusal(key: str) -> str:
    """Return why a key that is udev's, or was, cannot be used, and the remedy; "" for all others."""
    if key in _ELSEWHERE:
        return f"{key} cannot be used here: {_ELSEWHERE[key]}"
    return f"{key} is a key that udev has given up; write {_FORMER[key]} instead" if key in _FORMER else ""


def property_refusal(name: str) -> str:
    """Return why a property cannot be matched, and the remedy; "" if it can."""
    if name in _OF_AN_EVENT or name.startswith(_OF_AN_EVENT_ALL):
        return f"ENV{{{name}}} is a property of an event and not of a device, and comes and goes; leave it out"
    if name.startswith("."):
        return f"ENV{{{name}}}: udev keeps no property whose name begins with a dot; match what it was made of"
    return ""


def value_refusal(key: str, raw: bytes) -> str:
    """Return why a value can never be found on a device, and the remedy; "" if it can."""
    if raw in _PASTED:
        return f"{raw.decode()} is what udevadm prints for a value that it could not read; leave this match out"
    alternatives = raw.split(b"|")
    if key == "SYMLINK" and any(one.startswith(b"/") for one in alternatives):
        return "udev's links are named without /dev/; leave it out"
    if key == "DEVPATH" and any(one.startswith(b"/sys/") for one in alternatives):
        return "udev's device paths begin with /devices/; leave /sys out"
    return ""


def doubt(key: str, name: str) -> str:
    """Return why a match hardly does what is meant, and the remedy; "" if it may well."""
    if key in ("ATTR", "ATTRS") and (name in _COUNTED_ATTRIBUTES or name.startswith(("power/", "statistics/"))):
        return f"{key}{{{name}}} changes by itself, and the device does not match any more when it does; leave it out"
    if key == "ENV" and name in _COUNTED_PROPERTIES:
        return f"ENV{{{name}}} is another one after each plug, and the device does not match any more; leave it out"
    return ""
