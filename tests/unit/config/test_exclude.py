"""`exclude` in the configuration: the same in every spelling, and every mistake with place, value and remedy."""

import pytest

from tests.unit.config.test_spec_parser import faults, read, resources
from udev_device_plugin.selectors.hid.selector import HidSelector
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

SPELLINGS = (
    "type: a\npaths: [/dev/a]",
    "name: a\ngroups: [{paths: [/dev/a]}]",
    "name: a\ngroups: [{udev: ['TAG==\"a\"']}]",
)
EXCLUDE = """
exclude:
  - path: /dev/serial/by-id/*CONSOLE*
  - usb: {vendor: 0403, product: 6001, serial: 0001}
  - hid: {vendor: 51d, product: 2, usagePage: 84}
  - udev: |
      SUBSYSTEM=="tty"
      ATTRS{serial}=="CONSOLE"
"""


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_it_is_a_list_of_selectors_of_every_kind(spelling: str) -> None:
    (spec,) = resources(spelling + EXCLUDE)
    assert spec.exclude == (
        PathSelector(Glob.parse("/dev/serial/by-id/*CONSOLE*")),
        UsbSelector("0403", "6001", "0001", nodes=()),
        HidSelector("051d", "0002", None, "0084"),
        UdevSelector(Rule.parse('SUBSYSTEM=="tty", ATTRS{serial}=="CONSOLE"')),
    )
    assert spec.selectors > {*spec.exclude}


def test_nothing_is_excluded_by_default() -> None:
    assert [spec.exclude for spec in resources("{type: a, paths: [/dev/a], exclude: }")] == [()]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        ("[]", ": the list is empty; give one item or more"),
        ("{path: /dev/a}", ": it is a mapping; a list is needed: put it into [ ]"),
        ("[/dev/a]", '[0]: "/dev/a" is a text; what to exclude is needed, a mapping with path, usb, hid, udev'),
        ("[{}]", "[0]: it excludes nothing; give path, usb, hid or udev"),
        ("[{usb: null}]", "[0]: it excludes nothing; give path, usb, hid or udev"),
        ("[{paths: [/dev/a]}]", "[0].paths: unknown key; did you mean path?"),
        ("[{path: /dev/a, udev: 'TAG==\"a\"'}]", "[0].udev: udev stands beside path; put it into an item of its own"),
        ("[{path: [/dev/a]}]", "[0].path: it is a list; a text is needed"),
        ("[{path: dev/a}]", '[0].path: "dev/a", position 0: it is not an absolute path; begin with /'),
        ("[{path: /}]", '[0].path: "/" is the root directory; name a device node'),
        (
            "[{usb: 0403}]",
            '[0].usb: "0403" is a number; a USB device is needed, a mapping with vendor, product',
        ),
        ("[{usb: {vendor: 0403}}]", "[0].usb: it has no product; give the id that lsusb prints"),
        (
            "[{usb: {vendor: a, product: b, nodes: [tty]}}]",
            "[0].usb.nodes: unknown key; use vendor, product, serial or aliases",
        ),
        ("[{hid: {vendor: a, product: b, mountPath: /x}}]", "[0].hid.mountPath: unknown key; use vendor, product"),
        ("[{hid: {vendor: a, product: b, usagePage: x}}]", '[0].hid.usagePage: "x" is not a usage page; give up to'),
        ("[{udev: {match: 'TAG==\"a\"'}}]", "[0].udev: it is a mapping; a text is needed"),
        ("[{udev: 'TAG=\"a\"'}]", '[0].udev: "TAG▸='),
    ],
)
@pytest.mark.parametrize("spelling", ["type: a, paths: [/dev/a]", "name: a, groups: [{paths: [/dev/a]}]"])
def test_a_mistake_is_one_fault_with_place_value_and_remedy(spelling: str, exclude: str, expected: str) -> None:
    (fault,) = faults(f"{{{spelling}, exclude: {exclude}}}")
    assert fault.startswith(f"exclude{expected}")


def test_all_mistakes_are_told_at_once() -> None:
    text = "{type: a, paths: [x], exclude: [{path: x}, {usb: {vendor: x}}, 5, {udev: 'TAG=\"a\"', hid: 1, tty: 1}]}"
    assert [fault.split(": ")[0] for fault in faults(text)] == [
        "paths[0]",
        "exclude[0].path",
        "exclude[1].usb.vendor",
        "exclude[1].usb",
        "exclude[2]",
        "exclude[3].tty",
        "exclude[3].udev",
        "exclude[3].hid",
        "exclude[3].udev",
    ]


def test_doubts_about_what_is_excluded_come_with_their_place() -> None:
    _, noted = read("{type: a, paths: [/dev/a], exclude: [{path: /dev/**}]}")
    (warning,) = map(str, noted.warnings)
    assert warning.startswith('--device: exclude[0].path: "/dev/**": ** means the same as *')
