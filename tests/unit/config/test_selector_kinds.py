"""`usb`, `hid` and `udev` in the configuration: what they mean, and every mistake with place, value and remedy."""

from dataclasses import replace

import pytest

from tests.unit.config.test_spec_parser import faults, read, resources
from udev_device_plugin.config.spec_parser import read_written_groups
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType
from udev_device_plugin.selectors.hid.selector import HidSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector
from udev_device_plugin.selectors.usb.selector import UsbSelector


def group(text: str) -> GroupSpec:
    (spec,) = resources(f"name: a\ngroups:\n  - {text}")
    (only,) = spec.groups
    return only


def usb(entry: str) -> PathSpec:
    (path,) = group(f"usb: [{entry}]").paths
    return path


def selector(entry: str) -> UsbSelector:
    selected = usb(entry).selector
    assert isinstance(selected, UsbSelector)
    return selected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"1a86"', "1a86"),
        ("1a86", "1a86"),
        ("1A86", "1a86"),
        ('"0451"', "0451"),
        ("0451", "0451"),  # YAML 1.1: an octal number
        ("2838", "2838"),  # a decimal one
        ("10e4", "10e4"),  # a floating-point one
        ("1_0", None),
        ("0x1a86", "1a86"),  # a hexadecimal one
        ("451", "0451"),
        ("12:30", None),  # a sexagesimal one
        ("true", None),
        ('""', None),
        ("1a860", None),
    ],
)
def test_a_usb_id_is_hexadecimal_however_yaml_reads_it(written: str, meant: str | None) -> None:
    entry = f"{{vendor: {written}, product: 0001}}"
    if meant is not None:
        assert selector(entry) == UsbSelector(meant, "0001")
    else:
        (fault,) = faults(f"{{name: a, groups: [{{usb: [{entry}]}}]}}")
        assert fault.startswith("groups[0].usb[0].vendor: ")
        assert "is not a USB id; give up to four hexadecimal digits, as lsusb prints them" in fault


def test_json_spells_ids_as_well() -> None:
    (spec,) = resources('{"name": "a", "groups": [{"usb": [{"vendor": "1a86", "product": 7523, "serial": "0001"}]}]}')
    path = PathSpec(UsbSelector("1a86", "7523", "0001"), permissions="rw", mounts_bus=True)
    assert spec.groups == (GroupSpec((path,)),)


@pytest.mark.parametrize(("written", "meant"), [('"0001"', "0001"), ("0001", "0001"), ("1e3", "1e3"), ("yes", "yes")])
def test_a_serial_number_is_exactly_what_was_written(written: str, meant: str) -> None:
    assert selector(f"{{vendor: a, product: b, serial: {written}}}").serial == meant


@pytest.mark.parametrize(
    ("nodes", "numbers", "is_open_ended"),
    [
        ("{tty: 4, usbmisc: 1}", (("tty", 4), ("usbmisc", 1)), False),
        ("[usbmisc, tty, tty]", (("usbmisc", 1), ("tty", 1)), True),
        ("null", (("usb", 1),), False),
    ],
)
def test_nodes_are_given_with_their_numbers_or_without(
    nodes: str, numbers: tuple[tuple[str, int], ...], is_open_ended: bool
) -> None:
    chosen = selector(f"{{vendor: 2c7c, product: 0125, nodes: {nodes}}}")
    assert (chosen.nodes, chosen.is_open_ended) == (numbers, is_open_ended)


def test_a_stick_may_show_itself_under_several_ids() -> None:
    chosen = selector("{vendor: 1a6e, product: 89a, aliases: [{vendor: 18D1, product: 9302}, {vendor: 1, product: 2}]}")
    assert chosen == UsbSelector("1a6e", "089a", aliases=(("18d1", "9302"), ("0001", "0002")))
    assert str(chosen) == "usb 1a6e:089a or 18d1:9302 or 0001:0002"


def test_a_stick_without_aliases_is_recorded_as_it_always_was() -> None:
    plain = UsbSelector("1a86", "7523", "0001", (("tty", 1),), is_open_ended=True)
    assert plain.record == (
        "UsbSelector(vendor='1a86', product='7523', serial='0001', nodes=(('tty', 1),), is_open_ended=True)"
    )
    aliased = [replace(plain, aliases=aliases).record for aliases in ((("18d1", "9302"),), (("18d1", "9303"),))]
    assert len({plain.record, *aliased}) == 3


def test_what_a_container_may_do_with_a_stick_and_where_it_finds_it() -> None:
    plain, other = (
        group(f"usb: [{{vendor: 1a86, product: 7523{options}}}]").paths[0]
        for options in ("", ", permissions: mrw, mountPath: /dev/x/")
    )
    assert (plain.permissions, plain.container_path("/dev/bus/usb/001/002")) == ("rw", "/dev/bus/usb/001/002")
    assert (other.permissions, other.container_path("/dev/bus/usb/001/002")) == ("mrw", "/dev/x/002")


