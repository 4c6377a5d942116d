"""Tests with real USB drivers, udevd and Debian's rules: `hack/test vm`.

Stories are told in a virtual machine that is started once, pytest stays outside.
"""

from collections.abc import Iterator

import pytest

from tests.vm.machine.verdicts import Telling


@pytest.fixture(scope="session")
def telling(request: pytest.FixtureRequest) -> Iterator[Telling]:
    """The machine in which the stories of this session are told."""
    tests = [item for item in request.session.items if isinstance(item, pytest.Function)]
    machine = Telling(test.callspec.id for test in tests if "telling" in test.fixturenames)
    yield machine
    machine.close()
