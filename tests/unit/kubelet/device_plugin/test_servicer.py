"""What the kubelet's calls leave behind besides their answers."""

import asyncio
import time

import pytest

from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.device import Device, DeviceInfo, DeviceSet, Member
from udev_device_plugin.devices.store import DeviceStore
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2
from udev_device_plugin.kubelet.device_plugin.registration_session import RegistrationSession
from udev_device_plugin.kubelet.device_plugin.servicer import Servicer
from udev_device_plugin.telemetry.event_log import EventLog
from udev_device_plugin.telemetry.metrics import Metrics

SERIAL = "squat.ai/serial"
DAYS_AGO = 3 * 86400.0


async def test_only_lists_that_an_event_has_caused_are_timed_and_not_the_one_that_a_stream_begins_with() -> None:
    metrics, session = Metrics(), RegistrationSession()
    store = DeviceStore([SERIAL])
    store.publish(DeviceSet(SERIAL), time.monotonic() - DAYS_AGO)
    servicer = Servicer(SERIAL, store, metrics, EventLog())
    servicer.session = session

    def timed(figure: str) -> float | None:
        return metrics.registry.get_sample_value(f"udev_device_plugin_uevent_to_list_seconds_{figure}")

    async with asyncio.timeout(10):
        await servicer.GetDevicePluginOptions(api_pb2.Empty(), None)
        stream = servicer.ListAndWatch(api_pb2.Empty(), None)
        await anext(stream)
        device = Device(("/dev/ttyUSB0",), (), 1, is_healthy=True, since=0.0)
        store.publish(DeviceSet(SERIAL, (device,)), time.monotonic())
        await anext(stream)
        assert timed("count") == 0
        session.end("enough")
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert timed("count") == 1
    assert timed("sum") < DAYS_AGO  # type: ignore[operator]  # there is one


async def test_a_list_that_says_the_same_to_the_kubelet_is_not_sent_again() -> None:
    session, store, metrics = RegistrationSession(), DeviceStore([SERIAL]), Metrics()
    servicer = Servicer(SERIAL, store, metrics, EventLog())
    servicer.session = session

    def publish(path: str, serial: str) -> None:
        member = Member(path, path, path, PathType.DEVICE, "rw", info=DeviceInfo(serial=serial))
        store.publish(DeviceSet(SERIAL, (Device((path,), (member,), 1, is_healthy=True, since=0.0),)), time.monotonic())

    async with asyncio.timeout(10):
        publish("/dev/ttyUSB0", "before")
        await servicer.GetDevicePluginOptions(api_pb2.Empty(), None)
        stream = servicer.ListAndWatch(api_pb2.Empty(), None)
        first = await anext(stream)
        publish("/dev/ttyUSB0", "after")
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        publish("/dev/ttyUSB1", "other")
        second = await following
    assert store.snapshot(SERIAL).generation == 3
    assert first != second
    assert len(second.devices) == 1


async def test_what_somebody_else_is_shown_does_not_count_as_sent_to_the_kubelet() -> None:
    store, metrics = DeviceStore([SERIAL]), Metrics()
    servicer = Servicer(SERIAL, store, metrics, EventLog())
    servicer.session = RegistrationSession()
    async with asyncio.timeout(10):
        stream = servicer.ListAndWatch(api_pb2.Empty(), None)
        for path in ("/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2"):
            device = Device((path,), (), 1, is_healthy=True, since=0.0)
            store.publish(DeviceSet(SERIAL, (device,)), time.monotonic())
            await anext(stream)
    assert servicer.sent is None
    assert metrics.registry.get_sample_value("udev_device_plugin_uevent_to_list_seconds_count") == 0