def test_a_hid_interface_is_spelled_as_a_stick_is() -> None:
    (spec,) = resources("""{name: a, groups: [{hid: [
      {vendor: 05e0, product: "1200"},
      {vendor: 5E0, product: 1200, serial: 0001, usagePage: 8C, mountPath: /dev/scanner, permissions: r},
      {vendor: 05e0, product: 1200, usagePage: 0x8c}
    ], count: 2}]}""")
    assert [(one.paths, one.count) for one in spec.groups] == [
        ((PathSpec(HidSelector("05e0", "1200"), permissions="rw"),), 2),
        ((PathSpec(HidSelector("05e0", "1200", "0001", "008c"), "/dev/scanner", permissions="r"),), 2),
        ((PathSpec(HidSelector("05e0", "1200", None, "008c"), permissions="rw"),), 2),
    ]


@pytest.mark.parametrize(
    ("options", "mounts_bus"),
    [
        ("", True),
        (", bus: null, nodes: null", True),
        (", bus: false", False),
        (", nodes: [usb]", False),
        (", nodes: [usb], bus: true", True),
        (", mountPath: /dev/x/", False),
        (", mountPath: /dev/x/, bus: false", False),
    ],
)
def test_the_bus_is_mounted_for_a_raw_node_alone_or_where_it_is_asked_for(options: str, mounts_bus: bool) -> None:
    assert usb(f"{{vendor: a, product: b{options}}}").mounts_bus == mounts_bus


RULE = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4"'


def test_udev_takes_rules_alone_or_with_options() -> None:
    made = group(f"""udev:
      - '{RULE}'
      - match: '{RULE}, KERNEL=="ttyUSB*"'
        mountPath: /dev/lidar
        permissions: r
        limit: 2
        optional: true
    count: 3""")
    assert made == GroupSpec(
        (
            PathSpec(UdevSelector(Rule.parse(RULE))),
            PathSpec(
                UdevSelector(Rule.parse(RULE + ', KERNEL=="ttyUSB*"')),
                "/dev/lidar",
                PathType.DEVICE,
                "r",
                limit=2,
                optional=True,
            ),
        ),
        3,
    )


