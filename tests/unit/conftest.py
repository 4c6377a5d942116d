"""For all unit tests: how long an example takes is the machine's business, and no property of the code."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


@pytest.fixture
def root_logger() -> Iterator[None]:
    """What a test does to logging is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
