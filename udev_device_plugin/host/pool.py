"""Threads for what may block: reading sysfs and udev's database, and whatever lies outside of ``/dev``.

An attribute of a USB device waits for the lock that a driver's probe holds, for seconds; a network mount can hang for
ever. A thread that is stuck is left alone and replaced, so that it keeps nothing else waiting. All threads are daemons:
the process can end without them.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

MAX_WORKERS = 4
"""Threads that are not stuck, at most."""

MAX_THREADS = 32
"""Threads in all, stuck ones included."""

BUSY = 0.1
"""Seconds for which a job may keep others waiting before another thread is started for them."""

SLOW = 0.25
"""Seconds after which a job is logged."""

STUCK = 1.0
"""Seconds after which a job's thread is left alone and replaced."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Job(Generic[R]):
    """Something to do.

    Attributes:
        key: what it is about, for its owner and for the log.
        work: is called with what the thread was given by ``make_tool``.
    """

    key: Hashable
    work: Callable[[R], object]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job: its outcome, or what it raised."""

    key: Hashable
    outcome: object = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Worker(Generic[R]):
    job: Job[R] | None = None
    since: float = 0.0
    is_logged: bool = False
    is_stuck: bool = False


@dataclass(slots=True, eq=False)
class Pool(Generic[R]):
    """Does jobs on threads; used from one thread, its owner's.

    Args:
        make_tool: called once on each thread; what it returns is handed to each job there.
        wake: called on a thread of the pool when there are results.
    """

    make_tool: Callable[[], R]
    wake: Callable[[], None]
    _queue: "SimpleQueue[Job[R] | None]" = field(default_factory=SimpleQueue)
    _results: deque[Result] = field(default_factory=deque)
    _workers: list[_Worker[R]] = field(default_factory=list)
    _outstanding: int = 0

    @property
    def outstanding(self) -> int:
        """How many jobs were submitted whose results were not taken yet."""
        return self._outstanding

    @property
    def stuck(self) -> frozenset[Hashable]:
        """The keys of jobs that are stuck."""
        return frozenset(worker.job.key for worker in self._workers if worker.is_stuck and worker.job is not None)

    def submit(self, key: Hashable, work: Callable[[R], object]) -> None:
        """Have ``work`` done; jobs are begun in order."""
        self._outstanding += 1
        self._queue.put(Job(key, work))
        if not any(not worker.is_stuck for worker in self._workers):
            self._start_worker()

    def take_results(self) -> list[Result]:
        """The results since this was last called, in the order in which jobs ended."""
        results = []
        while self._results:
            results.append(self._results.popleft())
        self._outstanding -= len(results)
        if results and not self._outstanding:  # one thread suffices for what comes next
            for _ in range(sum(not worker.is_stuck for worker in self._workers) - 1):
                self._queue.put(None)
        return results

    def supervise(self, now: float) -> float | None:
        """Log and replace threads that do not come back; start another one if jobs wait.

        Returns:
            In how many seconds to call this again; None: not before the next ``submit``.
        """
        busy = [(worker, job) for worker in self._workers if (job := worker.job) is not None]
        for worker, job in busy:
            elapsed = now - worker.since
            if elapsed > SLOW and not worker.is_logged:
                worker.is_logged = True
                logger.warning("%s: reading it takes long; what was known of it stays meanwhile", job.key)
            if elapsed > STUCK and not worker.is_stuck:
                worker.is_stuck = True
                logger.warning("%s: cannot be read now: a driver or a mount does not answer", job.key)
        able = [worker for worker in self._workers if not worker.is_stuck]
        is_waiting = not self._queue.empty()
        if is_waiting and all(worker.job is not None and now - worker.since > BUSY for worker in able):
            self._start_worker()
        if is_waiting:
            return BUSY
        times = [limit - (now - worker.since) for worker, _ in busy for limit in (SLOW, STUCK)]
        return min((left for left in times if left > 0), default=None)

    def close(self) -> None:
        """Have all threads end that can."""
        for _ in self._workers:
            self._queue.put(None)

    def _start_worker(self) -> None:
        able = sum(not worker.is_stuck for worker in self._workers)
        if able >= MAX_WORKERS or len(self._workers) >= MAX_THREADS:
            return
        worker = _Worker[R]()
        self._workers.append(worker)
        threading.Thread(target=self._work, args=(worker,), name="look", daemon=True).start()

    def _work(self, worker: _Worker[R]) -> None:
        tool: R | None = None
        while (job := self._queue.get()) is not None:
            worker.since = time.monotonic()
            worker.job = job
            try:
                tool = self.make_tool() if tool is None else tool
                result = Result(job.key, job.work(tool))
            except Exception as error:  # whatever it is, its owner decides
                result = Result(job.key, error=error)
            worker.job, worker.is_logged = None, False
            self._results.append(result)
            self.wake()
            if worker.is_stuck:  # it has been replaced
                break
        self._workers.remove(worker)
