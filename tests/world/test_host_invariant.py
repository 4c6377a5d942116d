"""The invariant of following a host, for random histories.

Whatever happened, and whichever hints came of it, in whatever order and however often: once there was one for each
thing that changed, what is known equals a look at everything. And at no moment is a device taken for another one.

Kernel and udevd do one step after the other; between them the plugin gets hints, begins looks, reads, and takes in what
was read, as it happens. There are no threads, and time and the clock are passed in. A history is a list of numbers, of
which each says what happens next: the same in every run, whatever else is tested (Hypothesis draws what it finds in
modules that happen to be loaded). Of a history that fails the smallest part that fails is told.
"""

import random

import pytest

from tests.world.history import RULES, History

HISTORIES = 150
LENGTH = 70


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_is_known_equals_a_look_at_everything_and_nothing_is_taken_for_another(seed: int) -> None:
    chance = random.Random(seed)
    steps = [chance.getrandbits(32) for _ in range(LENGTH)]
    if _fault(seed, steps) is None:
        return
    size = len(steps)
    while size := size // 2:
        for start in reversed(range(0, len(steps), size)):
            fewer = steps[:start] + steps[start + size :]
            if _fault(seed, fewer) is not None:
                steps = fewer
    fault = _fault(seed, steps)
    assert fault is not None
    raise fault


def _fault(seed: int, steps: list[int]) -> Exception | None:
    """Play a history; returns what was wrong, with the story of it."""
    history = History(random.Random(seed))
    try:
        for step in steps:
            chance = random.Random(step)
            chance.choice(RULES)(history, chance)
            history.nothing_is_taken_for_another()
    except Exception as fault:  # whatever it is
        fault.add_note("\n".join(history.story))
        return fault
    finally:
        history.close()
    return None
