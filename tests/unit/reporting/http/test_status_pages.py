"""How the status is asked for: as a whole, when it changes, in parts; and what it costs when many ask."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.reporting.http.client import Stage, ask, get, serving, until
from udev_device_plugin.devices.device import Device, DeviceSet
from udev_device_plugin.reporting.http import status_pages
from udev_device_plugin.reporting.http.messages import Answer, Request
from udev_device_plugin.reporting.http.status import ResourceStatus, Status
from udev_device_plugin.reporting.http.status_pages import MAX_LINES, MAX_VIEWERS, StatusPages


async def test_who_waits_for_news_gets_them_when_they_come(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        assert json.loads((await get(served.address, "/devices?newer-than=run-0"))[1])["generation"] == "run-1"
        waiting = [asyncio.create_task(get(served.address, "/devices?newer-than=run-1")) for _ in range(3)]
        await until(lambda: served.stage.waiting == 3)
        served.stage.happen()
        for status, text in await asyncio.gather(*waiting):
            assert status == 200
            assert json.loads(text)["generation"] == "run-2"


async def test_who_waits_long_is_answered_without_news(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_pages, "NEWS_TIMEOUT", 0.05)
    async with serving(caplog) as served:
        response = await ask(served.address, "/devices?newer-than=run-1")
        assert (response.status, response.body) == (204, b"")
        assert "Content-Length" not in response.headers
        assert served.stage.waiting == 0


async def test_viewers_beyond_the_limit_are_asked_to_come_back(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        waiting = [asyncio.create_task(get(served.address, "/devices?newer-than=run-1")) for _ in range(MAX_VIEWERS)]
        await until(lambda: served.stage.waiting == MAX_VIEWERS)
        refused = await ask(served.address, "/devices?newer-than=run-1")
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert (await get(served.address, "/devices"))[0] == 200
        served.stage.happen()
        assert all(status == 200 for status, _ in await asyncio.gather(*waiting))
        again = asyncio.create_task(get(served.address, "/devices?newer-than=run-2"))
        await until(lambda: served.stage.waiting == 1)
        served.stage.happen()
        assert (await again)[0] == 200


async def test_a_viewer_that_hangs_up_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        for _ in range(2 * MAX_VIEWERS):
            _, writer = await asyncio.open_connection(*served.address)
            writer.write(b"GET /devices?newer-than=run-1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: served.stage.waiting == 1)
            writer.close()
            await until(lambda: served.stage.waiting == 0)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("newer-than=" + "a" * 100, "newer-than"),
        ("newer-than=%3Cb%3E", "newer-than"),
        ("newer-than=%00", "newer-than"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e3", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=9999999999", "limit"),
        ("continue=run-1.1", "continue"),
        ("limit=1&continue=run-1", "continue"),
        ("limit=1&continue=run-1.x", "continue"),
        ("limit=1&continue=.1", "continue"),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused(caplog: pytest.LogCaptureFixture, query: str, word: str) -> None:
    async with serving(caplog) as served:
        status, text = await get(served.address, f"/devices?{query}")
        assert status == 400
        assert text.startswith(f"{word}: ")
        assert text.count("\n") == 1


@pytest.mark.parametrize("query", ["", "newer-than=", "&&", "pretty", "other=1", "limit=", "a=1&" * 100])
async def test_what_is_not_asked_is_not_read(caplog: pytest.LogCaptureFixture, query: str) -> None:
    async with serving(caplog) as served:
        assert (await get(served.address, f"/devices?{query}"))[0] == 200


class Devices(Stage):
    """A status with devices."""

    def __init__(self, *counts: int) -> None:
        super().__init__()
        self.moment = 10.0
        self.clock_ahead = 1_000_000.0
        self.looks = 0
        self.set_counts(*counts)

    def set_counts(self, *counts: int) -> None:
        devices = tuple(Device((f"/dev/{index}",), (), count, True, 5.0) for index, count in enumerate(counts))
        self.resource = ResourceStatus(DeviceSet("squat.ai/serial", devices))

    def status(self) -> Status:
        self.looks += 1
        now = self.moment
        self.moment += 1
        status = Status(f"run-{self.generation}", now=now, clock=now + self.clock_ahead, started=0.0)
        return replace(status, resources=(self.resource,))


def request(query: str = "") -> Request:
    async def never() -> None:
        await asyncio.Event().wait()

    return Request("/devices", query, {}, "127.0.0.1", never)


def shown(answer: Answer) -> Any:
    assert answer.status == 200
    return json.loads(b"".join(answer.body))


async def test_one_json_of_a_state_is_shared_and_says_when_it_was_asked_for() -> None:
    devices = Devices(3)
    pages = StatusPages(devices)
    one, other, page = await pages.devices(request()), await pages.devices(request()), await pages.page()
    assert one.body[-1] is other.body[-1]
    assert one.body[-1] in page.body
    assert shown(one)["generated"] == "1970-01-12T13:46:50.000Z"
    assert shown(other)["generated"] == "1970-01-12T13:46:51.000Z"


async def test_whatever_changes_makes_a_new_one_with_or_without_a_new_generation() -> None:
    devices = Devices(3)
    pages = StatusPages(devices)
    bodies = [(await pages.devices(request())).body[-1]]
    for change in (
        devices.happen,
        lambda: devices.set_counts(4),
        lambda: setattr(devices, "resource", replace(devices.resource, trouble="no kubelet answers")),
        lambda: setattr(devices, "clock_ahead", 2_000_000.0),  # a clock that is set: all times are other ones
    ):
        change()
        bodies.append((await pages.devices(request())).body[-1])
    assert len(set(bodies)) == len(bodies)


async def test_a_clock_that_is_slewed_makes_none() -> None:
    devices = Devices(3)
    pages = StatusPages(devices)
    one = await pages.devices(request())
    devices.clock_ahead += 0.5
    assert (await pages.devices(request())).body[-1] is one.body[-1]


async def test_however_many_ask_while_one_is_made_one_more_is_made_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_pages, "SLICE", 0.0)
    devices = Devices(1000)
    pages = StatusPages(devices)
    first = asyncio.create_task(pages.devices(request()))
    await until(lambda: devices.looks == 1)
    devices.happen()
    later = [asyncio.create_task(pages.devices(request())) for _ in range(50)]
    answers = [shown(answer) for answer in await asyncio.gather(first, *later)]
    assert [answer["generation"] for answer in answers] == ["run-1", *["run-2"] * 50]
    assert devices.looks == 2


async def test_who_leaves_while_it_is_made_leaves_nothing_half_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_pages, "SLICE", 0.0)
    devices = Devices(1000)
    pages = StatusPages(devices)
    first = asyncio.create_task(pages.devices(request()))
    await until(lambda: devices.looks == 1)
    second = asyncio.create_task(pages.devices(request()))
    await asyncio.sleep(0)
    first.cancel()
    assert len(shown(await second)["resources"][0]["devices"][0]["replicas"]) == 1000


async def test_all_else_goes_on_while_a_long_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_pages, "SLICE", 0.0)
    pages = StatusPages(Devices(*[10] * 100))
    made = asyncio.create_task(pages.devices(request()))
    turns = 0
    while not made.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1000


async def test_parts_follow_each_other_until_the_list_changes() -> None:
    devices = Devices(2, 3)
    pages = StatusPages(devices)
    replicas, query = [], "limit=3"
    while True:
        part = shown(await pages.devices(request(query)))
        replicas += [replica["id"] for device in part["resources"][0]["devices"] for replica in device["replicas"]]
        if part["continue"] is None:
            break
        query = f"limit=3&continue={part['continue']}"
    whole = shown(await pages.devices(request()))
    assert whole["continue"] is None
    assert replicas == [one["id"] for device in whole["resources"][0]["devices"] for one in device["replicas"]]

    first = shown(await pages.devices(request("limit=3")))
    devices.happen()
    gone = await pages.devices(request(f"limit=3&continue={first['continue']}"))
    assert gone.status == 410
    assert b"begin again" in gone.body[0]


async def test_a_part_beyond_the_end_is_empty() -> None:
    part = shown(await StatusPages(Devices(2)).devices(request("limit=3&continue=run-1.99")))
    assert (part["resources"], part["continue"]) == ([], None)


async def test_a_part_is_no_longer_than_what_many_slow_readers_may_keep() -> None:
    part = shown(await StatusPages(Devices(MAX_LINES)).devices(request("limit=100000")))
    (device,) = part["resources"][0]["devices"]
    assert (len(device["replicas"]), part["continue"]) == (MAX_LINES - 2, f"run-1.{MAX_LINES}")
