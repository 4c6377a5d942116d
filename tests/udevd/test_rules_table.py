"""Our rules against a real udevd: the same rules, the same devices, the same verdicts."""

import os
from collections.abc import Iterator

import pytest
from pyudev import Context

from tests.lab.hotplug import LoopDevices, MacvtapSticks
from tests.lab.rules_table import ALIAS, REFUSED, ROWS, compare, rules_file
from tests.lab.udevd import Udevd
from udev_device_plugin.selectors.udev_rule.parser import RuleError
from udev_device_plugin.selectors.udev_rule.rule import Rule

RULES = "/run/udev/rules.d/99-table.rules"  # after 99-lab.rules, which gives devices their properties
NUMBER_FOLDERS = ("/dev/char", "/dev/block")
TRIGGERED = (
    "tap42*",
    "mvt42*",
    "loop1420",
    "tty62",
    "vcs1",
    "null",
    "zero",
    "fuse",
    "zram0",
    "vda",
    "virtio*",
    "0000:*",
)


@pytest.fixture
def table(udevd: Udevd, sticks: MacvtapSticks, loops: LoopDevices) -> Iterator[None]:
    """udevd knows the rules of the table; there are devices of many kinds, all of them marked."""
    before = _numbers()
    for number in (1, 2, 50):
        sticks.plug(number)
    with open("/sys/class/net/mvt4201/ifalias", "w") as file:
        file.write(ALIAS)
    loops.add(0)
    udevd.settle()
    _tell(udevd, 'KERNEL=="tap4202", TAG+="once"', "tap4202")  # a tag that was, and sticks
    _tell(udevd, rules_file((*ROWS, *REFUSED)), *TRIGGERED)
    yield
    os.unlink(RULES)
    udevd.udevadm("control", "--reload")
    for link in _numbers() - before:  # /dev is the machine's
        os.unlink(link)


def _tell(udevd: Udevd, rules: str, *names: str) -> None:
    with open(RULES, "w") as file:
        file.write(rules)
    udevd.udevadm("control", "--reload")
    udevd.trigger("--action=change", "--settle", *(f"--sysname-match={name}" for name in names))


def _numbers() -> set[str]:
    return {f"{folder}/{name}" for folder in NUMBER_FOLDERS if os.path.isdir(folder) for name in os.listdir(folder)}


@pytest.mark.usefixtures("table")
def test_every_rule_of_the_table_matches_what_it_matches_in_udevd() -> None:
    compared = compare(Context(), ROWS)
    assert compared.differences == [], "\n".join(compared.differences)
    assert len(compared.devices) >= 10
    assert compared.pairs >= 2000
    assert compared.matches >= 500


@pytest.mark.usefixtures("table")
def test_what_udevd_refuses_is_refused() -> None:
    marked = [
        row.text
        for number, row in enumerate(REFUSED, len(ROWS))
        for device in Context().list_devices(sys_name="tap4201")
        if f"TABLE_{number}" in device.properties
    ]
    assert marked == []
    for row in REFUSED:
        with pytest.raises(RuleError):
            Rule.parse(row.text)
