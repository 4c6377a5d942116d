"""Rules: what matches as in udevd, why something does not, and how little is looked at for it."""

import pytest
from hypothesis import given, strategies as st

from tests.lab.subjects import MadeUpRelative, MadeUpSubject
from udev_device_plugin.selectors.records import Subject
from udev_device_plugin.selectors.udev_rule.rule import Rule

INTERFACE = MadeUpRelative("1-4:1.0", "usb", "cp210x", {"bInterfaceNumber": "00"})
STICK = MadeUpRelative(
    "1-4", "usb", "usb", {"idVendor": "10c4", "idProduct": "ea70", "product": "CP2105 ", "serial": "1"}
)
HUB = MadeUpRelative("usb1", "usb", "usb", {"idVendor": "1d6b", "idProduct": "0002"})


def adapter() -> MadeUpSubject:
    return MadeUpSubject(
        "ttyUSB0",
        "tty",
        attributes={"dev": "188:0"},
        tags=("systemd", "seat"),
        devpath="/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0/ttyUSB0/tty/ttyUSB0",
        properties={"ID_BUS": "usb", "EMPTY": ""},
        links=("/dev/serial/by-id/usb-CP2105", "serial/by-path/pci-1"),
        ancestors=(MadeUpRelative("ttyUSB0", "usb-serial", "cp210x"), INTERFACE, STICK, HUB),
    )


def matches(text: str) -> bool:
    rule, subject = Rule.parse(text), adapter()
    assert rule.matches(subject) == (rule.mismatch(subject) is None)
    return rule.matches(subject)


def why_not(text: str) -> str:
    mismatch = Rule.parse(text).mismatch(adapter())
    assert mismatch is not None
    return f"{mismatch} ({mismatch.device}, {mismatch.fitted} of {mismatch.terms})"


@pytest.mark.parametrize(
    "text",
    [
        'KERNEL=="ttyUSB*", SUBSYSTEM=="tty", DRIVER=="", DEVPATH=="*/usb1/*", ATTR{dev}=="188:?", TAG=="seat"',
        'ENV{ID_BUS}=="usb", ENV{EMPTY}=="", ENV{MISSING}=="", SYMLINK=="serial/by-id/*", SYMLINK=="serial/by-path/*"',
        'ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60|ea70", SUBSYSTEMS=="usb", DRIVERS=="usb", KERNELS=="1-*"',
        'ATTRS{product}=="CP2105"',
        'ATTRS{product}=="CP2105 "',
        'KERNELS=="ttyUSB0", SUBSYSTEMS=="tty", TAGS=="systemd"',
        'TAG!="none", SYMLINK!="disk/*", ENV{MISSING}!="x", ATTR{dev}!="1:3"',
        'TAG=="?*", KERNEL=="?*", DRIVER!="?*"',
    ],
)
def test_a_device_matches_if_all_terms_fit(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        'KERNEL=="ttyUSB*", SUBSYSTEM=="usb"',
        'ATTR{idVendor}=="10c4"',  # it is an ancestor's
        'ATTR{missing}!="x"',
        'ATTR{missing}==""',
        'ATTRS{missing}!="x"',
        'ENV{EMPTY}!=""',
        'TAG!="seat"',
        'SYMLINK!="serial/by-id/*"',
        'SYMLINK=="by-id"',
        'TAG!="?*"',
        'ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="0002"',  # two ancestors
        'ATTRS{idVendor}=="10c4", ATTRS{bInterfaceNumber}=="00"',
        'DRIVERS=="cp210x", SUBSYSTEMS=="tty"',
        'ATTRS{product}=="CP2105  "',
    ],
)
def test_a_device_does_not_match_if_one_term_does_not_fit(text: str) -> None:
    assert not matches(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('SUBSYSTEM=="usb"', "SUBSYSTEM is tty, wanted usb (ttyUSB0, 0 of 1)"),
        ('SUBSYSTEM!="tty"', "SUBSYSTEM is tty, wanted any but tty (ttyUSB0, 0 of 1)"),
        ('ATTR{index}=="0"', "ATTR{index} is missing, wanted 0 (ttyUSB0, 0 of 1)"),
        ('DRIVER=="x"', 'DRIVER is "", wanted x (ttyUSB0, 0 of 1)'),
        ('ENV{ID_BUS}==""', 'ENV{ID_BUS} is usb, wanted "" (ttyUSB0, 0 of 1)'),
        ('TAG=="x"', "TAG is systemd, seat, wanted x (ttyUSB0, 0 of 1)"),
        ('ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"', "ATTRS{idProduct} is ea70, wanted ea60 (1-4, 1 of 2)"),
        ('ATTRS{idVendor}=="0403"', "ATTRS{idVendor} is 10c4, wanted 0403 (1-4, 0 of 1)"),
        ('KERNEL=="x", ATTRS{idVendor}=="10c4"', "KERNEL is ttyUSB0, wanted x (ttyUSB0, 1 of 2)"),
        (
            'ATTRS{idVendor}=="10c4", ATTRS{bInterfaceNumber}=="00", ATTRS{idProduct}=="ea70"',
            (
                "1-4 (usb) fits ATTRS{idVendor}, ATTRS{idProduct} and 1-4:1.0 (usb) fits ATTRS{bInterfaceNumber},"
                " but one device must fit them all (1-4, 2 of 3)"
            ),
        ),
        (
            'DRIVERS=="cp210x", SUBSYSTEMS=="tty"',
            (
                "ttyUSB0 (tty) fits SUBSYSTEMS and ttyUSB0 (usb-serial) fits DRIVERS, but one device must fit them all"
                " (ttyUSB0, 1 of 2)"
            ),
        ),
        (
            'ATTRS{idVendor}=="10c4", ATTRS{bInterfaceNumber}=="00", ATTRS{serial}=="2"',
            "ATTRS{bInterfaceNumber} is missing, wanted 00 (1-4, 1 of 3)",
        ),
        (
            'KERNEL=="x", ATTRS{idVendor}=="10c4", ATTRS{bInterfaceNumber}=="00"',
            "KERNEL is ttyUSB0, wanted x (ttyUSB0, 1 of 3)",
        ),
        (
            'ATTRS{product}==e"\\x1b]1m*"',
            "ATTRS{product} is CP2105 , wanted \N{REPLACEMENT CHARACTER}]1m* (1-4, 0 of 1)",
        ),
    ],
)
def test_a_mismatch_says_what_is_there_and_what_was_wanted(text: str, why: str) -> None:
    assert why_not(text) == why


