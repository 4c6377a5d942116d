"""What may block runs on a thread that nobody waits for at the end."""

import asyncio
import threading

import pytest

from udev_device_plugin.app.off_loop import run_off_loop
from udev_device_plugin.errors import StartError


async def test_the_outcome_is_that_of_the_work() -> None:
    assert await run_off_loop(lambda: threading.current_thread() is not threading.main_thread())
    with pytest.raises(ZeroDivisionError):
        await run_off_loop(lambda: 1 // 0)


async def test_work_that_does_not_end_keeps_nobody_from_stopping() -> None:
    go_on, has_begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(has_begun.set)
        go_on.wait()

    task = asyncio.create_task(run_off_loop(work))
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (thread,) = (one for one in threading.enumerate() if one.name == "off loop")
    assert thread.daemon
    go_on.set()
    await asyncio.to_thread(thread.join)  # and its outcome, which nobody wants any more, does no harm


async def test_that_there_is_no_thread_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(StartError, match="no thread can be started now"):
        await run_off_loop(lambda: None)
