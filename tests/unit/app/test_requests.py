"""Requests are gathered, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from udev_device_plugin.app import requests as requests_module
from udev_device_plugin.app.requests import Requests
from udev_device_plugin.errors import StartError


@asynccontextmanager
async def serving(reload: Callable[[], Awaitable[None]]) -> AsyncIterator[Requests]:
    requests = Requests(reload, "configuration not reloaded yet")
    running = asyncio.create_task(requests.run())
    yield requests
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_thousand_requests_are_one_reload_and_one_that_comes_meanwhile_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reloads, may_end = asyncio.Queue[int](), asyncio.Event()
    count = 0

    async def reload() -> None:
        nonlocal count
        count += 1
        reloads.put_nowait(count)
        await may_end.wait()

    async with serving(reload) as requests:
        for _ in range(1000):
            requests.request()
        assert await asyncio.wait_for(reloads.get(), 10) == 1
        monkeypatch.setattr(requests_module, "GATHER", 0.0)
        for _ in range(1000):
            requests.request()
        assert count == 1, "one after the other"
        may_end.set()
        assert await asyncio.wait_for(reloads.get(), 10) == 2
    assert count == 2


async def test_what_cannot_be_done_now_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(requests_module, "RETRY_AFTER", 0.0)
    monkeypatch.setattr(requests_module, "GATHER", 0.0)
    done, failures = asyncio.Event(), iter(range(3))

    async def reload() -> None:
        if next(failures, None) is not None:
            raise StartError("too many open files")
        done.set()

    async with serving(reload) as requests:
        requests.request()
        await asyncio.wait_for(done.wait(), 10)
    assert caplog.messages == ["configuration not reloaded yet, and will be tried again: too many open files"]
