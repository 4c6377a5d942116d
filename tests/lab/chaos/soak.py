"""Plays random sequences until one fails, or enough are played; finds the smallest part of a failing one that fails.

Hypothesis' state machines were tried instead: a variant that fails takes 15 s and more until it is given up, and after
the five minutes that their shrinker has, and 18 variants, none of 24 steps was left out (`_reduce` left out 15 of 18).
They would spare `draw`, `smaller` and `_reduce` alone, and their rules have no weights.
"""

import itertools
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tests.lab.chaos.resources import NAMES, Settings
from tests.lab.chaos.run import GRACE_PERIODS, ChaosError, running
from tests.lab.chaos.steps import LONGEST, Sequence, draw, smaller
from tests.lab.host import FakeHost

SESSION = 20
"""So many sequences are played with one plugin."""

RETRIES = 3
MOST_TRIALS = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A sequence that fails, what with, and what was configured."""

    settings: Settings
    sequence: Sequence
    fault: str

    def __str__(self) -> str:
        steps = "\n".join(f"    {step}," for step in self.sequence)
        return f"{self.fault}\nwith {self.settings}, after\n{steps}"


@dataclass(slots=True)
class Figures:
    """What was played so far."""

    sequences: int = 0
    steps: int = 0
    plugins: int = 0

    def __str__(self) -> str:
        return f"{self.sequences} sequences of {self.steps} steps, with {self.plugins} plugins; nothing leaked in these"


async def soak(
    seed: int, is_enough: Callable[[Figures], bool], tell: Callable[[str], None], session: int = SESSION
) -> tuple[Figures, Finding | None]:
    """Play sequences; stops at the first that fails, with the smallest one found."""
    figures = Figures()
    for number in itertools.count():
        settings = settings_of(seed, number)
        drawn = [draw(random.Random(f"{seed}-{number}-{index}")) for index in range(session)]
        failed, fault = await _play(settings, drawn, figures, is_enough)
        if failed:
            steps = "; ".join(map(str, failed[-1]))
            tell(f"session {number}, seed {seed}: {fault}")
            tell(f"in sequence {len(failed)}: {steps}\nlooking for a smaller one …")
            return figures, await _shrink(settings, failed, fault, tell)
        tell(str(figures))
        if is_enough(figures):
            return figures, None
    raise AssertionError("unreachable: sessions do not end")


def settings_of(seed: int, number: int) -> Settings:
    """What is configured in a session: every resource, or a few of them."""
    names, chance = NAMES, random.Random(f"{seed}-{number}")
    if number % 2:
        names = tuple(sorted(chance.sample(NAMES, chance.randint(1, 3))))
    return Settings(GRACE_PERIODS[number % len(GRACE_PERIODS)], names=names)


async def _play(
    settings: Settings, sequences: list[Sequence], figures: Figures, is_enough: Callable[[Figures], bool]
) -> tuple[list[Sequence], str]:
    """Play them with one plugin; those up to one that fails, and its fault, or nothing."""
    directory, host = tempfile.mkdtemp(prefix="p-", dir="/run"), FakeHost()
    played: list[Sequence] = []
    try:
        async with running(host, directory, settings) as run:
            figures.plugins += 1
            for sequence in sequences:
                played.append(sequence)
                await run.play(sequence)
                figures.sequences += 1
                figures.steps += len(sequence)
                if is_enough(figures):
                    break
    except ChaosError as error:
        return played, str(error)
    finally:
        host.close()
        shutil.rmtree(directory)
    return [], ""


async def _shrink(settings: Settings, played: list[Sequence], fault: str, tell: Callable[[str], None]) -> Finding:
    """The smallest failing sequence to be found: of the last one alone, else of all that the plugin saw."""
    trials = itertools.count(1)

    async def fault_of(sequence: Sequence) -> str:
        next(trials)
        return (await _play(settings, [sequence], Figures(), lambda _: False))[1]

    whole = tuple(step for sequence in played for step in sequence)
    for candidate in (played[-1], whole):
        for _ in range(RETRIES):
            if _kind(again := await fault_of(candidate)) == _kind(fault):
                return await _reduce(Finding(settings, candidate, again), fault_of, trials, tell)
    return Finding(settings, played[-1], f"{fault}\n(did not fail again; it may be a matter of time)")


async def _reduce(
    finding: Finding, fault_of: Callable[[Sequence], Awaitable[str]], trials: Iterator[int], tell: Callable[[str], None]
) -> Finding:
    is_progress = True
    while is_progress:
        is_progress = False
        for candidate in smaller(finding.sequence):
            if next(trials) > MOST_TRIALS * 2:
                return finding
            if _kind(fault := await fault_of(candidate)) == _kind(finding.fault):
                finding, is_progress = Finding(finding.settings, candidate, fault), True
                tell(f"… {len(candidate)} steps: {'; '.join(map(str, candidate)) if len(candidate) < LONGEST else ''}")
                break
    return finding


def _kind(fault: str) -> str:
    return fault.partition(":")[0]


def sequences(count: int) -> Callable[[Figures], bool]:
    """Whether so many sequences are played."""
    return lambda figures: figures.sequences >= count


def minutes(count: float) -> Callable[[Figures], bool]:
    """Whether so much time is over."""
    end = time.monotonic() + count * 60
    return lambda _: time.monotonic() > end
