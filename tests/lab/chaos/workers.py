"""udevd's workers: several are at work on the devices of one stick, and none waits for another without need."""

import random
from collections.abc import Iterable, Iterator

from tests.lab.records import FakeDevice
from tests.lab.udevd_steps import Step

MOST = 8

Job = tuple[FakeDevice, Iterator[Step]]
"""A device, and what udevd does for it."""


def at_once(jobs: Iterable[Job], chance: random.Random) -> Iterator[Step]:
    """Have all jobs done, of which each step is done when it is asked for.

    As with udevd, a device waits for those that the kernel announced before it and that are above or below it in sysfs,
    for no others: siblings are begun in any order, and done with in any other one.
    """
    waiting, begun = [*jobs], list[Job]()
    workers = chance.randint(1, MOST)
    while waiting or begun:
        ready = [
            job
            for index, job in enumerate(waiting)
            if not any(_are_in_line(job[0], other) for other, _ in (*waiting[:index], *begun))
        ]
        if ready and len(begun) < workers:
            begun.append(job := chance.choice(ready))
            waiting.remove(job)
            continue
        job = chance.choice(begun)
        if (step := next(job[1], None)) is None:
            begun.remove(job)
        else:
            yield step


def _are_in_line(one: FakeDevice, other: FakeDevice) -> bool:
    """Whether one is the other, or above it, or below it."""
    shorter, longer = sorted((f"{one.devpath}/", f"{other.devpath}/"), key=len)
    return longer.startswith(shorter)
