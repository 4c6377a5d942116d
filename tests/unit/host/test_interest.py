"""What the configuration asks of udev's devices."""

from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.selectors.kind import SelectorKind
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector

SOUND = Rule.parse('SUBSYSTEM=="sound", KERNEL=="controlC*"')
CAMERA = Rule.parse('SUBSYSTEM=="video4linux|media"')
ANY = Rule.parse('ATTRS{idVendor}=="10c4"')
MODEM = UsbSelector("2c7c", "0125", nodes=(("tty", 4), ("usbmisc", 1)))


def interest(*selectors: SelectorKind) -> Interest:
    groups = tuple(GroupSpec((PathSpec(selector),)) for selector in selectors)
    return Interest.of([ResourceSpec("squat.ai/all", groups)])


def test_a_device_is_tried_on_the_rules_for_its_subsystem_and_for_any() -> None:
    asked = interest(*map(UdevSelector, (SOUND, CAMERA, ANY)))
    assert set(asked.rules_for("sound")) == {SOUND, ANY}
    assert set(asked.rules_for("block")) == {ANY}


def test_without_rules_none_is_tried() -> None:
    assert interest(MODEM).rules_for("tty") == ()