def test_a_mismatch_of_long_texts_stays_short() -> None:
    subject = MadeUpSubject(attributes={"x": "y" * 4000}, links=[f"/dev/{number}" for number in range(100)])
    for text in ('ATTR{x}=="' + "z" * 4000 + '"', 'SYMLINK=="none"'):
        assert len(str(Rule.parse(text).mismatch(subject))) < 200


def test_nothing_is_read_that_is_not_needed() -> None:
    subject = adapter()
    assert not Rule.parse('ATTR{dev}=="188:0", ATTRS{idVendor}=="10c4", SUBSYSTEM=="usb"').matches(subject)
    assert subject.looked_at == []


def test_ancestors_beyond_the_one_that_fits_are_not_looked_at() -> None:
    hub = MadeUpRelative("usb1", "usb", "usb", {"idVendor": "1d6b"})
    stick = MadeUpRelative("1-4", "usb", "usb", {"idVendor": "10c4"})
    assert Rule.parse('ATTRS{idVendor}=="10c4"').matches(MadeUpSubject(ancestors=(stick, hub)))
    assert (stick.looked_at, hub.looked_at) == (["idVendor"], [])


@pytest.mark.parametrize(
    ("text", "subsystems"),
    [
        ('SUBSYSTEM=="tty"', {"tty"}),
        ('SUBSYSTEM=="tty|usb", KERNEL=="x"', {"tty", "usb"}),
        ('SUBSYSTEM=="tty|usb", SUBSYSTEM=="usb|net"', {"usb"}),
        ('SUBSYSTEM=="tty", SUBSYSTEM=="usb"', set()),
        ('SUBSYSTEM=="bus"', {"bus", "class", "subsystem"}),
        ('SUBSYSTEM=="tty*"', None),
        ('SUBSYSTEM=="tty|usb*"', None),
        ('SUBSYSTEM=="?*"', None),
        ('SUBSYSTEM=="tty|"', None),
        ('SUBSYSTEM=="*", SUBSYSTEM=="tty"', {"tty"}),
        ('SUBSYSTEM!="tty"', None),
        ('SUBSYSTEMS=="tty"', None),
        ('KERNEL=="tty"', None),
    ],
)
def test_the_subsystems_that_a_match_must_have_are_known_beforehand(text: str, subsystems: set[str] | None) -> None:
    assert Rule.parse(text).subsystems == subsystems


def test_two_spellings_of_a_rule_are_one_rule() -> None:
    one = Rule.parse('SUBSYSTEM=="tty", ENV{X}=="say \\"hi\\""')
    other = Rule.parse('\n ENV{X} == e"say \\x22hi\\x22"\n SUBSYSTEM=="tty",\n')
    assert one == other
    assert hash(one) == hash(other)


def test_a_subject_may_be_of_any_make() -> None:
    subject: Subject = adapter()  # checked by mypy
    assert Rule.parse('SUBSYSTEM=="tty"').matches(subject)


@given(st.text(max_size=40))
def test_whatever_a_device_has_it_equals_itself(value: str) -> None:
    subject = MadeUpSubject(value, value, value, {"x": value}, properties={"x": value}, tags=[value])
    raw = "".join(f"\\x{byte:02x}" for byte in value.encode())
    if "\0" in value or set("|*?[") & set(value) or value in ("bus", "class", "subsystem"):
        return  # these mean something else
    for key in ("KERNEL", "SUBSYSTEM", "DRIVER", "ENV{x}", "TAG", "KERNELS", "TAGS"):
        assert Rule.parse(f'{key}==e"{raw}"').matches(subject)
        assert not Rule.parse(f'{key}!=e"{raw}"').matches(subject)