def test_a_rule_may_stand_on_several_lines() -> None:
    made = group("""udev:
      - match: |
          SUBSYSTEM=="tty"
          ATTRS{idVendor}=="10c4"
    """)
    assert made.paths == (PathSpec(UdevSelector(Rule.parse(RULE))),)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("usb: [{product: b}]", "usb[0]: it has no vendor; give the id that lsusb prints"),
        ("usb: [{vendor: a}]", "usb[0]: it has no product; give the id that lsusb prints"),
        ("usb: [1a86]", 'usb[0]: "1a86" is a text; a USB device is needed, a mapping with vendor, product'),
        ("usb: [{vendor: [a], product: b}]", "usb[0].vendor: it is a list; a single value is needed"),
        ("usb: [{vendor: a, product: b, port: 1}]", "usb[0].port: unknown key; use vendor, product"),
        ("usb: [{vendor: a, product: b, serial: ''}]", 'usb[0].serial: "" has 0 characters; give 1 to 126, or leave'),
        ("usb: [{vendor: a, product: b, nodes: tty}]", 'usb[0].nodes: "tty" is a text; name the subsystems'),
        ("usb: [{vendor: a, product: b, nodes: []}]", "usb[0].nodes: it is a list; name the subsystems"),
        ("usb: [{vendor: a, product: b, nodes: {}}]", "usb[0].nodes: it is a mapping; name the subsystems"),
        ("usb: [{vendor: a, product: b, nodes: [T/Y]}]", 'usb[0].nodes[0]: "T/Y" is not a subsystem; name one as'),
        ("usb: [{vendor: a, product: b, nodes: {/: 1}}]", 'usb[0].nodes."/": "/" is not a subsystem; name one as'),
        ("usb: [{vendor: a, product: b, nodes: {tty: -1}}]", 'usb[0].nodes.tty: "-1" is not a whole number from 0'),
        ("usb: [{vendor: a, product: b, mountPath: /dev/x}]", 'usb[0].mountPath: "/dev/x" is no directory for'),
        ("usb: [{vendor: a, product: b, permissions: x}]", 'usb[0].permissions: "x" is not made of m, r and w'),
        ("usb: [{vendor: a, product: b, aliases: [x]}]", 'usb[0].aliases[0]: "x" is a text; another id is'),
        ("usb: [{vendor: a, product: b, aliases: []}]", "usb[0].aliases: the list is empty; give one item or more"),
        ("usb: [{vendor: a, product: b, aliases: {vendor: c}}]", "usb[0].aliases: it is a mapping; a list is needed"),
        ("usb: [{vendor: a, product: b, aliases: [{vendor: c}]}]", "usb[0].aliases[0]: it has no product; give the id"),
        (
            "usb: [{vendor: a, product: b, aliases: [{vendor: c, product: d, serial: e}]}]",
            "usb[0].aliases[0].serial: unknown key; use vendor or product",
        ),
        (
            "usb: [{vendor: a, product: b, aliases: [{vendor: 000a, product: B}]}]",
            "usb[0].aliases[0]: 000a:000b is named already; leave it out",
        ),
        (
            "usb: [{vendor: a, product: b, aliases: [{vendor: c, product: d}, {vendor: c, product: d}]}]",
            "usb[0].aliases[1]: 000c:000d is named already; leave it out",
        ),
        (
            "usb: [{vendor: a, product: b, serial: c, aliases: [{vendor: c, product: d}]}]",
            "usb[0].aliases: aliases stands beside serial; a bootloader has another serial number or none: leave one",
        ),
        ("usb: [{vendor: a, product: b, bus: 'no'}]", 'usb[0].bus: "no" is a text; true or false is needed'),
        (
            "usb: [{vendor: a, product: b, bus: true, mountPath: /dev/x/}]",
            "usb[0].bus: bus stands beside mountPath, by which libusb finds no device; leave out one of them",
        ),
        (
            "usb: [{vendor: a, product: b, bus: true, nodes: [tty]}]",
            "usb[0].bus: bus is for the raw node, which nodes does not name; add usb there, or leave bus out",
        ),
        ("usb: []", "usb: the list is empty; give one item or more"),
        ("hid: [{vendor: a}]", "hid[0]: it has no product; give the id that lsusb prints"),
        ("hid: [05e0]", 'hid[0]: "05e0" is a text; a HID interface is needed, a mapping with vendor, product, serial'),
        ("hid: [{vendor: a, product: b, usagePage: fff00}]", 'hid[0].usagePage: "fff00" is not a usage page; give'),
        ("hid: [{vendor: a, product: b, usagePage: [8c]}]", "hid[0].usagePage: it is a list; a single value is"),
        ("hid: [{vendor: a, product: b, nodes: [tty]}]", "hid[0].nodes: unknown key; use vendor, product"),
        ("hid: [{vendor: a, product: b, mountPath: x}]", 'hid[0].mountPath: "x" is not an absolute path'),
        ("udev: [{permissions: r}]", "udev[0]: it has no match; give the match part of a udev rule"),
        ("udev: [5]", 'udev[0]: "5" is a number; a text is needed: put it into quotes'),
        ("udev: ['SUBSYSTEM=\"tty\"']", 'udev[0]: "SUBSYSTEM▸='),
        ("udev: [{match: 'KERNEL==\"a\"', type: Mount}]", "udev[0].type: unknown key; use match"),
    ],
)
def test_a_mistake_is_one_fault_with_place_value_and_remedy(group: str, expected: str) -> None:
    (fault,) = faults(f"{{name: a, groups: [{{{group}}}]}}")
    assert fault.startswith(f"groups[0].{expected}")


def test_a_fault_in_a_rule_points_to_its_character() -> None:
    (fault,) = faults('{name: a, groups: [{udev: [\'KERNEL=="a", NAME="x"\']}]}')
    problem = "NAME cannot be used here: it is a network interface's; match KERNEL instead"
    assert fault == f'groups[0].udev[0]: "KERNEL=="a", ▸NAME="x"", position 13: {problem}'


def test_a_match_that_comes_and_goes_by_itself_is_a_warning_once() -> None:
    rule = 'ATTRS{urbnum}=="7", ATTRS{urbnum}!="8", KERNEL=="x"'
    _, found = read(f"{{name: a, groups: [{{udev: ['{rule}']}}]}}")
    assert [str(warning).partition(": ")[2] for warning in found.warnings] == [
        (
            "groups[0].udev[0]: ATTRS{urbnum} changes by itself, and the device does not match any more when it does;"
            " leave it out"
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "paths: [/dev/a, {path: '/dev/\"b\"\\*', mountPath: /dev/x/, limit: 3, optional: yes}]\n    count: 2",
        'usb: [{vendor: 0451, product: 10e4, serial: "Grün 漢\\U0001f600\\x7f", nodes: {tty: 4}}]',
        'usb: [{vendor: 0x1a86, product: "7523", nodes: [tty, usb]}]',
        "hid: [{vendor: 05e0, product: 1200, usagePage: 8c}]",
        'udev:\n      - match: |\n          # a remark\n          SUBSYSTEM=="tty"\n          ENV{X}==e"\\x41"\n',
    ],
)
def test_a_group_reads_again_as_it_was_written_down(text: str) -> None:
    made = group(text)
    (again,) = read_written_groups(made.written)
    assert again == made
    assert made.written.isascii()
    assert "\n" not in made.written


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{paths: []}", "{paths: [dev]}", "{usb: 1}", "\0", "[" * 1000, "a: b"]
)
def test_what_is_no_group_reads_as_none(text: str) -> None:
    assert read_written_groups(text) == ()
