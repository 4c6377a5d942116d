"""What can happen, as values: a step makes sense at any moment, so any part of a sequence is one too (for shrinking).

A step names what it is about by numbers, which are taken modulo what there is; where there is nothing, it does nothing.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

WEIGHTS = {
    "plug": 14,  # an article, at a port, under a number
    "plug silently": 5,
    "appear": 5,  # the kernel's half of a plug
    "plug in part": 8,  # that, and a part of udevd's half: some siblings are ready, others are not
    "go on": 6,  # some more of udevd's half
    "finish": 5,  # udevd's half, or what is left of it
    "finish silently": 2,
    "pull": 9,
    "pull silently": 4,
    "vanish": 3,  # the kernel's half of an unplug
    "forget": 3,  # udevd's half
    "vanish unseen": 3,  # the kernel's half alone: udevd is dead, and leaves entries and links to the next ones
    "replug": 6,  # elsewhere, under another number, with nothing between
    "replug in place": 6,  # the same, at the same port
    "show another id": 6,  # an accelerator, in the same socket
    "change": 3,  # one more link, or one fewer
    "change silently": 2,
    "add again": 2,
    "false remove": 2,
    "false add": 2,
    "overflow": 2,  # the plugin sleeps through the next steps, and loses events
    "hide udevd": 2,
    "show udevd": 2,
    "restart kubelet (all files)": 2,
    "restart kubelet (sockets)": 2,
    "stop kubelet": 2,
    "start kubelet": 2,
    "disconnect": 2,
    "remove socket": 1,
    "wipe directory": 1,
    "kill plugin": 1,
    "terminate plugin": 1,
    "reload": 1,  # another grace period, and a rescan each second or none
    "drop and add": 1,  # two reloads: a resource goes, and comes again
    "select otherwise": 2,  # a reload by which other selectors mean the same devices, which pods may hold
    "allocate": 8,
    "release": 5,
    "settle": 8,
}
LONGEST = 24


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens; what the numbers mean depends on what it is."""

    what: str
    which: int = 0
    where: int = 0
    number: int = 0

    def __str__(self) -> str:
        return f"Step({self.what!r}, {self.which}, {self.where}, {self.number})"


Sequence = tuple[Step, ...]


def draw(chance: random.Random) -> Sequence:
    """A random sequence."""
    whats = chance.choices([*WEIGHTS], [*WEIGHTS.values()], k=chance.randint(3, LONGEST))
    return tuple(Step(what, chance.randrange(64), chance.randrange(64), chance.randrange(64)) for what in whats)


def smaller(sequence: Sequence) -> Iterator[Sequence]:
    """What to try in place of a sequence that fails: with ever fewer steps left out."""
    size = len(sequence)
    chunk = size // 2
    while chunk:
        for start in range(0, size, chunk):
            yield sequence[:start] + sequence[start + chunk :]
        chunk //= 2
