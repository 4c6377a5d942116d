"""What holds for all tests of the rooms."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from udev_device_plugin.telemetry.log_format import PACKAGE

settings.register_profile("without timing", deadline=None)  # whoever tests on a busy machine is not to wait for luck
settings.load_profile("without timing")


@pytest.fixture
def root_logger() -> Iterator[None]:
    """What a test does to logging is undone."""
    root, ours = logging.getLogger(), logging.getLogger(PACKAGE)
    handlers, level, our_level = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)
    logging.captureWarnings(capture=False)
