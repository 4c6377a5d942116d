"""Threads for what may block: one that is stuck keeps nobody else waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from udev_device_plugin.host.pool import Pool, Result

FOREVER = 1_000_000.0


class Doings:
    """A pool, and gates that its jobs wait at."""

    def __init__(self) -> None:
        self.has_results = threading.Semaphore(0)
        self.pool = Pool(self.has_results.release)
        self.gates: list[threading.Event] = []

    def hang(self, key: str) -> None:
        """Submit a job that does not come back, and wait until a thread is at it."""
        gate, begun = threading.Event(), threading.Event()
        self.gates.append(gate)

        def work() -> None:
            begun.set()
            gate.wait()

        self.pool.submit(key, work)
        while not begun.wait(0.01):
            self.pool.supervise(FOREVER)

    def result(self) -> Result:
        assert self.has_results.acquire(timeout=30)
        (result,) = self.pool.take_results()
        return result


@contextmanager
def doings() -> Iterator[Doings]:
    made = Doings()
    try:
        yield made
    finally:
        for gate in made.gates:
            gate.set()
        made.pool.close()


def test_what_a_job_returns_is_its_result() -> None:
    with doings() as it:
        it.pool.submit("a", lambda: "done")
        assert it.result() == Result("a", "done")
        assert it.pool.outstanding == 0


def test_without_a_thread_a_job_waits_until_there_is_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with doings() as it:
        with monkeypatch.context() as exhausted:
            exhausted.setattr(threading.Thread, "start", fail)
            for key in "abc":
                it.pool.submit(key, lambda: "done")
            for now in (0.0, 1.0, 100.0):
                assert it.pool.supervise(now) is not None, "it asks to be called again"
        assert not it.pool.stuck
        it.pool.supervise(200.0)
        for _ in "abc":
            assert it.has_results.acquire(timeout=30)
        assert {result.key for result in it.pool.take_results()} == set("abc")
    assert caplog.messages == ["no thread to look at the host with: can't start new thread; trying again"]


def test_what_a_job_raises_is_its_result() -> None:
    with doings() as it:
        error = ValueError("no")

        def fail() -> None:
            raise error

        it.pool.submit("a", fail)
        assert it.result() == Result("a", error=error)


@pytest.mark.parametrize("hung", [1, 4, 5, 10])
def test_jobs_that_hang_keep_no_other_from_being_done(hung: int) -> None:
    with doings() as it:
        for number in range(hung):
            it.hang(f"hung {number}")
        it.pool.submit("other", lambda: "done")
        it.pool.supervise(FOREVER)
        assert it.result() == Result("other", "done")
        assert it.pool.stuck == {f"hung {number}" for number in range(hung)}


def test_a_job_that_comes_back_late_has_a_result_like_any_other() -> None:
    with doings() as it:
        it.hang("late")
        it.pool.supervise(FOREVER)
        it.gates[0].set()
        assert it.result() == Result("late")
        assert it.pool.stuck == frozenset()


def test_an_idle_pool_need_not_be_supervised() -> None:
    with doings() as it:
        it.pool.submit("a", lambda: None)
        it.result()
        assert it.pool.supervise(FOREVER) is None
