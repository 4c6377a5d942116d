"""What the plugin of a chaos run offers: each kind of selector, and what belongs together. Values."""

from typing import Any, NamedTuple

BY_ID = "/dev/serial/by-id"

GLOBS = {
    "serial": ("/dev/ttyUSB[0-5]*",),
    "named": ("/dev/ttyUSB0", "/dev/ttyUSB1"),
    "linked": (f"{BY_ID}/*",),
    "video": ("/dev/video*",),
    "raw": ("/dev/bus/usb/*/*",),
    "siblings": ("/dev/ttyUSB[6-9]?", "/dev/snd/pcm*", "/dev/dvb/*/frontend*", "/dev/input/event*"),
}
"""Each match is a device."""

OTHERWISE: dict[str, Any] = {
    "serial": ("/dev/ttyUSB[0-2]*", "/dev/ttyUSB[3-5]*"),
    "video": ("/dev/video?", "/dev/video??"),
    "adapters": ({"vendor": "0403", "product": "6001", "nodes": {"tty": 1}},),
}
"""Other selectors for the same: what pods hold is formed by them, or kept for as long as it is away."""

COUNTS = {"serial": 2, "named": 1, "linked": 1, "video": 2, "raw": 1, "siblings": 1}

STICKS: dict[str, tuple[dict[str, Any], ...]] = {
    "modems": ({"vendor": "2c7c", "product": "0125", "nodes": {"tty": 4, "usbmisc": 1}},),
    "adapters": ({"vendor": "0403", "product": "6001", "nodes": ["tty"]},),
    "wholes": (
        {"vendor": "110a", "product": "1653", "nodes": {"tty": 8}},
        {"vendor": "046d", "product": "0825", "nodes": ["video4linux"]},
        {"vendor": "0d8c", "product": "0014", "nodes": {"sound": 2}},
        {"vendor": "2040", "product": "8265", "nodes": {"dvb": 1}},
        {"vendor": "046d", "product": "c31c", "nodes": {"input": 3}},
    ),
    "accelerators": ({"vendor": "1a6e", "product": "089a", "aliases": [{"vendor": "18d1", "product": "9302"}]},),
}
"""Each stick is a device; an accelerator is the same one under either id."""

PAIRS = {"pairs": ("serial", "video")}
"""A node of the one and one of the other are a device."""

NAMES = (*GLOBS, *STICKS, *PAIRS)


class Settings(NamedTuple):
    """What is configured.

    Attributes:
        grace: how long absent devices are kept.
        rescan: how often everything is looked at without any reason: not at all, most of the time, as what has happened
            must be noticed when it happens.
        names: the resources: what is asked for by none of them is not watched either.
        otherwise: whether some are selected by `OTHERWISE`.
    """

    grace: str
    rescan: str = "0"
    names: tuple[str, ...] = NAMES
    otherwise: bool = False


def configuration(settings: Settings, *, without: str = "") -> dict[str, Any]:
    """The plugin's configuration file, with all of its resources or all but one."""
    other = OTHERWISE if settings.otherwise else {}
    specs: list[dict[str, Any]] = [
        *({"type": name, "paths": [*other.get(name, globs)], "count": COUNTS[name]} for name, globs in GLOBS.items()),
        *({"name": name, "groups": [{"usb": [*other.get(name, them)]}]} for name, them in STICKS.items()),
        *(
            {"name": name, "groups": [{"paths": [{"path": glob} for part in parts for glob in GLOBS[part]]}]}
            for name, parts in PAIRS.items()
        ),
    ]
    names = {*settings.names} - {without}
    return {
        "devices": [spec for spec in specs if {spec.get("type"), spec.get("name")} & names],
        "removal-grace-period": settings.grace,
        "rescan-interval": settings.rescan,
    }
