"""A short attack on the identity record, always the same; `hack/attack` goes on for longer."""

import logging
from pathlib import Path
from random import Random

import pytest

from tests.lab.record_attack import attack, bent_bytes, bent_values

TIMES = 150


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def test_a_record_that_was_changed_by_accident_is_never_taken(tmp_path: Path) -> None:
    with attack(tmp_path) as one:
        assert one.start(one.good)
        assert not any(one.start(bent_bytes(one.good, Random(seed))) for seed in range(TIMES))


def test_a_record_that_was_changed_on_purpose_gives_no_path_that_is_not_of_this_host(tmp_path: Path) -> None:
    with attack(tmp_path) as one:
        taken = [one.start(bent_values(one.good, Random(seed))) for seed in range(TIMES)]
    assert set(taken) == {True, False}  # else the attack sees only half of the code
