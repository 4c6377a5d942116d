"""Directories for plugins and kubelets, as fixtures: a conftest imports what its tests use."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def plugin_directory() -> Iterator[str]:
    """An empty directory of a short name: a unix socket's path has at most 107 bytes."""
    path = tempfile.mkdtemp(prefix="p-", dir="/run" if os.access("/run", os.W_OK) else "/tmp")
    yield path
    shutil.rmtree(path)
