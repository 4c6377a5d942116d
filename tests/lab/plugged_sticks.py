"""Sticks to plug beside a real udevd, as fixtures: a conftest imports them, and has a fixture `udevd` of its own."""

from collections.abc import Iterator

import pytest

from tests.lab.hotplug import MacvtapSticks
from tests.lab.udevd import Udevd


@pytest.fixture(scope="session")
def all_sticks() -> Iterator[MacvtapSticks]:
    sticks = MacvtapSticks()
    yield sticks
    sticks.close()


@pytest.fixture
def sticks(all_sticks: MacvtapSticks, udevd: Udevd) -> Iterator[MacvtapSticks]:
    """Sticks to plug; those still plugged at the end are unplugged."""
    yield all_sticks
    udevd.start()
    all_sticks.clear()
    udevd.settle()
