"""Entries of a group's ``udev``. Pure."""

from udev_device_plugin.config.entries.options import read_options
from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.config.yaml_nodes import Mapping, Node, Reader
from udev_device_plugin.selectors.udev_rule.parser import RuleError
from udev_device_plugin.selectors.udev_rule.refusals import doubt
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

UDEV_KEYS = ("match", "mountPath", "permissions", "limit", "optional")


def read_udev(node: Node, reader: Reader) -> PathSpec | None:
    """Return one entry, written as a mapping or as a rule alone; None if its rule has a fault."""
    rule: Node | None = node
    if isinstance(node, Mapping):
        reader.mapping(node, UDEV_KEYS, "a udev match")
        rule = reader.required(node, "match", "give the match part of a udev rule")
    selector = read_rule(rule, reader)
    with_options = read_options(node, reader, permissions="mrw")
    return None if selector is None else with_options(selector)


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
    for problem in dict.fromkeys(doubt(term.key, term.name) for term in rule.terms):
        if problem:
            reader.faults.warn(node.place, problem)
    return UdevSelector(rule)


def _shown(rule: str, position: int) -> str:
    """The part of the rule around the fault, on one line and with a mark at the fault."""
    start = max(rule.rfind("\n", 0, position) + 1, position - 30)
    return f"{quoted(rule[start:position] + '▸' + rule[position : position + 20])}, position {position}"
