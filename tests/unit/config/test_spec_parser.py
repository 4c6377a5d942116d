"""Device specs: both spellings come down to one model, and every mistake is a fault with place, value and remedy."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.spec_parser import read_resources
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.config.yaml_document import read_document
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector


def read(*texts: str) -> tuple[tuple[ResourceSpec, ...], Faults]:
    noted = Faults()
    documents = [read_document(text, Place("--device"), noted) for text in texts]
    return read_resources([node for node in documents if node is not None], "squat.ai", noted), noted


def resources(*texts: str) -> tuple[ResourceSpec, ...]:
    specs, noted = read(*texts)
    assert noted.found == []
    return specs


def faults(*texts: str) -> list[str]:
    return [str(fault).removeprefix("--device: ") for fault in read(*texts)[1].found]


def path(text: str, **options: Any) -> PathSpec:
    return PathSpec(PathSelector(Glob.parse(text)), **options)


def test_with_type_every_path_is_a_group_of_its_own_with_that_count() -> None:
    assert resources('{"type": "serial", "count": 2, "paths": ["/dev/ttyUSB*", "/dev/ttyACM*"]}') == (
        ResourceSpec(
            "squat.ai/serial",
            (GroupSpec((path("/dev/ttyUSB*"),), 2), GroupSpec((path("/dev/ttyACM*"),), 2)),
        ),
    )


def test_with_name_the_paths_of_a_group_stay_together() -> None:
    text = """
    name: capture
    groups:
      - count: 3
        paths:
          - {path: /dev/snd/controlC0, mountPath: /dev/snd/, permissions: rw, limit: 4, optional: true}
          - {path: /etc/asound.conf, type: Mount, readOnly: true}
      - paths: [/dev/video*, {path: /dev/x, type: Device, mountPath: /dev/y}]
    """
    assert resources(text) == (
        ResourceSpec(
            "squat.ai/capture",
            (
                GroupSpec(
                    (
                        path("/dev/snd/controlC0", mount_path="/dev/snd/", permissions="rw", limit=4, optional=True),
                        path("/etc/asound.conf", type=PathType.MOUNT, read_only=True),
                    ),
                    3,
                ),
                GroupSpec((path("/dev/video*"), path("/dev/x", mount_path="/dev/y"))),
            ),
        ),
    )


def test_a_list_of_specs_is_as_good_as_several() -> None:
    one, two = "{type: a, paths: [/dev/a]}", "{name: b, groups: [{paths: [/dev/b]}]}"
    assert resources(f"[{one}, {two}]") == resources(one, two)


@pytest.mark.parametrize(("written", "meant"), [("0", 1), ("null", 1), ("~", 1), ("1", 1), ("+7", 7), ("10000", 10000)])
def test_a_count_or_limit_of_zero_or_none_is_one(written: str, meant: int) -> None:
    (by_type,) = resources(f"{{type: a, count: {written}, paths: [/dev/a]}}")
    (by_name,) = resources(f"{{name: a, groups: [{{count: {written}, paths: [/dev/a]}}]}}")
    (limited,) = resources(f"{{name: a, groups: [{{paths: [{{path: /dev/a, limit: {written}}}]}}]}}")
    assert by_type.groups[0].count == by_name.groups[0].count == limited.groups[0].paths[0].limit == meant


def test_more_ids_for_one_match_than_a_resource_has_are_a_fault() -> None:
    def group(count: int, *limits: int) -> str:
        paths = ", ".join(f"{{path: /dev/a{index}, limit: {limit}}}" for index, limit in enumerate(limits))
        return f"{{name: a, groups: [{{count: {count}, paths: [{paths}]}}]}}"

    assert resources(group(100, 100), group(2, 5000, 10_000).replace("name: a", "name: b"))
    (fault,) = faults(group(100, 101))
    assert fault.startswith(
        "groups[0]: count 100 times limit 101 are 10100 device IDs for one match; a resource has at"
    )
    assert len(faults(group(10_000, 9, 2))) == 1


def test_null_is_the_same_as_not_there() -> None:
    keys = ("mountPath", "type", "permissions", "readOnly", "limit", "optional")
    nulls = json.dumps({"path": "/dev/a", **dict.fromkeys(keys)})
    assert resources(
        f'{{"name": "a", "type": null, "count": null, "paths": null, "groups": [{{"usb": null, "paths": [{nulls}]}}]}}'
    ) == resources("{name: a, groups: [{paths: [/dev/a]}]}")


def test_a_mount_path_is_put_into_its_shortest_spelling() -> None:
    (spec,) = resources("{name: a, groups: [{paths: [{path: /dev/a, mountPath: //dev/./b//}]}]}")
    assert spec.groups[0].paths[0].mount_path == "/dev/b/"


def test_read_only_false_says_nothing_about_a_device() -> None:
    assert resources("{name: a, groups: [{paths: [{path: /dev/a, readOnly: false}]}]}")


PATH = "groups[0].paths[0]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what a spec is
        ("", "--device: it is empty; a device spec is needed, a mapping with name, groups, type, count, paths"),
        ("serial", '--device: "serial" is a text; a device spec is needed, a mapping with'),
        ("[[]]", "[0]: it is a list; a device spec is needed"),
        ("[3]", '[0]: "3" is a number; a device spec is needed'),
        ("{type: a, paths: [/dev/a], path: x}", "path: unknown key; did you mean paths?"),
        ("{type: a, paths: [/dev/a], Type: x}", "Type: unknown key; did you mean type?"),
        ("{type: a, paths: [/dev/a], zz: x}", "zz: unknown key; use name, groups, type, count, paths or exclude"),
        ('{type: a, paths: [/dev/a], "a b\\n": x}', '"a b\\n": unknown key'),
        # name and type
        ("{paths: [/dev/a]}", "--device: it has no type; give the resource's name without its domain"),
        ("{groups: [{paths: [/dev/a]}]}", "--device: it has no name; give the resource's name without its domain"),
        ("{type: a, name: b, paths: [/dev/a]}", "name: name stands beside type; with paths, keep type alone"),
        ("{type: a, name: b, groups: [{paths: [/dev/a]}]}", "type: type stands beside name; with groups, keep name"),
        ("{type: a, groups: [{paths: [/dev/a]}]}", "type: type does not go with groups; call it name"),
        ("{name: a, paths: [/dev/a]}", "name: name does not go with paths; call it type"),
        ("{type: A, paths: [/dev/a]}", 'type: "A" is not a resource name; use lower-case letters'),
        ("{type: a.b, paths: [/dev/a]}", 'type: "a.b" is not a resource name'),
        (f"{{type: {'a' * 64}, paths: [/dev/a]}}", 'type: "' + "a" * 60 + '…" has 64 characters; a kubelet takes'),
        ("{type: 1, paths: [/dev/a]}", 'type: "1" is a number; a text is needed: put it into quotes'),
        ("{type: yes, paths: [/dev/a]}", 'type: "yes" is a truth value; a text is needed: put it into quotes'),
        ("{type: [a], paths: [/dev/a]}", "type: it is a list; a text is needed"),
        # count
        ("{type: a, count: -1, paths: [/dev/a]}", 'count: "-1" is not a whole number from 0 to 10000'),
        ("{type: a, count: 1.5, paths: [/dev/a]}", 'count: "1.5" is not a whole number from 0 to 10000'),
        ("{type: a, count: 10001, paths: [/dev/a]}", 'count: "10001" is not a whole number from 0 to 10000'),
        ("{type: a, count: 010, paths: [/dev/a]}", 'count: "010" is not a whole number'),
        ("{type: a, count: 0x10, paths: [/dev/a]}", 'count: "0x10" is not a whole number'),
        ("{type: a, count: 1_0, paths: [/dev/a]}", 'count: "1_0" is not a whole number'),
        ("{type: a, count: 1:30, paths: [/dev/a]}", 'count: "1:30" is not a whole number'),
        (f"{{type: a, count: {'9' * 5000}, paths: [/dev/a]}}", 'count: "' + "9" * 60 + '…" is not a whole number'),
        ("{type: a, count: true, paths: [/dev/a]}", 'count: "true" is a truth value; a whole number is needed'),
        ('{type: a, count: "2", paths: [/dev/a]}', 'count: "2" is a text; a whole number is needed, without quotes'),
        ("{type: a, count: [2], paths: [/dev/a]}", "count: it is a list; a whole number is needed"),
        ("{name: a, count: 2, groups: [{paths: [/dev/a]}]}", "count: count does not stand beside groups; put count in"),
        # paths and groups
        ("{type: a}", "--device: it has no paths; give a list of one or more"),
        ("{name: a}", "--device: it has no groups; give a list of one or more"),
        ("{type: a, paths: []}", "paths: the list is empty; give one item or more"),
        ("{type: a, paths: /dev/a}", 'paths: "/dev/a" is a text; a list is needed: put it into [ ]'),
        ("{type: a, paths: {path: /dev/a}}", "paths: it is a mapping; a list is needed"),
        ("{name: a, groups: []}", "groups: the list is empty"),
        ("{name: a, groups: {paths: [/dev/a]}}", "groups: it is a mapping; a list is needed"),
        (
            "{name: a, groups: [/dev/a]}",
            'groups[0]: "/dev/a" is a text; a group is needed, a mapping with count, paths',
        ),
        ("{name: a, groups: [null]}", "groups[0]: it is null; a group is needed"),
        ("{name: a, groups: [{}]}", "groups[0]: it has no paths, usb, hid or udev; give a list"),
        ("{name: a, groups: [{paths: [/dev/a], limit: 2}]}", "groups[0].limit: unknown key; use count, paths"),
        (
            "{name: a, paths: [/dev/b], groups: [{paths: [/dev/a]}]}",
            "paths: paths does not stand beside groups; put pa",
        ),
        (
            "{name: a, groups: [{paths: [/dev/a], usb: [{vendor: a, product: b}]}]}",
            "groups[0].usb: usb stands beside paths; put it into a group of its own",
        ),
        (
            "{type: a, paths: [{path: /dev/a}]}",
            "paths[0]: it is a mapping; a path with options goes into a group: name",
        ),
        ("{type: a, paths: [null]}", "paths[0]: it is null; a text is needed"),
        ("{type: a, paths: [5]}", 'paths[0]: "5" is a number; a text is needed: put it into quotes'),
        # globs
        ("{type: a, paths: [dev/a]}", 'paths[0]: "dev/a", position 0: it is not an absolute path; begin with /'),
        ("{type: a, paths: ['']}", 'paths[0]: "", position 0: it is not an absolute path; begin with /'),
        ("{type: a, paths: [/dev/../a]}", 'paths[0]: "/dev/../a", position 5: an element .. leads back up'),
        ("{type: a, paths: ['/dev/[a-']}", 'paths[0]: "/dev/[a-", position 5: the class is not closed'),
        ("{type: a, paths: ['/dev/[]a]']}", 'paths[0]: "/dev/[]a]", position 6: the class needs a member before ]'),
        ("{type: a, paths: ['/dev/[a-]']}", 'paths[0]: "/dev/[a-]", position 8: the class needs a member before ]'),
        ('{type: a, paths: ["/dev/\\0"]}', 'paths[0]: "/dev/\\x00", position 5: a path cannot contain a NUL'),
        ("{type: a, paths: [/]}", 'paths[0]: "/" is the root directory; name a device node'),
        ("{name: a, groups: [{paths: [dev/a]}]}", f'{PATH}: "dev/a", position 0: it is not an absolute path'),
        ("{name: a, groups: [{paths: [{path: dev/a}]}]}", f'{PATH}.path: "dev/a", position 0: it is not an absolute'),
        # the options of a path
        ("{name: a, groups: [{paths: [{mountPath: /a}]}]}", f"{PATH}: it has no path; give the path on the host"),
        ("{name: a, groups: [{paths: [{path: null}]}]}", f"{PATH}: it has no path"),
        ("{name: a, groups: [{paths: [[/dev/a]]}]}", f"{PATH}: it is a list; a text is needed"),
        (
            "{name: a, groups: [{paths: [{path: /a, mount_path: /a}]}]}",
            f"{PATH}.mount_path: unknown key; did you mean mo",
        ),
        (
            "{name: a, groups: [{paths: [{path: /a, readonly: no}]}]}",
            f"{PATH}.readonly: unknown key; did you mean readO",
        ),
        ("{name: a, groups: [{paths: [{path: /a, mountPath: a}]}]}", f'{PATH}.mountPath: "a" is not an absolute path'),
        ("{name: a, groups: [{paths: [{path: /a, mountPath: ''}]}]}", f'{PATH}.mountPath: "" is not an absolute path'),
        ("{name: a, groups: [{paths: [{path: /a, mountPath: /../b}]}]}", f'{PATH}.mountPath: "/../b" leads back up'),
        (
            "{name: a, groups: [{paths: [{path: /a, type: device}]}]}",
            f'{PATH}.type: "device" is not one of the choices',
        ),
        ("{name: a, groups: [{paths: [{path: /a, permissions: rwx}]}]}", f'{PATH}.permissions: "rwx" is not made of m'),
        ("{name: a, groups: [{paths: [{path: /a, permissions: ''}]}]}", f'{PATH}.permissions: "" allows nothing'),
        ("{name: a, groups: [{paths: [{path: /a, permissions: 6}]}]}", f'{PATH}.permissions: "6" is a number; a text'),
        (
            "{name: a, groups: [{paths: [{path: /a, type: Mount, permissions: r}]}]}",
            f"{PATH}.permissions: permissions are for devices; for a mount, use readOnly",
        ),
        (
            "{name: a, groups: [{paths: [{path: /a, readOnly: true}]}]}",
            f"{PATH}.readOnly: readOnly is for mounts; for a device, use permissions: r",
        ),
        ("{name: a, groups: [{paths: [{path: /a, readOnly: 1}]}]}", f'{PATH}.readOnly: "1" is a number; true or false'),
        (
            "{name: a, groups: [{paths: [{path: /a, optional: 'yes'}]}]}",
            f'{PATH}.optional: "yes" is a text; true or fa',
        ),
        ("{name: a, groups: [{paths: [{path: /a, limit: -2}]}]}", f'{PATH}.limit: "-2" is not a whole number from 0'),
        (
            "{name: a, groups: [{paths: [{path: /a, limit: true}]}]}",
            f'{PATH}.limit: "true" is a truth value; a whole n',
        ),
    ],
)
def test_a_mistake_is_one_fault_with_place_value_and_remedy(text: str, expected: str) -> None:
    (fault,) = read(text)[1].found
    assert str(fault).startswith((expected, f"--device: {expected}"))
    assert str(fault).isprintable()


def test_all_mistakes_are_told_at_once() -> None:
    text = "[{type: A, count: -1, paths: [x, {}]}, {nme: b, groups: [{count: x, paths: [{path: x, limit: x}]}]}, 5]"
    assert [fault.split(":")[0] for fault in faults(text)] == [
        "[0].type",
        "[0].count",
        "[0].paths[0]",
        "[0].paths[1]",
        "[1].nme",
        "[1]",
        "[1].groups[0].count",
        "[1].groups[0].paths[0].path",
        "[1].groups[0].paths[0].limit",
        "[2]",
    ]


def test_two_specs_of_one_resource_are_a_fault_that_names_both() -> None:
    text = "- {type: a, paths: [/dev/a]}\n- {name: a, groups: [{paths: [/dev/b]}]}"
    assert faults(text) == [
        "[1].name: a spec of squat.ai/a stands at --device: [0].type already; join both, or rename one"
    ]


def test_warnings_of_globs_come_with_their_place_and_are_no_faults() -> None:
    _, noted = read("{name: a, groups: [{paths: [{path: /dev/**}, '/dev/tty{A,B}']}]}")
    assert noted.found == []
    stars, braces = map(str, noted.warnings)
    assert stars.startswith('--device: groups[0].paths[0].path: "/dev/**": ** means the same as *, within one element')
    assert stars.endswith("write one glob for each depth")
    assert braces.startswith('--device: groups[0].paths[1]: "/dev/tty{A,B}": braces are ordinary characters')
    assert braces.endswith("write one path for each alternative")


VALID = [
    {"type": "serial", "count": 2, "paths": ["/dev/ttyUSB*", "/dev/ttyACM*"]},
    {
        "name": "capture",
        "groups": [
            {
                "count": 1,
                "paths": [
                    {"path": "/dev/snd/*", "mountPath": "/dev/snd/", "permissions": "rw", "limit": 2, "optional": True},
                    {"path": "/etc/asound.conf", "type": "Mount", "readOnly": True},
                    "/dev/video0",
                ],
            }
        ],
    },
]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", "/", "/dev/[", "/dev/**", "Mount", "mrw", "a" * 64, "<<", "..", [], {}, [[]], {"a": {}}]),
    st.just(VALID),
)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """A valid spec in which a few values were replaced, taken away, renamed or doubled."""
    how = draw(st.integers(0, 7))
    if how == 0:
        return draw(ODD)
    if isinstance(value, list):
        items = [draw(mutated(item)) for item in value]
        return items[:1] + items if how == 1 else items
    if isinstance(value, dict):
        keys = {key: draw(st.sampled_from([key, key.upper(), "usb"])) if how == 1 else key for key in value}
        return {keys[key]: draw(mutated(item)) for key, item in value.items() if how != 2 or draw(st.booleans())}
    return value


@settings(max_examples=200)
@given(mutated(VALID))
def test_whatever_becomes_of_a_valid_spec_it_is_read_or_a_fault(value: Any) -> None:
    specs, noted = read(json.dumps(value))
    assert specs or noted.found or value == []
    for fault in (*noted.found, *noted.warnings):
        assert str(fault).isprintable()
        assert fault.place
        assert len(str(fault)) < 400
