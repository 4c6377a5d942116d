"""A short walk with the fuzzer, always the same way; `hack/fuzz` goes further."""

import pytest

from tests.lab.fuzzing import TARGETS, Target, run, shrunk
from tests.lab.subjects import MadeUpSubject


@pytest.mark.parametrize("name", TARGETS)
def test_odd_input_is_accepted_or_refused_and_nothing_else(name: str) -> None:
    verdicts = [run(TARGETS[name], seed) for seed in range(500)]
    assert set(verdicts) == {True, False}  # else the fuzzer sees only half of the code


def test_what_the_fuzzer_finds_is_cut_down_to_what_matters() -> None:
    def trips_over_two_signs(data: bytes, _: MadeUpSubject) -> bool:
        return bool(1 // (not (b"<" in data and b">" in data)))

    assert shrunk(Target((), (), trips_over_two_signs), b"some < of > this", MadeUpSubject()) == b"<>"
