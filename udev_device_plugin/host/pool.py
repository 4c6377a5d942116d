"""A thread pool for what may block: reading sysfs, udev's database, and paths outside of ``/dev``.

Owned by the host thread. An attribute of a USB device waits for the lock that a driver's probe holds, for seconds; a
network mount may never answer. A stuck thread is replaced and delays nothing else. All threads are daemons: the process
can end without them.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from queue import SimpleQueue

logger = logging.getLogger(__name__)

MAX_WORKERS = 4
"""Threads that are not stuck, at most."""

MAX_THREADS = 32
"""Threads in all, stuck ones included."""

MAX_BULK = 32
"""Running jobs of a look at everything, at most: a hint that comes meanwhile has no more before it."""

BUSY = 0.1
"""Seconds for which a job may delay others before another thread is started for them."""

SLOW = 0.25
"""Seconds after which a job is logged."""

STUCK = 1.0
"""Seconds after which a job's thread is stuck, and replaced."""


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a job: its outcome, or the exception that it raised."""

    key: Hashable
    outcome: object = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Worker:
    """A thread, and the key of its job; None if it waits for one."""

    key: Hashable = None
    since: float = 0.0
    is_logged: bool = False
    is_stuck: bool = False


class Pool:
    """Runs jobs on threads; used by one thread. ``wake`` is called on a thread of the pool when there are results.

    Attributes:
        outstanding: the number of jobs whose results were not taken yet.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.outstanding = 0
        self._wake = wake
        self._queue: SimpleQueue[tuple[Hashable, Callable[[], object]] | None] = SimpleQueue()
        self._results: deque[Result] = deque()
        self._workers: list[_Worker] = []
        self._is_exhausted = False

    @property
    def free_slots(self) -> int:
        """How many more jobs of a look at everything may run."""
        return MAX_BULK - self.outstanding + len(self.stuck)

    @property
    def stuck(self) -> frozenset[Hashable]:
        """The keys of stuck jobs."""
        return frozenset(worker.key for worker in self._workers if worker.is_stuck and worker.key is not None)

    @property
    def _able(self) -> list[_Worker]:
        return [worker for worker in self._workers if not worker.is_stuck]

    def submit(self, key: Hashable, work: Callable[[], object]) -> None:
        """Run ``work``, after the jobs before it have begun; ``key`` names it in its `Result` and in the log."""
        self.outstanding += 1
        self._queue.put((key, work))
        if not self._able:
            self._start_worker()

    def take_results(self) -> list[Result]:
        """Return the results since the last call, in the order in which jobs ended."""
        results = [self._results.popleft() for _ in range(len(self._results))]
        self.outstanding -= len(results)
        if results and not self.outstanding:  # one thread suffices for what comes next
            for _ in self._able[1:]:
                self._queue.put(None)
        return results

    def supervise(self, now: float) -> float | None:
        """Log slow jobs, replace stuck threads, start another one if jobs wait.

        Returns:
            In how many seconds to call this again; None: not before the next ``submit``.
        """
        busy = [(worker, key) for worker in self._workers if (key := worker.key) is not None]
        for worker, key in busy:
            elapsed = now - worker.since
            if elapsed > SLOW and not worker.is_logged:
                worker.is_logged = True
                logger.warning("%s: reading it takes long; what was known of it stays meanwhile", key)
            if elapsed > STUCK and not worker.is_stuck:
                worker.is_stuck = True
                logger.warning("%s: cannot be read now: a driver or a mount does not answer", key)
        if not self._queue.empty():
            if all(worker.key is not None and now - worker.since > BUSY for worker in self._able):
                self._start_worker()
            return BUSY
        times = [limit - (now - worker.since) for worker, _ in busy for limit in (SLOW, STUCK)]
        return min((left for left in times if left > 0), default=None)

    def close(self) -> None:
        """End all threads that are not stuck."""
        for _ in self._workers:
            self._queue.put(None)

    def _start_worker(self) -> None:
        if len(self._able) < MAX_WORKERS and len(self._workers) < MAX_THREADS:
            self._workers.append(worker := _Worker())
            try:
                threading.Thread(target=self._work, args=(worker,), name="look", daemon=True).start()
            except RuntimeError as error:
                self._workers.remove(worker)
                if not self._is_exhausted:
                    logger.error("no thread to look at the host with: %s; trying again", error)  # noqa: TRY400 - a traceback tells no more
                self._is_exhausted = True
            else:
                self._is_exhausted = False

    def _work(self, worker: _Worker) -> None:
        while (job := self._queue.get()) is not None:
            worker.since = time.monotonic()
            worker.key, work = job
            try:
                result = Result(worker.key, work())
            except Exception as error:  # the owner of the pool decides
                result = Result(worker.key, error=error)
            worker.key, worker.is_logged = None, False
            self._results.append(result)
            self._wake()
            if worker.is_stuck:  # it has been replaced
                break
        self._workers.remove(worker)
