"""At a boot, the first list waits for udevd: a little."""

import asyncio
from pathlib import Path

import pytest

from udev_device_plugin.host import boot


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A queue of udevd's own making, on a machine that has just started."""
    queue = tmp_path / "queue"
    monkeypatch.setattr(boot, "UDEV_QUEUE", str(queue))
    monkeypatch.setattr(boot, "BOOT_ENDS", float("inf"))
    return queue


@pytest.mark.usefixtures("queue")
async def test_an_idle_udevd_is_not_waited_for() -> None:
    await boot.udev_is_idle()


async def test_a_busy_udevd_is_waited_for_until_its_queue_is_gone(queue: Path) -> None:
    queue.touch()
    waiting = asyncio.create_task(boot.udev_is_idle())
    queue.with_name("something-else").touch()
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.unlink()
    await waiting


async def test_a_udevd_that_stays_busy_is_waited_for_in_vain_and_that_is_said(
    queue: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boot, "LIMIT", 0.01)
    queue.touch()
    await boot.udev_is_idle()
    assert "still busy with the boot" in caplog.text


async def test_long_after_the_boot_nobody_is_waited_for(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "BOOT_ENDS", 0.0)
    queue.touch()
    await boot.udev_is_idle()
