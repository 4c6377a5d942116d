"""What came of the stories: from the virtual machine, where they are told, to pytest, which is outside."""

import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

LIMIT = 1500  # seconds, for all stories; a machine that has other things to do takes its time
MARK = "VERDICT "
REMEMBERED = 400  # lines of what else was said


@dataclass(frozen=True, slots=True)
class Verdict:
    """One story's end."""

    story: str
    seconds: float
    failure: str | None  # what happened, for a person

    def to_line(self) -> str:
        """For who waits outside."""
        return MARK + json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self | None:
        """None: the line is none of a verdict."""
        return cls(**json.loads(line.removeprefix(MARK))) if line.startswith(MARK) else None


class Telling:
    """The virtual machine in which these stories are told, as a process; `with` ends it."""

    def __init__(self, stories: Iterable[str]) -> None:
        told = [sys.executable, "-m", "tests.vm.machine", *stories]
        self._verdicts: dict[str, Verdict] = {}
        self._rest: deque[str] = deque(maxlen=REMEMBERED)
        self._process = subprocess.Popen(
            ["hack/lib/in-vm", "-t", str(LIMIT), *told],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def close(self) -> None:
        """Ends the machine, if it has not ended by itself."""
        with self._process:
            self._process.terminate()

    def failure_of(self, story: str) -> str | None:
        """Waits for a story's end; None: all of it was as it should be."""
        assert self._process.stdout
        while story not in self._verdicts:
            line = self._process.stdout.readline()
            if not line:
                return f"the machine has ended before the story's end\n{self._said()}"
            if (verdict := Verdict.from_line(line)) is None:
                self._rest.append(line)
            else:
                self._verdicts[verdict.story] = verdict
        failure = self._verdicts[story].failure
        return None if failure is None else f"{failure}\n{self._said()}"

    def _said(self) -> str:
        return "".join(["said in the machine, up to now:\n", *self._rest])
