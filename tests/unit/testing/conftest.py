"""A running kubelet, and plugins that serve and have not registered yet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.lab.fake_plugin import FakePlugin, served
from udev_device_plugin.testing.kubelet import Kubelet


@pytest.fixture
async def kubelet(tmp_path: Path) -> AsyncIterator[Kubelet]:
    async with Kubelet(tmp_path, dial_timeout=0.5, seed=1) as kubelet:
        yield kubelet


@pytest.fixture
async def plugin(kubelet: Kubelet) -> AsyncIterator[FakePlugin]:
    async with served(FakePlugin(kubelet.directory)) as plugin:
        yield plugin


@pytest.fixture
async def other(kubelet: Kubelet) -> AsyncIterator[FakePlugin]:
    """A second plugin for the same resource."""
    async with served(FakePlugin(kubelet.directory, endpoint="other.sock")) as plugin:
        yield plugin
