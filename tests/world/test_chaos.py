"""The plugin on a made-up host where anything can happen: what must hold at rest is in tests/lab/chaos/verdict.py.

Always the same sequences, each with another grace period; `hack/soak` plays others, as many as you like.
"""

import random

import pytest

from tests.lab.chaos.resources import Settings
from tests.lab.chaos.run import GRACE_PERIODS, running
from tests.lab.chaos.steps import draw
from tests.lab.host import FakeHost

SEQUENCES = 5


@pytest.mark.timeout(600)  # seconds; ten on an idle machine
@pytest.mark.parametrize("grace", GRACE_PERIODS)
async def test_whatever_happens_the_kubelet_is_right_in_the_end(
    host: FakeHost, plugin_directory: str, grace: str
) -> None:
    chance = random.Random(f"the same for ever, {grace}")
    async with running(host, plugin_directory, Settings(grace)) as run:
        for _ in range(SEQUENCES):
            await run.play(draw(chance))
