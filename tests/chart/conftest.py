"""Tests of the chart by real Helm, 3 and 4, which `hack/kubelet helm` builds. They run as `hack/test chart`."""

import shutil

import pytest

from tests.lab.helm import HELMS


def pytest_configure() -> None:
    if not all(map(shutil.which, HELMS)):
        pytest.exit("there is no helm3 or no helm4; run: hack/test chart", returncode=1)


@pytest.fixture(params=HELMS)
def version(request: pytest.FixtureRequest) -> str:
    """Either Helm."""
    return str(request.param)
