"""The real udevd that `hack/lib/beside-udevd` started: killed, started anew, waited for."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

DAEMON = "/run/systemd-udevd"  # a link to UDEVADM
LOG = "/run/udevd.log"
PATIENCE = 10.0  # seconds


class Udevd:
    """There is one; it need not run. It keeps its control socket's file when it dies, as in real life."""

    def __init__(self) -> None:
        refuse_outside()
        self._udevadm = os.environ["UDEVADM"]
        self._pid = int(os.environ["UDEVD_PID"])

    def is_running(self) -> bool:
        try:
            with open(f"/proc/{self._pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def stop(self) -> None:
        """Ends it as a package upgrade does: it finishes what it is at."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, with its workers."""
        workers = _children(self._pid)
        self._end(signal.SIGKILL)
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def start(self) -> None:
        """Starts it, unless it runs, and waits until it hears events."""
        if self.is_running():
            return
        self._pid = _spawn(DAEMON, "--resolve-names=never")
        os.environ["UDEVD_PID"] = str(self._pid)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.is_running(), f"udevd died:\n{self.log()}"
            assert time.monotonic() < deadline, f"udevd does not answer:\n{self.log()}"

    def restart(self) -> None:
        """Stops and starts it."""
        self.stop()
        self.start()

    def settle(self) -> None:
        """Waits until it has nothing left to do."""
        self.udevadm("settle", f"--timeout={PATIENCE:.0f}")

    def trigger(self, *arguments: str) -> None:
        """Has the kernel announce devices again: `--action=add`, `--subsystem-match=…`."""
        self.udevadm("trigger", *arguments)

    def udevadm(self, *arguments: str) -> str:
        """Runs udevadm; its output."""
        return subprocess.run(
            [self._udevadm, *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=2 * PATIENCE
        ).stdout

    @contextmanager
    def holding_its_queue(self) -> Iterator[None]:
        """It receives events, but works on none meanwhile: nodes are there, links and database are not."""
        self.udevadm("control", "--stop-exec-queue")
        yield
        self.udevadm("control", "--start-exec-queue")

    def log(self) -> str:
        """What it said."""
        with open(LOG) as file:
            return file.read()

    def _answers(self) -> bool:
        command = [self._udevadm, "control", "--ping"]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0

    def _end(self, number: signal.Signals) -> None:
        if not self.is_running():
            return
        with _process(self._pid) as process:
            signal.pidfd_send_signal(process, number)
            ended, _, _ = select.select([process], [], [], PATIENCE)
        assert ended, f"udevd survived {number.name}"
        with contextlib.suppress(ChildProcessError):  # the first one is not our child
            os.waitpid(self._pid, 0)


def refuse_outside() -> None:
    """Raises unless this process has a udevd of its own: the machine's is not to be played with."""
    outside = os.environ.get("UDEV_LAB_OUTSIDE", "").split()
    if not outside or os.readlink("/proc/self/ns/net") in outside or "UDEVD_PID" not in os.environ:
        raise RuntimeError("there is no udevd to play with here; run: hack/test udevd")


def _spawn(*command: str) -> int:
    """A process that may outlive this one; `subprocess` would warn of it."""
    with open(LOG, "ab") as log:
        to_log = [(os.POSIX_SPAWN_DUP2, log.fileno(), descriptor) for descriptor in (1, 2)]
        return os.posix_spawn(command[0], command, os.environ, file_actions=to_log)


@contextmanager
def _process(pid: int) -> Iterator[int]:
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]
