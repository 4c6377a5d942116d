"""What the configuration asks of udev's devices, and what the kernel may filter for it."""

from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec, Selector
from udev_device_plugin.globs import Glob
from udev_device_plugin.interest import Interest
from udev_device_plugin.rules import Rule
from udev_device_plugin.usb import UsbSelector

SOUND = Rule.parse('SUBSYSTEM=="sound", KERNEL=="controlC*"')
CAMERA = Rule.parse('SUBSYSTEM=="video4linux|media"')
ANY = Rule.parse('ATTRS{idVendor}=="10c4"')
MODEM = UsbSelector("2c7c", "0125", nodes=(("tty", 4), ("usbmisc", 1)))


def interest(*selectors: Selector) -> Interest:
    groups = tuple(GroupSpec((PathSpec(selector),)) for selector in selectors)
    return Interest.of([ResourceSpec("squat.ai/all", groups)])


def test_rules_that_name_their_subsystems_need_those_alone() -> None:
    assert interest(SOUND, CAMERA).subsystems == frozenset({"sound", "video4linux", "media"})


def test_a_stick_needs_its_nodes_and_its_raw_node() -> None:
    assert interest(MODEM, SOUND).subsystems == frozenset({"usb", "tty", "usbmisc", "sound"})


def test_a_path_may_be_of_any_subsystem() -> None:
    assert interest(SOUND, Glob.parse("/dev/ttyUSB*")).subsystems is None


def test_what_is_mounted_is_no_device() -> None:
    mount = PathSpec(Glob.parse("/etc/asound.conf"), type=PathType.MOUNT)
    spec = ResourceSpec("squat.ai/card", (GroupSpec((PathSpec(SOUND),)), GroupSpec((mount,))))
    assert Interest.of([spec]).subsystems == frozenset({"sound"})


def test_a_rule_without_a_subsystem_may_be_of_any() -> None:
    assert interest(SOUND, ANY).subsystems is None


def test_a_device_is_tried_on_the_rules_for_its_subsystem_and_for_any() -> None:
    asked = interest(SOUND, CAMERA, ANY)
    assert {rule for _, rule in asked.rules_for("sound")} == {SOUND, ANY}
    assert {rule for _, rule in asked.rules_for("block")} == {ANY}


def test_without_rules_none_is_tried() -> None:
    assert interest(MODEM).rules_for("tty") == ()
