"""What comes close to a rule: the closest first, and few enough to be read."""

from dataclasses import dataclass, replace

import pytest

from tests.lab.subjects import MadeUpRelative, MadeUpSubject
from udev_device_plugin.selectors.mismatch import MOST, NearMisses
from udev_device_plugin.selectors.udev_rule.near_misses import FEW, Nearest
from udev_device_plugin.selectors.udev_rule.rule import Rule

LIDAR = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"'


@dataclass(slots=True)
class MadeUpDevice(MadeUpSubject):
    has_node: bool = True
    is_in_database: bool = True


def tty(name: str, vendor: str = "", product: str = "", subsystem: str = "tty") -> MadeUpDevice:
    attributes = {"idVendor": vendor, "idProduct": product} if vendor else {}
    return MadeUpDevice(name=name, subsystem=subsystem, ancestors=[MadeUpRelative(name="1-2", attributes=attributes)])


def nearest(rule: str, *devices: MadeUpDevice) -> NearMisses:
    found = Nearest(Rule.parse(rule))
    for device in devices:
        found.consider(device)
    return found.result()


def names(found: NearMisses) -> list[str]:
    return [miss.name for miss in found.closest]


def test_a_device_that_fits_more_than_the_subsystem_comes_close() -> None:
    found = nearest(LIDAR, tty("ttyUSB0", "0403", "6001"), tty("ttyUSB1", "10c4", "ea70"), tty("tty0"))
    assert [(miss.name, miss.why) for miss in found.closest] == [("ttyUSB1", "ATTRS{idProduct} is ea70, wanted ea60")]
    assert (found.more, found.of_subsystem) == (0, 3)


def test_who_fits_more_comes_first_and_who_fits_much_less_is_left_out() -> None:
    rule = f'{LIDAR}, KERNEL=="ttyACM*", ENV{{ID_ROLE}}=="console"'
    found = nearest(
        rule, tty("ttyUSB1", "10c4"), tty("ttyUSB2", "10c4", "ea60"), tty("ttyACM0", "10c4", "ea60"), tty("ttyACM1")
    )
    assert names(found) == ["ttyACM0", "ttyUSB2"]


def test_of_many_the_first_by_name_are_shown_and_the_others_counted() -> None:
    found = nearest(LIDAR, *(tty(f"ttyUSB{number}", "10c4", "ea70") for number in reversed(range(30))))
    assert names(found) == [f"ttyUSB{number}" for number in range(MOST)]
    assert found.more == 30 - MOST


@pytest.mark.parametrize(("number", "shown"), [(FEW, FEW), (FEW + 1, 0)])
def test_where_nothing_comes_close_a_few_of_the_subsystem_are_shown(number: int, shown: int) -> None:
    found = nearest(LIDAR, *(tty(f"tty{minor}") for minor in range(number)))
    assert (len(found.closest), found.more, found.of_subsystem) == (shown, 0, number)


def test_where_a_device_matches_those_of_which_only_the_subsystem_fits_are_not_shown() -> None:
    assert names(nearest(LIDAR, tty("ttyUSB0", "10c4", "ea60"), tty("tty0"))) == []


def test_a_device_without_a_node_matches_and_comes_first() -> None:
    found = nearest(LIDAR, tty("ttyUSB1", "10c4", "ea70"), replace(tty("ttyUSB0", "10c4", "ea60"), has_node=False))
    assert [(miss.name, miss.why) for miss in found.closest] == [
        ("ttyUSB0", "matches, but has no node, a device of the subsystem tty"),
        ("ttyUSB1", "ATTRS{idProduct} is ea70, wanted ea60"),
    ]


def test_another_subsystem_counts_only_where_nothing_comes_close_in_the_right_one() -> None:
    foreign = tty("1-2", "10c4", "ea60", subsystem="usb")
    assert names(nearest(LIDAR, foreign, tty("tty0"))) == ["1-2"]
    assert names(nearest(LIDAR, foreign, tty("ttyUSB0", "10c4", "ea70"))) == ["ttyUSB0"]


def test_what_a_device_is_not_tells_little() -> None:
    found = nearest('SUBSYSTEM=="tty", KERNEL!="console", ATTR{x}=="1"', *(tty(f"tty{minor}") for minor in range(9)))
    assert (names(found), found.more) == ([], 0)


def test_a_rule_without_a_subsystem_may_match_any() -> None:
    found = nearest('KERNEL=="ttyUSB*", ENV{ID_ROLE}=="console"', tty("ttyUSB0"), tty("sda", subsystem="block"))
    assert (names(found), found.of_subsystem) == (["ttyUSB0"], None)


def test_what_udev_does_not_know_yet_may_fit_later() -> None:
    new = [replace(device, is_in_database=False) for device in (tty("ttyUSB0", "10c4"), tty("ttyUSB1", "0403"))]
    found = nearest('KERNEL=="ttyUSB*", ENV{ID_BUS}=="usb", ATTRS{idVendor}=="10c4"', *new)
    assert [(miss.name, miss.why) for miss in found.closest] == [
        ("ttyUSB0", 'ENV{ID_BUS} is "", wanted usb; udev\'s database has nothing about it, or not yet'),
        ("ttyUSB1", 'ENV{ID_BUS} is "", wanted usb; udev\'s database has nothing about it, or not yet'),
    ]
