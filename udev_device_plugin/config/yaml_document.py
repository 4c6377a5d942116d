"""YAML documents, of which JSON is a subset: text to nodes, each scalar with its own text and place.

Pure. This module alone uses PyYAML. Values are not constructed, for a scalar's reader decides on its type: ``0451``
may be hexadecimal there, and is octal for YAML.
"""

import json
from collections.abc import Collection, Iterator
from itertools import islice

import yaml

from udev_device_plugin.config.faults import Faults, Place, quoted
from udev_device_plugin.config.yaml_nodes import Entry, Kind, Mapping, Node, Scalar, Sequence

MAX_TEXT = 1 << 20
"""Characters of a document; a ConfigMap cannot hold more."""
MAX_NODES = 50_000
"""Nodes of a document, counted again for each alias and merge, against a "billion laughs"."""
MAX_DEPTH = 32
"""Levels of a document; device specs need eight."""

_YAML = "tag:yaml.org,2002:"
_MERGE = _YAML + "merge"
_KINDS = {
    _YAML + "str": Kind.TEXT,
    _YAML + "timestamp": Kind.TEXT,
    _YAML + "value": Kind.TEXT,
    _MERGE: Kind.TEXT,
    _YAML + "int": Kind.NUMBER,
    _YAML + "float": Kind.NUMBER,
    _YAML + "bool": Kind.BOOLEAN,
    _YAML + "null": Kind.NULL,
}
_REMEDY = "check the indentation, quotes, brackets and escapes there"
_COLLECTIONS = (_YAML + "seq", _YAML + "map")


def read_document(text: str, place: Place, faults: Faults) -> Node | None:
    """Return the node of ``text``, the whole text at ``place``: null if it is empty, None if it cannot be read."""
    if len(text) > MAX_TEXT:
        faults.add(place, f"it has {len(text)} characters; no more than {MAX_TEXT} are read, make it smaller")
        return None
    try:
        roots = _compose(text)
        if len(roots) > 1:
            faults.add(place.at(_line(roots[1])), "a second document begins here; join both into one")
        return _Converter(faults).node(roots[0], place, 1) if roots else Scalar(place, Kind.NULL, "")
    except _UnreadableError as error:
        faults.add(place.at(error.line), error.problem)
        return None


class _UnreadableError(Exception):
    """The text is not YAML, or too large."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def _check_size(nodes: int, depth: int, line: int) -> None:
    if nodes > MAX_NODES:
        raise _UnreadableError(line, f"it has more than {MAX_NODES} values, aliases resolved; make it smaller")
    if depth > MAX_DEPTH:
        raise _UnreadableError(line, f"it is nested deeper than {MAX_DEPTH} levels; make it flatter")


class _Composer(yaml.SafeLoader):
    """PyYAML's, with limits."""

    nodes = 0
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.nodes += 1
        self.depth += 1
        _check_size(self.nodes, self.depth, self.line + 1)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(text: str) -> list[yaml.Node]:
    try:
        return _compose_yaml(text)
    except _UnreadableError:
        if "\t" in text and _is_json(text):
            # PyYAML refuses tabs between tokens. In JSON they are blanks, and its strings have none.
            return _compose_yaml(text.replace("\t", " "))
        raise


def _compose_yaml(text: str) -> list[yaml.Node]:
    try:
        return list(islice(yaml.compose_all(text, _Composer), 2))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f" ({error.context})" if error.context else ""
        remedy = "indent with spaces" if "'\\t'" in str(error.problem) else _REMEDY
        raise _UnreadableError(mark.line + 1 if mark else 1, f"not YAML: {error.problem}{context}; {remedy}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"not YAML: it contains the character U+{ord(text[error.position]):04X}; leave it out"
        raise _UnreadableError(line, problem) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # PyYAML lets some through, for example at "\U00110000" and at a version number of many digits.
        raise _UnreadableError(1, f"not YAML: {error}; {_REMEDY}") from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Converter:
    """PyYAML's nodes to ours. The target of an alias is converted, and counted, once for each alias."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._nodes = 0

    def node(self, node: yaml.Node, place: Place, depth: int) -> Node:
        """Convert the node at ``place``."""
        self._nodes += 1
        _check_size(self._nodes, depth, _line(node))
        place = place.at(_line(node))
        if isinstance(node, yaml.ScalarNode):
            if node.style in ("|", ">"):  # the text begins on the line behind this mark
                place = place.at(_line(node) + 1)
            self._check_tag(node, place, _KINDS)
            return Scalar(place, _KINDS.get(node.tag, Kind.TEXT), self._text(node, place))
        self._check_tag(node, place, _COLLECTIONS)
        if isinstance(node, yaml.MappingNode):
            return Mapping(place, tuple(self._entries(node, place, depth)))
        items = (self.node(item, place.item(index), depth + 1) for index, item in enumerate(node.value))
        return Sequence(place, tuple(items))

    def _check_tag(self, node: yaml.Node, place: Place, known: Collection[str]) -> None:
        if node.tag not in known:
            self._faults.add(place, f"it has the tag {quoted(node.tag)}; tags mean nothing here, leave it out")

    def _text(self, node: yaml.ScalarNode, place: Place) -> str:
        """Return the scalar's text, with JSON's pairs of surrogates joined; a single one is a fault."""
        text = str(node.value)
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._faults.add(place, f"{quoted(text)} contains half a character; leave the escape out")
            return text.encode("utf-8", "replace").decode()

    def _entries(self, node: yaml.MappingNode, place: Place, depth: int) -> Iterator[Entry]:
        """Return the mapping's own entries, then the merged ones whose keys it does not have itself."""
        seen: dict[str, Entry] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._faults.add(place.at(_line(key)), "a list or mapping stands as a key; use a plain word")
            elif key.tag == _MERGE:
                merged.append(value)
            else:
                entry = self._entry(key, value, place, depth)
                if (first := seen.setdefault(entry.key, entry)) is not entry:
                    where = f", on line {first.place.line} first" if first.place.line else ""
                    self._faults.add(entry.place, f"the key is given twice{where}; keep one of them")
        for entry in (entry for value in merged for entry in self._merged(value, place, depth)):
            seen.setdefault(entry.key, entry)
        yield from seen.values()

    def _entry(self, key: yaml.ScalarNode, value: yaml.Node, place: Place, depth: int) -> Entry:
        text = self._text(key, place)
        key_place = place.key(text).at(_line(key))
        return Entry(key_place, text, self.node(value, key_place, depth + 1))

    def _merged(self, value: yaml.Node, place: Place, depth: int) -> Iterator[Entry]:
        """Return the entries of a merge key's value; in a list the first of two equal keys counts."""
        self._nodes += 1
        _check_size(self._nodes, depth, _line(value))
        if isinstance(value, yaml.MappingNode):
            yield from self._entries(value, place, depth + 1)
        elif isinstance(value, yaml.SequenceNode) and all(isinstance(v, yaml.MappingNode) for v in value.value):
            for item in value.value:
                yield from self._merged(item, place, depth + 1)
        else:
            self._faults.add(
                place.at(_line(value)), "the merge key << merges what is no mapping; give it one, or a list of them"
            )
