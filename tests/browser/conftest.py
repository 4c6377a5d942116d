"""Tests of the status page in a real browser, on a made-up host. They run as `hack/test browser`."""

from collections.abc import Iterator

import pytest

from tests.lab.browser import DESKTOP, Browser, chromium
from tests.lab.directories import plugin_directory
from tests.lab.host import FakeHost, refuse_outside

__all__ = ["plugin_directory"]  # a fixture: it is known here by its import


def pytest_configure() -> None:
    refuse_outside()


@pytest.fixture
def host() -> Iterator[FakeHost]:
    """A host with nothing plugged."""
    host = FakeHost()
    yield host
    host.close()


@pytest.fixture(scope="session")
def window() -> Iterator[Browser]:
    """The browser of all tests: its start takes longer than they do."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """A browser that shows nothing yet."""
    window.resize(DESKTOP)
    window.prefer(prefers_color_scheme="light")
    window.driver.get("about:blank")
    window.log()
    yield window
    window.driver.get("about:blank")
