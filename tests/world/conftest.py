"""Tests on a made-up host. They run as `hack/test world`, in namespaces of their own."""

from collections.abc import Iterator

import pytest

from tests.lab.directories import plugin_directory
from tests.lab.host import FakeHost, refuse_outside
from tests.lab.netlink import Injector

__all__ = ["plugin_directory"]  # a fixture: it is known here by its import


def pytest_configure() -> None:
    refuse_outside()


@pytest.fixture
def host() -> Iterator[FakeHost]:
    """A host with nothing plugged."""
    host = FakeHost()
    yield host
    host.close()


@pytest.fixture
def injector() -> Iterator[Injector]:
    """Sends what no udevd would."""
    injector = Injector()
    yield injector
    injector.close()
