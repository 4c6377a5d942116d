"""How a listing looks: on a terminal, in a pipe, as JSON."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.unit import inventories
from tests.unit.inventories import MadeUpInventory, Standing, no_node
from udev_device_plugin.config.settings import OutputFormat
from udev_device_plugin.config.specs import GroupSpec, PathSpec, PathType, ResourceSpec
from udev_device_plugin.host.model import NodeState, PathKind
from udev_device_plugin.reporting.list_devices.explain import explain
from udev_device_plugin.reporting.list_devices.json_form import to_json
from udev_device_plugin.reporting.list_devices.model import Host, Listing
from udev_device_plugin.reporting.list_devices.output import lines, show
from udev_device_plugin.reporting.list_devices.table import draw
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

LONG = "/dev/" + "x" * 150


def node(path: str, minor: int, state: NodeState = NodeState.UNKNOWN) -> Standing:
    return inventories.node(path, minor, major=10, inode=minor, state=state)


def path(text: str, **options: object) -> PathSpec:
    return PathSpec(PathSelector(Glob.parse(text)), **options)  # type: ignore[arg-type]  # the tests' own spelling of a spec


def listing(*groups: Iterable[PathSpec], there: Iterable[Standing] = (), name: str = "kvm", count: int = 1) -> Listing:
    spec = ResourceSpec(f"squat.ai/{name}", tuple(GroupSpec(tuple(paths), count) for paths in groups))
    inventory = MadeUpInventory(spec.selectors)
    for entry in there:
        inventory.stands(entry)
    return explain([spec], Host(inventory), "/links/")


KVM = [node("/dev/kvm", 232)]


def on_a_terminal(shown: Listing, monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> str:
    """What a terminal of that width gets."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w") as file:
        draw(shown, file)
    written = b""
    with os.fdopen(outer, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # the end of a terminal
        while part := terminal.read(1 << 16):
            written += part
    return written.decode().replace("\r\n", "\n")


def test_on_a_terminal_nothing_is_cut_and_health_has_a_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    text = on_a_terminal(listing([path(LONG)], there=[node(LONG, 1)]), monkeypatch, columns=60)
    assert "\x1b[32mHealthy" in text
    assert "…" not in text
    assert text.count("x") == 5 * 150 + 50, "selector, name, identity and both paths, and some in the ID"
    assert max(len(line) for line in text.splitlines()) < 100


def test_on_a_terminal_names_are_neither_markup_nor_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "/dev/[bold]a[red] :smile: \x1b[31m\u202e\udcff"
    text = on_a_terminal(listing([path("/dev/[[]*")], there=[node(name, 1)]), monkeypatch, columns=120)
    assert r"/dev/[bold]a[red] :smile: \x1b[31m\u202e\xff" in text
    assert "\x1b[31m" not in text
    assert "\u202e" not in text


def test_in_a_pipe_each_line_says_whose_it_is() -> None:
    shown = listing([path("/dev/kvm")], [path("/dev/nothing")], there=KVM, count=2)
    heading, *rest = lines(shown)
    assert heading.split() == ["RESOURCE", "SELECTOR", "STATUS", "NAME", "DETAILS"]
    assert [line.split("  ")[0] for line in rest] == ["squat.ai/kvm", "squat.ai/kvm"]
    assert rest[1].split() == ["squat.ai/kvm", "/dev/nothing", "no", "match", "-", "nothing", "stands", "there"]


def test_the_json_has_the_keys_that_are_documented() -> None:
    shown = listing([path("/dev/kv*"), path("/dev/nothing", optional=True)], there=KVM, count=2)
    value = json.loads(to_json(shown))
    assert value.keys() == {"form", "version", "host", "warnings", "resources"}
    (resource,) = value["resources"]
    assert (value["form"], resource["name"], resource["listed"]) == (1, "squat.ai/kvm", {"healthy": 2, "unhealthy": 0})
    (device,) = resource["devices"]
    ids, member = device["ids"], device["members"][0]
    assert len(ids) == 2
    assert member == {
        "type": "Device",
        "identity": "/dev/kvm",
        "node": "/dev/kvm",
        "number": "c10:232",
        "hostPath": "/dev/kvm",
        "containerPath": "/dev/kvm",
        "permissions": "mrw",
        "readOnly": False,
    }
    assert device == {
        "ids": ids,
        "identity": ["/dev/kvm"],
        "health": "Healthy",
        "numaNodes": [],
        "members": [member],
    }
    first, second = resource["selectors"]
    assert first == {
        "group": 0,
        "member": 0,
        "kind": "path",
        "selector": "/dev/kv*",
        "optional": False,
        "matches": [{**member, "ids": ids, "remarks": []}],
        "misses": [],
        "more": 0,
        "remark": None,
    }
    assert second["remark"] == "nothing stands there; it is optional"


def why_not(shown: Listing, group: int = 0, member: int = 0) -> dict[str, str]:
    (selector,) = (one for resource in shown.resources for one in resource.selectors if one.slot == (group, member))
    return {miss.name: miss.why for miss in selector.misses.closest}


def test_two_names_of_one_node_are_one_device() -> None:
    link = inventories.node("/dev/kva", 232, major=10, target="/dev/kvm", inode=232)
    shown = listing([path("/dev/kv*")], there=[*KVM, link])
    assert why_not(shown) == {"/dev/kvm": "is /dev/kvm, as is /dev/kva: one node is one device"}


def test_a_device_that_another_group_offers_says_so() -> None:
    shown = listing([path("/dev/kvm", limit=2)], [path("/dev/kvm", limit=2)], there=KVM)
    assert why_not(shown, group=1) == {"/dev/kvm": "the same device is offered by /dev/kvm in another group already"}


def test_a_selector_that_stands_there_twice_is_told_with_its_group() -> None:
    shown = listing([path("/dev/kvm")], [path("/dev/kvm")], there=KVM)
    assert why_not(shown, group=1) == {"/dev/kvm": "already claimed by /dev/kvm in another group"}


def test_a_mount_may_be_anything() -> None:
    file = no_node("/dev/kvm.conf", PathKind.FILE, inode=7)
    shown = listing([path("/dev/kvm.*", type=PathType.MOUNT)], [path("/dev/kvm")], there=[*KVM, file])
    assert [len(selector.offered) for selector in shown.resources[0].selectors] == [1, 1]
    assert why_not(shown) == {}


def test_a_node_that_udevd_has_not_finished_with_says_so() -> None:
    shown = listing([path("/dev/kv*")], there=[node("/dev/kvm", 232, NodeState.UNFINISHED)])
    assert why_not(shown)["/dev/kvm"].startswith("udevd has not finished with it: offered as soon as it has")


def test_a_node_that_udevd_never_announced_is_offered_with_a_remark() -> None:
    shown = listing([path("/dev/kvm")], there=[node("/dev/kvm", 232, NodeState.OVERDUE)])
    (offered,) = shown.resources[0].selectors[0].offered
    assert offered.remarks == ("udevd has not announced it: offered without what udev would know of it",)


def test_what_is_not_told_is_counted() -> None:
    files = [no_node(f"/dev/kvm{number}", PathKind.FILE) for number in range(11)]
    shown = listing([path("/dev/kvm*")], there=files)
    assert len(why_not(shown)) == 8
    assert list(lines(shown))[-1].endswith(" and 3 more")


@pytest.mark.parametrize("output", list(OutputFormat))
def test_who_has_read_enough_is_no_error(output: OutputFormat) -> None:
    script = (
        "from tests.unit.reporting.list_devices.test_listing import listing, path, show, OutputFormat;"
        f"show(listing(*[[path(f'/dev/{{n}}')] for n in range(2000)]), {output})"
    )
    command = f'{sys.executable} -c "$SCRIPT" | head -n 1; echo ${{PIPESTATUS[0]}}'
    ended = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "SCRIPT": script}, check=True, capture_output=True, text=True
    )
    assert ended.stderr == ""
    assert ended.stdout.splitlines()[-1] == "0"


def test_names_beyond_the_readers_character_set_are_escaped() -> None:
    script = (
        "from tests.unit.reporting.list_devices.test_listing import listing, path, show, OutputFormat;"
        "show(listing([path('/dev/é')]), OutputFormat.TABLE)"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert r"/dev/\xe9" in ended.stdout


def test_rich_is_loaded_for_a_terminal_alone() -> None:
    script = (
        "import sys; from udev_device_plugin.app import agent, cli;"
        "from udev_device_plugin.reporting.list_devices import output as showing, scan;"
        "from udev_device_plugin.reporting.list_devices.model import Listing;"
        "from udev_device_plugin.config.settings import OutputFormat;"
        "[showing.show(Listing(()), output) for output in OutputFormat];"
        "print([name for name in sys.modules if name.partition('.')[0] in ('rich', 'pygments')])"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "[]"


__all__ = ["show"]  # for the processes above
