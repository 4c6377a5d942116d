"""udev's devices as rules see them: read once, whatever they are, and also while they vanish."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from udev_device_plugin.host.udev.device import MAX_VALUE, UdevDevice
from udev_device_plugin.selectors.records import Subject
from udev_device_plugin.selectors.udev_rule.rule import Rule


@dataclass
class FakeAttributes:
    """As pyudev's: bytes, and None for what is not there."""

    values: Mapping[str, bytes]
    read: list[str] = field(default_factory=list)

    def get(self, name: str) -> bytes | None:
        self.read.append(name)
        return self.values.get(name)


class Unreadable(Mapping[str, str]):
    """As pyudev's properties, when one of them is no text."""

    def __getitem__(self, name: str) -> str:
        return b"\xff".decode()

    def __iter__(self) -> Iterator[str]:
        return iter(["ID_MODEL"])

    def __len__(self) -> int:
        return 1


@dataclass
class FakeDevice:
    """What the adapter uses of a `pyudev.Device`."""

    attributes: FakeAttributes
    sys_name: str = "ttyUSB0"
    subsystem: str | None = "tty"
    driver: str | None = None
    device_path: str = "/devices/ttyUSB0"
    device_links: Any = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    ancestors: Any = ()
    is_initialized: bool = True


class VanishedDevice:
    """All that is asked of it is gone."""

    def __getattr__(self, name: str) -> Any:
        raise OSError(19, "No such device")


def test_an_attribute_is_read_once_for_all_rules_and_also_if_it_is_missing() -> None:
    attributes, above = FakeAttributes({"dev": b"188:0"}), FakeAttributes({"idVendor": b"10c4"})
    subject: Subject = UdevDevice(FakeDevice(attributes, ancestors=iter([FakeDevice(above)])))
    for text in ('ATTR{dev}=="188:0", ATTRS{idVendor}=="10c4"', 'ATTR{dev}!="1:3", ATTRS{idVendor}=="1*"'):
        assert Rule.parse(text).matches(subject)
    assert (attributes.read, above.read) == (["dev", "idVendor"], ["idVendor"])


def test_bytes_that_are_no_text_can_be_matched() -> None:
    subject = UdevDevice(FakeDevice(FakeAttributes({"product": b"\xffgadget\xfe"})))
    assert Rule.parse(r'ATTR{product}==e"\xffgadget\xfe"').matches(subject)
    assert Rule.parse('ATTR{product}=="?gadget?"').matches(subject)


def test_a_property_that_is_no_text_is_none() -> None:
    assert UdevDevice(FakeDevice(FakeAttributes({}), properties=Unreadable())).property("ID_MODEL") is None


def test_only_tags_in_force_count() -> None:
    tags = {"TAGS": ":seat:systemd:", "CURRENT_TAGS": ":seat:uaccess:"}
    assert UdevDevice(FakeDevice(FakeAttributes({}), properties=tags)).tags == ("seat", "uaccess")
    assert UdevDevice(FakeDevice(FakeAttributes({}), properties={"TAGS": ":seat:"})).tags == ()


def test_a_long_attribute_is_cut() -> None:
    subject = UdevDevice(FakeDevice(FakeAttributes({"blob": b"x" * 100_000})))
    value = subject.attribute("blob")
    assert value is not None
    assert len(value) == MAX_VALUE


@pytest.mark.parametrize(
    "text", ['KERNEL=="?*"', 'ATTR{x}!="y"', 'TAG=="x"', 'SYMLINK=="*"', 'ATTRS{x}=="*"', 'DRIVER=="x"']
)
def test_a_device_that_vanishes_matches_nothing_and_breaks_nothing(text: str) -> None:
    assert not Rule.parse(text).matches(UdevDevice(VanishedDevice()))
