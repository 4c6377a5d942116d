"""Entries of a group's ``udev``. Pure."""

from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.scalars import parse_path, parse_permissions
from udev_device_plugin.config.specs import MAX_COUNT, PathSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.udev_rule.parser import RuleError
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

UDEV_KEYS = ("match", "mountPath", "permissions", "limit", "optional")


def read_udev(node: Node, reader: Reader) -> PathSpec | None:
    """Return one entry, written as a mapping or as a rule alone; None if its rule has a fault."""
    if not isinstance(node, Mapping):
        selector = read_rule(node, reader)
        return None if selector is None else PathSpec(selector)
    reader.mapping(node, UDEV_KEYS, "a udev match")
    selector = read_rule(reader.required(node, "match", "give the match part of a udev rule"), reader)
    mount_path = reader.scalar(node.get("mountPath"), parse_path)
    permissions = reader.scalar(node.get("permissions"), parse_permissions) or "mrw"
    limit, optional = reader.whole_number(node.get("limit"), MAX_COUNT), reader.truth(node.get("optional"))
    if selector is None:
        return None
    return PathSpec(selector, mount_path, permissions=permissions, limit=limit, optional=optional)


def read_rule(node: Node | None, reader: Reader) -> UdevSelector | None:
    """Return what a rule selects; None if it has a fault."""
    text = reader.text(node, str)
    if node is None or text is None:
        return None
    try:
        rule = Rule.parse(text)
    except RuleError as error:
        for fault in error.faults:
            place = node.place.at(node.place.line + text.count("\n", 0, fault.position))
            reader.faults.add(place, f"{_shown(text, fault.position)}: {fault.problem}")
        return None
    for doubt in dict.fromkeys(term.doubt for term in rule.terms if term.doubt):
        reader.faults.warn(node.place, doubt)
    return UdevSelector(rule)


def _shown(rule: str, position: int) -> str:
    """The part of the rule around the fault, on one line and with a mark at the fault."""
    start = max(rule.rfind("\n", 0, position) + 1, position - 30)
    return f"{quoted(rule[start:position] + '▸' + rule[position : position + 20])}, position {position}"
