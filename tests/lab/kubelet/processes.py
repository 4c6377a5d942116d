"""What a node and a cluster are made of: processes with a log, started, killed, asked until they answer."""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

PATIENCE = 120.0  # seconds; only a failing test waits that long
PAUSE = 0.05
FOLDER = "/run/kubelet-lab"
"""The lab's own, as all of /run; short, since unix sockets are in it."""
LOGS = f"{FOLDER}/logs"

Answer = TypeVar("Answer")


class ServerProcess:
    """One program; killed by `kill`, started anew by `start`. What it says goes on in the same file."""

    def __init__(self, name: str, *arguments: str) -> None:
        refuse_outside()
        self.name = name
        self._command = (name, *arguments)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        os.makedirs(LOGS, exist_ok=True)
        with open(self.log_file, "ab") as log:
            # Ctrl-C is for pytest: it clears up with the help of these.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log_file(self) -> str:
        return f"{LOGS}/{self.name}.log"

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Ask it until it answers; fails if it ends."""
        deadline = time.monotonic() + PATIENCE
        while not succeeds(answers):
            assert self.is_running(), f"{self.name} ended"
            assert time.monotonic() < deadline, f"{self.name} does not answer"
            time.sleep(PAUSE)


def ends_of_logs() -> list[tuple[str, str]]:
    """What each process said last, with a title."""
    ends = []
    for name in sorted(os.listdir(LOGS)) if os.path.isdir(LOGS) else []:
        with open(f"{LOGS}/{name}", errors="replace") as file:
            ends.append((f"the end of {name}", file.read()[-6000:]))
    return ends


def succeeds(ask: Callable[[], bool]) -> bool:
    """Whether an answer comes, and is yes."""
    try:
        return ask()
    except OSError:
        return False


async def eventually(ask: Callable[[], Answer], is_it: Callable[[Answer], bool], what: str) -> Answer:
    """The first answer that is it: asked again and again, as nobody tells when it changes."""
    deadline = time.monotonic() + PATIENCE
    last: Answer | OSError | None = None
    while time.monotonic() < deadline:
        try:
            last = answer = await asyncio.to_thread(ask)
        except OSError as error:  # who is asked may be starting
            last = error
        else:
            if is_it(answer):
                return answer
        await asyncio.sleep(PAUSE)
    raise AssertionError(f"in vain waited until {what}; in the end: {last}")


def run(command: Sequence[str]) -> str:
    """What a command prints; what it complains of, if it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def refuse_outside() -> None:
    """Raises unless this is the lab: elsewhere a kubelet would change the machine."""
    if "KUBELET_CGROUP" not in os.environ:
        raise RuntimeError("there is no room for a kubelet here; run: hack/test kubelet")
