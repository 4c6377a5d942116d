"""When a resource may register: nobody waits for one that never does. How it goes otherwise: test_resource_plugin."""

import asyncio

import pytest

from udev_device_plugin.kubelet.device_plugin import registration_turns
from udev_device_plugin.kubelet.device_plugin.registration_turns import RegistrationTurns

HELD, OTHER = "squat.ai/held", "squat.ai/other"


async def register(turns: RegistrationTurns, resource: str, epoch: int) -> None:
    async with asyncio.timeout(10), turns.turn(resource, epoch):
        pass


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> RegistrationTurns:
    monkeypatch.setattr(registration_turns, "FIRST_FOR", 0.0)
    turns = RegistrationTurns("/nowhere/kubelet.sock", lambda: [HELD])
    turns.add(HELD)
    turns.add(OTHER)
    return turns


async def test_a_held_resource_that_does_not_register_delays_the_others_for_a_moment_only(
    turns: RegistrationTurns,
) -> None:
    await register(turns, OTHER, 1)


async def test_so_does_one_whose_registration_takes_long(turns: RegistrationTurns) -> None:
    async with turns.turn(HELD, 1):
        await register(turns, OTHER, 1)


async def test_so_does_one_that_registered_just_before_the_new_kubelet_was_noticed(turns: RegistrationTurns) -> None:
    await register(turns, HELD, 1)
    await register(turns, OTHER, 2)


async def test_a_late_attempt_with_a_former_kubelet_takes_its_turn_with_the_present_one() -> None:
    asked: list[str] = []

    def held() -> list[str]:
        asked.append("")
        return [HELD]

    turns = RegistrationTurns("/nowhere/kubelet.sock", held)
    turns.add(HELD)
    await register(turns, HELD, 2)
    await register(turns, OTHER, 1)
    async with turns.turn(OTHER, 1) as late, turns.turn(OTHER, 2) as present:
        assert late is present
    assert len(asked) == 1
