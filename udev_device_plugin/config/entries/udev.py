"""Entries of a group's ``udev``.

Pure. A fault is noted and reading goes on.
"""

from udev_device_plugin.config.entries.values import MAX_COUNT, written
from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import parse_path, parse_permissions
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.udev_rule.parser import RuleError
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

UDEV_KEYS = ("match", "mountPath", "permissions", "limit", "optional")


def read_udev(node: Node, reader: Reader) -> PathSpec | None:
    """An entry of ``udev``: a rule, or a mapping with one."""
    if not isinstance(node, Mapping):
        rule = _rule(node, reader)
        return None if rule is None else PathSpec(UdevSelector(rule))
    reader.mapping(node, UDEV_KEYS, "a udev match")
    match = node.get("match")
    if match is None:
        reader.faults.add(node.place, "it has no match; give the match part of a udev rule")
    rule = None if match is None else _rule(match, reader)
    mount_path = written(node, "mountPath", parse_path, reader)
    permissions = written(node, "permissions", parse_permissions, reader) or "mrw"
    limit, optional = reader.whole_number(node.get("limit"), MAX_COUNT), reader.truth(node.get("optional"))
    if rule is None:
        return None
    return PathSpec(UdevSelector(rule), mount_path, permissions=permissions, limit=limit, optional=optional)


def _rule(node: Node, reader: Reader) -> Rule | None:
    text = reader.text(node)
    if text is None:
        return None
    try:
        return Rule.parse(text)
    except RuleError as error:
        line = text.count("\n", 0, error.position)
        reader.faults.add(node.place.at(node.place.line + line), f"{_shown(text, error.position)}: {error.problem}")
        return None


def _shown(rule: str, position: int) -> str:
    """Where in a rule something is wrong, on one line: what comes just before it, and a mark."""
    start = max(rule.rfind("\n", 0, position) + 1, position - 30)
    return f"{quoted(rule[start:position] + '▸' + rule[position : position + 20])}, position {position}"
