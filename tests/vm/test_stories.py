"""Every story of real drivers, told in the virtual machine; which there are stands in `stories`."""

import pytest

from tests.vm.machine.stories import Story, name
from tests.vm.machine.verdicts import LIMIT, Telling
from tests.vm.stories import STORIES


@pytest.mark.timeout(LIMIT + 60)  # the first waits for the machine, and for those that are told with it
@pytest.mark.parametrize("story", STORIES, ids=name)
def test_with_real_drivers(story: Story, telling: Telling) -> None:
    failure = telling.failure_of(name(story))
    if failure is not None:
        pytest.fail(failure, pytrace=False)
