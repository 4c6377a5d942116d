"""Tests beside a real udevd, with true hotplug. They run as `hack/test udevd`, in namespaces of their own."""

from collections.abc import Iterator

import pytest

from tests.lab.directories import plugin_directory
from tests.lab.hotplug import LoopDevices
from tests.lab.netlink import Injector
from tests.lab.plugged_sticks import all_sticks, sticks
from tests.lab.udevd import Udevd, refuse_outside

__all__ = ["all_sticks", "plugin_directory", "sticks"]  # fixtures: they are known here by their import


def pytest_configure() -> None:
    refuse_outside()


@pytest.fixture(scope="session")
def _the_udevd() -> Udevd:
    return Udevd()


@pytest.fixture
def udevd(_the_udevd: Udevd) -> Iterator[Udevd]:
    """udevd, idle; whatever a test does to it, the next one finds it running."""
    _the_udevd.settle()
    yield _the_udevd
    _the_udevd.start()


@pytest.fixture
def loops(udevd: Udevd) -> Iterator[LoopDevices]:
    """Loop devices to add; those still there at the end are removed."""
    loops = LoopDevices()
    yield loops
    udevd.start()
    loops.clear()
    udevd.settle()


@pytest.fixture
def injector() -> Iterator[Injector]:
    """Sends what no udevd would."""
    injector = Injector()
    yield injector
    injector.close()
