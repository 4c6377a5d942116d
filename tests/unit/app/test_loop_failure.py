"""Whatever fails on the event loop ends the run with exit code 1 and one line; what is harmless does not."""

import asyncio
import errno
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from udev_device_plugin.app.loop_failure import LoopFailureError, end_on_failure
from udev_device_plugin.app.run import run as run_agent
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.errors import raise_failure
from udev_device_plugin.host import observer
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.kubelet.plugin_directory import PluginDirectory
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

RESOURCE = ResourceSpec(
    "squat.ai/serial", (GroupSpec((PathSpec(PathSelector(Glob.parse("/dev/nothing/like/this"))),)),)
)


class BugError(Exception):
    """What nobody has thought of."""


def fail(*_: object) -> Any:
    raise BugError


class Run:
    """One run of the agent on a host that has been looked at, and has nothing."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = tmp_path / "config.yaml"
        self.config.write_text("before")
        self.directory = tmp_path / "plugins"
        self.directory.mkdir()
        self.settings = Settings(
            (RESOURCE,),
            listen=None,
            plugin_directory=f"{self.directory}/",
            pod_resources_socket=f"{tmp_path}/none.sock",
            config_file=str(self.config),
            config_content=b"before",
        )
        self.load: Callable[[], Settings] = lambda: self.settings
        self.looks: list[Any] = [HostLook(complete_for=0)]
        self.on_running: Callable[[], object] = lambda: None
        monkeypatch.setattr(observer, "HostThread", partial(HostThread, self))

    def exit_code(self) -> int:
        return run_agent(self.settings, self.load)


class HostThread:
    """What the host thread is replaced with."""

    def __init__(self, run: Run, _interest: object, on_look: Callable[[HostLook], None], *_: object) -> None:
        self._run = run
        self._on_look = on_look
        self._is_stopping = threading.Event()

    def run(self) -> None:
        for look in self._run.looks:
            self._on_look(look)
        self._run.on_running()
        self._is_stopping.wait()

    def stop(self) -> None:
        self._is_stopping.set()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(tmp_path, monkeypatch)


def ends_with_one_line(run: Run, caplog: pytest.LogCaptureFixture, begins: str = "Exception in callback ") -> None:
    assert run.exit_code() == 1
    (line,) = [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    assert line.levelname == "CRITICAL"
    assert line.getMessage().startswith(f"internal error: {begins}")
    assert caplog.text.count("test_loop_failure.BugError") == 1


def test_looks_that_cannot_be_taken_in(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        units = property(fail)

    run.looks.append(Odd())
    ends_with_one_line(run, caplog)


def test_a_timer_of_the_controller(run: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IdentityRecord, "keep", Once())
    ends_with_one_line(run, caplog)


class Once:
    """Fails the first time."""

    def __init__(self) -> None:
        self._has_failed = False

    def __call__(self, *_: object) -> None:
        if not self._has_failed:
            self._has_failed = True
            raise BugError


def test_sighup(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.load = fail
    run.on_running = lambda: os.kill(os.getpid(), signal.SIGHUP)
    ends_with_one_line(run, caplog, "")  # a task's failure


def test_the_watch_of_the_configuration(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.load = fail
    run.on_running = lambda: run.config.write_text("after")
    ends_with_one_line(run, caplog, "")  # a task's failure


def test_the_watch_of_the_plugin_directory(
    run: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make_socket(_: PluginDirectory) -> bool:  # called once the directory is watched
        (run.directory / "kubelet.sock").touch()
        return await asyncio.Event().wait()

    monkeypatch.setattr(PluginDirectory, "_is_answered", make_socket)
    monkeypatch.setattr(PluginDirectory, "_changed", fail)
    ends_with_one_line(run, caplog)


def test_a_signal_to_stop_is_no_failure(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.on_running = lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert run.exit_code() == 0
    assert "ERROR" not in caplog.text


async def test_a_task_that_nobody_awaits() -> None:
    async def work() -> None:
        async def follow() -> None:
            raise BugError

        task = asyncio.create_task(follow())
        task.add_done_callback(raise_failure)
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await end_on_failure(work())
    (failure,) = raised.value.exceptions
    assert isinstance(failure, LoopFailureError)
    assert isinstance(failure.__cause__, BugError)


async def test_a_callback_that_says_that_it_was_cancelled_is_a_failure_like_any_other() -> None:
    def cancelled() -> None:
        raise asyncio.CancelledError

    async def work() -> None:
        asyncio.get_running_loop().call_soon(cancelled)
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup):
        await end_on_failure(work())


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"message": "Task was destroyed but it is pending!"}, id="a task that is thrown away"),
        pytest.param({"message": "… never retrieved", "exception": BugError(), "future": None}, id="never retrieved"),
        pytest.param(
            {
                "message": "Exception in callback PollerCompletionQueue._handle_events(<_UnixSelecto...)()",
                "exception": BlockingIOError(errno.EAGAIN, "nothing there"),
                "handle": None,
            },
            id="gRPC's queue, read by another loop before",
        ),
    ],
)
async def test_what_is_reported_and_harmless_is_only_logged(
    context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        asyncio.get_running_loop().call_exception_handler(context)
        await asyncio.sleep(0)

    await end_on_failure(work())
    assert context["message"] in caplog.text


async def test_what_fails_when_all_is_over_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    await end_on_failure(asyncio.sleep(0))
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    assert "BugError" in caplog.text
