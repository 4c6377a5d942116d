"""The plugin beside a real udevd, where the order of its work or of ours matters: links, modes or nodes come late."""

import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.lab.hotplug import MacvtapSticks
from tests.lab.node import SERIAL, every, node
from tests.lab.plugin import PATIENCE
from tests.lab.udevd import Udevd

TAPS = every("/dev/tap42*")
RULES = "/run/udev/rules.d/99-lab-of-this-test.rules"
SECOND_NODE = "/dev/tap42-mine"


@pytest.fixture
def chmod_in_the_end(udevd: Udevd) -> Iterator[None]:
    """A rule changes a node's mode when udevd has made links and entry already."""
    with open(RULES, "w") as rules:
        rules.write('SUBSYSTEM=="macvtap", ACTION=="add", RUN+="/bin/chmod 0606 $devnode"\n')
    udevd.udevadm("control", "--reload")
    yield
    os.unlink(RULES)
    udevd.udevadm("control", "--reload")


@pytest.fixture
def second_node() -> Iterator[str]:
    """A path for a node that is made by hand; it is removed in the end."""
    yield SECOND_NODE
    if os.path.lexists(SECOND_NODE):
        os.unlink(SECOND_NODE)


async def test_when_a_clone_goes_and_udevd_is_late_the_other_ones_pod_starts_without_a_rescan(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, TAPS, arguments=["--rescan-interval=0"]) as here:
        first = sticks.plug(60)
        await here.wait_for(healthy=1)
        pod = await here.kubelet.allocate(SERIAL)
        assert pod.response.devices[0].host_path == first.by_id
        clone = sticks.plug(61)
        await here.wait_for(healthy=2)
        udevd.settle()
        assert os.path.realpath(first.by_id) == clone.devnode, "stolen"
        with udevd.holding_its_queue():
            sticks.unplug(61)
            await here.wait_for(healthy=1, unhealthy=1)
            for _ in range(3):  # it has asked again what it asks again by now
                await here.catch_up()
        udevd.settle()
        assert os.path.realpath(first.by_id) == first.devnode, "back"
        await here.start(pod)


@pytest.mark.usefixtures("chmod_in_the_end")
async def test_a_node_whose_mode_changes_when_udevd_is_done_is_not_held_back(
    sticks: MacvtapSticks, udevd: Udevd, plugin_directory: str
) -> None:
    async with node(plugin_directory, TAPS) as here:
        for number in range(12):
            with here.plugin.suspended() if number % 2 else nullcontext():  # it looks at once, or when all is done
                stick = sticks.plug(number)
                udevd.settle()
            await here.wait_for(healthy=number + 1)
        assert stat.S_IMODE(os.stat(stick.devnode).st_mode) == 0o606, "the rule was not heard of"
        assert here.most_listed() == 12
        messages = [message for message in here.kubelet.history if message.resource == SERIAL]
        pauses = [later.time - earlier.time for earlier, later in itertools.pairwise(messages)]
        assert max(pauses) < 2.5, "one was held back, for 3 s"


async def test_a_second_node_for_a_number_on_offer_is_no_second_device(
    sticks: MacvtapSticks, udevd: Udevd, second_node: str, plugin_directory: str
) -> None:
    async with node(plugin_directory, TAPS) as here:
        stick = sticks.plug(1)
        await here.wait_for(healthy=1)
        udevd.settle()
        before = await here.offers()
        os.mknod(second_node, stat.S_IFCHR | 0o600, os.stat(stick.devnode).st_rdev)
        with udevd.holding_its_queue():
            sticks.plug(2)
            await here.kubelet.wait_until(lambda kubelet: len(kubelet.resource(SERIAL).healthy) > 1, timeout=PATIENCE)
            # As long as this one was held back, nothing that came before it still is.
        await here.catch_up()
        assert await here.paths() == [stick.devnode, "/dev/tap4202"]
        udevd.settle()
        udevd.trigger("--action=change", "--subsystem-match=macvtap", "--settle")
        sticks.plug(3)
        await here.wait_for(healthy=3)
        await here.catch_up()
        assert before[0] in await here.offers()
        assert here.most_listed() == 3
