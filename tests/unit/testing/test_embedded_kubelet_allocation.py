"""How the embedded kubelet chooses devices, asks the plugin for them, and remembers who holds them."""

import pytest

from tests.lab.fake_plugin import SERIAL, FakePlugin
from udev_device_plugin.testing.kubelet import Kubelet
from udev_device_plugin.testing.records import AdmissionError, ContainerStartError, DeviceSpec, Mount


async def test_an_allocation_hands_over_the_plugin_s_answer_and_holds_the_device(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    allocation = await kubelet.allocate(SERIAL)

    assert (allocation.ids, kubelet.resource(SERIAL).allocated) == (("a",), ("a",))
    assert dict(allocation.response.envs) == {"DEVICES": "a"}
    assert allocation.response.mounts == (Mount("/etc/x", "/etc/y", read_only=True),)
    assert allocation.response.devices == (DeviceSpec("/dev/x", "/dev/y", "rw"),)
    assert allocation.response.cdi_devices == ("example.com/class=x",)


async def test_only_healthy_devices_that_nobody_holds_are_given_until_they_are_released(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.list(a="Healthy", b="Unhealthy", c="Healthy")
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=2)
    first = await kubelet.allocate(SERIAL, 2)

    assert set(first.ids) == {"a", "c"}
    unavailable = f"requested number of devices unavailable for {SERIAL}. Requested: 1, Available: 0"
    with pytest.raises(AdmissionError, match=unavailable):
        await kubelet.allocate(SERIAL)
    kubelet.release(first)
    assert len((await kubelet.allocate(SERIAL)).ids) == 1


async def test_the_plugin_is_asked_for_its_preference_and_unknown_ids_in_it_are_replaced(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.options.get_preferred_allocation_available = True
    plugin.preferred = ("c", "unknown")
    plugin.list(a="Healthy", b="Healthy", c="Healthy")
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=3)
    init = await kubelet.allocate(SERIAL, ids=["a"])
    allocation = await kubelet.allocate(SERIAL, 3, must_include=init.ids)

    assert "prefer 3 of ['a', 'b', 'c'] with ['a']" in plugin.calls
    assert set(allocation.ids) == {"a", "b", "c"}
    kubelet.release(allocation)
    assert (await kubelet.allocate(SERIAL)).ids == ("c",)


async def test_a_refused_allocation_has_the_plugin_s_text_and_holds_nothing(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.refusal = 'device "a" is not for you'
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)

    with pytest.raises(AdmissionError, match=r'^device "a" is not for you$'):
        await kubelet.allocate(SERIAL)
    assert kubelet.resource(SERIAL).allocated == ()


async def test_a_container_that_is_told_to_wait_keeps_its_devices_and_can_be_started_again(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.options.pre_start_required = True
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    allocation = await kubelet.allocate(SERIAL)
    plugin.start_refusal = "wait for the stick"

    with pytest.raises(ContainerStartError, match=r"^wait for the stick$"):
        await kubelet.start_container(allocation)
    plugin.start_refusal = ""
    await kubelet.start_container(allocation)
    assert plugin.calls.count("start with ['a']") == 3


async def test_before_a_start_the_plugin_is_not_asked_until_it_registers_and_refused_while_it_is_away(
    kubelet: Kubelet, plugin: FakePlugin
) -> None:
    plugin.options.pre_start_required = True
    await plugin.register()
    await kubelet.wait_for_devices(SERIAL, healthy=1)
    allocation = await kubelet.allocate(SERIAL)
    kubelet.disconnect(SERIAL)

    with pytest.raises(ContainerStartError, match="has been stopped"):
        await kubelet.start_container(allocation)
    await kubelet.restart()
    await kubelet.start_container(allocation)
    assert plugin.calls.count("start with ['a']") == 1
