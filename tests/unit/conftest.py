"""What holds for all tests of the rooms."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("without timing", deadline=None)  # whoever tests on a busy machine is not to wait for luck
settings.load_profile("without timing")


@pytest.fixture
def root_logger() -> Iterator[None]:
    """What a test does to logging is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
