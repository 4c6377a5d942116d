"""Documents: YAML, and JSON as a part of it, become nodes that know their place; bombs and rubbish become faults."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.yaml_document import MAX_TEXT, read_document
from udev_device_plugin.config.yaml_nodes import Kind, Mapping, Node, Scalar, Sequence

FILE = Place("config.yaml", line=1)


def read(text: str) -> Node:
    noted = Faults()
    node = read_document(text, FILE, noted)
    assert noted.found == []
    assert node is not None
    return node


def faults(text: str, place: Place = FILE) -> list[str]:
    noted = Faults()
    read_document(text, place, noted)
    return [str(fault) for fault in noted.found]


def plain(node: Node) -> Any:
    """The node without places; every scalar as its text and kind."""
    if isinstance(node, Scalar):
        return (node.kind, node.text) if node.kind is not Kind.NULL else None
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.value) for entry in node.entries}


def places(node: Node) -> list[str]:
    children: tuple[Node, ...] = ()
    if isinstance(node, Sequence):
        children = node.items
    elif isinstance(node, Mapping):
        children = tuple(entry.value for entry in node.entries)
    return [str(node.place), *(place for child in children for place in places(child))]


def test_every_node_knows_its_line_and_the_way_to_it() -> None:
    text = "devices:\n  - name: a\n    groups:\n      - paths:\n          - path: /dev/x\n            limit: 2\n"
    assert places(read(text))[-2:] == [
        "config.yaml:5: devices[0].groups[0].paths[0].path",
        "config.yaml:6: devices[0].groups[0].paths[0].limit",
    ]


def test_a_flag_of_one_line_has_no_line_numbers() -> None:
    noted = Faults()
    node = read_document("{paths: [x]}", Place("--device"), noted)
    assert node is not None
    assert places(node) == ["--device", "--device: paths", "--device: paths[0]"]


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("abc", Kind.TEXT, "abc"),
        ("'0451'", Kind.TEXT, "0451"),
        ("0451", Kind.NUMBER, "0451"),
        ("2838", Kind.NUMBER, "2838"),
        ("1e3", Kind.TEXT, "1e3"),
        ("1.5", Kind.NUMBER, "1.5"),
        ("0x1A", Kind.NUMBER, "0x1A"),
        ("12:30", Kind.NUMBER, "12:30"),
        ("2024-01-01", Kind.TEXT, "2024-01-01"),
        ("Yes", Kind.BOOLEAN, "Yes"),
        ("~", Kind.NULL, "~"),
        ("", Kind.NULL, ""),
        ("# only a comment\n", Kind.NULL, ""),
        ("---\n", Kind.NULL, ""),
        ("!!str 12", Kind.TEXT, "12"),
        ('"\\uD83D\\uDE00"', Kind.TEXT, "😀"),
        ("\ufeffabc", Kind.TEXT, "abc"),
    ],
)
def test_a_scalar_keeps_the_text_that_was_written(text: str, kind: Kind, shown: str) -> None:
    node = read(text)
    assert isinstance(node, Scalar)
    assert (node.kind, node.text) == (kind, shown)


def test_an_anchor_is_the_same_again_at_the_place_that_uses_it() -> None:
    node = read("a: &x [1]\nb: *x\n")
    assert places(node) == [
        "config.yaml:1",
        "config.yaml:1: a",
        "config.yaml:1: a[0]",
        "config.yaml:1: b",
        "config.yaml:1: b[0]",
    ]


def test_a_merge_key_fills_in_what_the_mapping_does_not_say_itself() -> None:
    node = read("base: &b {x: b, y: b}\nmore: &m {y: m, z: m}\nall: {<<: [*b, *m], x: own}\n")
    assert plain(node)["all"] == {"x": (Kind.TEXT, "own"), "y": (Kind.TEXT, "b"), "z": (Kind.TEXT, "m")}


def test_merge_keys_may_be_nested() -> None:
    node = read("a: &a {x: a}\nb: &b {<<: *a, y: b}\nc: {<<: *b}\n")
    assert plain(node)["c"] == {"x": (Kind.TEXT, "a"), "y": (Kind.TEXT, "b")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "config.yaml:3: a: the key is given twice, on line 1 first; keep one of them"),
        ('{"a": 1, "a": 1}', "config.yaml:1: a: the key is given twice, on line 1 first; keep one of them"),
        ("a: 1\n---\nb: 2\n", "config.yaml:3: a second document begins here; join both into one"),
        ("a: 1\n\tb: 2\n", "config.yaml:2: not YAML: found character '\\t' that cannot start any token"),
        ("a: [1\nb: 2", "config.yaml:2: not YAML: "),
        ("a: b: c", "config.yaml:1: not YAML: mapping values are not allowed here"),
        ("a: *b", "config.yaml:1: not YAML: found undefined alias"),
        ("x\n- \0", "config.yaml:2: not YAML: it contains the character U+0000; leave it out"),
        ("a: \ud800", "config.yaml:1: not YAML: it contains the character U+D800; leave it out"),
        ('"\\U00110000"', "config.yaml:1: not YAML: "),
        ('"\\UFFFFFFFF"', "config.yaml:1: not YAML: "),
        ("%YAML 1." + "1" * 5000 + "\n---\na", "config.yaml:1: not YAML: "),
        ('a: "\\ud800"', 'config.yaml:1: a: "\\ud800" contains half a character; leave the escape out'),
        ("a: !secret x", 'config.yaml:1: a: it has the tag "!secret"; tags mean nothing here, leave it out'),
        ("a: !!python/object:os.system [x]", "config.yaml:1: a: it has the tag"),
        ("a: !!binary eA==", "config.yaml:1: a: it has the tag"),
        ("? [a]\n: b", "config.yaml:1: a list or mapping stands as a key; use a plain word"),
        ("a: {<<: 1}", "config.yaml:1: a: the merge key << merges what is no mapping; give it one, or a list"),
        ("a: {<<: [{}, 1]}", "config.yaml:1: a: the merge key << merges what is no mapping; give it one, or a list"),
        ("[" * 40 + "]" * 40, "config.yaml:1: it is nested deeper than 32 levels; make it flatter"),
        ("[" * 100_000, "config.yaml:1: it is nested deeper than 32 levels; make it flatter"),
        ("&a [*a]", "config.yaml:1: it is nested deeper than 32 levels; make it flatter"),
        ("a: &a\n  b: *a", "config.yaml:1: it is nested deeper than 32 levels; make it flatter"),
        ("a: &a\n  <<: *a", "config.yaml:1: it is nested deeper than 32 levels; make it flatter"),
        ("x" * (MAX_TEXT + 1), "config.yaml:1: it has 1048577 characters; no more than 1048576 are read"),
    ],
)
def test_what_cannot_be_read_is_one_fault_with_its_line(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(expected)
    assert fault.isprintable()
    assert re.search("[;,] (keep|join|indent|check|leave|use|give|make) ", fault), "a remedy"


def test_all_duplicates_are_found_and_named_with_their_way() -> None:
    assert faults("{a: [{b: 1, b: 2}], a: 1}", Place("--device")) == [
        "--device: a[0].b: the key is given twice; keep one of them",
        "--device: a: the key is given twice; keep one of them",
    ]


@pytest.mark.parametrize(
    "line",
    ["a{}: &a{} [{}]", "a{}: &a{} {{x: [{}]}}"],
)
def test_a_billion_laughs_are_not_laughed(line: str) -> None:
    lines = ["a0: &a0 [lol]"]
    lines += [line.format(i, i, ", ".join([f"*a{i - 1}"] * 9)) for i in range(1, 10)]
    (fault,) = faults("\n".join(lines))
    assert "has more than 50000 values, aliases resolved; make it smaller" in fault


def test_a_billion_merges_are_not_merged() -> None:
    lines = ["a0: &a0 {}"] + [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 10)]
    (fault,) = faults("\n".join(lines))
    assert "has more than 50000 values" in fault


def test_a_long_list_is_bounded_too() -> None:
    (fault,) = faults("- a\n" * 60_000)
    assert fault.startswith("config.yaml:5")
    assert "has more than 50000 values" in fault


json_texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], max_codepoint=0xFFFD), max_size=8)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 10**6), json_texts, st.just('a\tb\n\\"/')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts, inner, max_size=3),
    max_leaves=8,
)


def as_nodes(value: Any) -> Any:
    match value:
        case None:
            return None
        case bool():
            return (Kind.BOOLEAN, json.dumps(value))
        case int():
            return (Kind.NUMBER, str(value))
        case str():
            return (Kind.TEXT, value)
        case list():
            return [as_nodes(item) for item in value]
    return {key: as_nodes(item) for key, item in value.items()}


@settings(max_examples=200)
@given(
    json_values,
    st.sampled_from([None, 0, 2, "\t"]),
    st.sampled_from([(",", ":"), (", ", ": "), (",\t", ":\t"), (" , ", "\t: ")]),
    st.booleans(),
)
def test_json_is_a_part_of_yaml_tabs_included(
    value: Any, indent: int | str | None, separators: tuple[str, str], ascii_only: bool
) -> None:
    text = json.dumps({"top": value}, indent=indent, separators=separators, ensure_ascii=ascii_only)
    assert plain(read(text)) == {"top": as_nodes(value)}


def test_a_fault_in_json_with_tabs_has_its_line() -> None:
    assert faults('{\n\t"a": 1,\n\t"a": 2\n}') == [
        "config.yaml:3: a: the key is given twice, on line 2 first; keep one of them"
    ]


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(),
        st.text(st.characters(categories=["Cc", "Cs", "Zl", "Po"])),
        st.text("{}[]:,-?&*!|>'\"%@`#\n\t ab0~<\\xU", max_size=30),
    )
)
def test_whatever_the_text_it_is_read_or_a_fault(text: str) -> None:
    noted = Faults()
    node = read_document(text, FILE, noted)
    assert node is not None or noted.found
    assert all(str(fault).isprintable() for fault in noted.found)
