"""The worker that does the newest job."""

from __future__ import annotations

import threading
import time

import pytest

from edgeiqa.errors import ClosedError
from edgeiqa.live.latest_only import LatestOnlyWorker

WAIT_S = 20.0


class Slow:
    """Doubles numbers, one per `go`."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.dropped: list[int] = []
        self.worker = LatestOnlyWorker(self.work, on_dropped=self.dropped.append, name="test")

    def work(self, job: int) -> int:
        self.begun.release()
        assert self.go.acquire(timeout=WAIT_S)
        return 2 * job


def test_newer_jobs_replace_the_one_that_waits() -> None:
    slow = Slow()
    slow.worker.submit(1)
    assert slow.begun.acquire(timeout=WAIT_S)
    for job in (2, 3, 4):
        slow.worker.submit(job)
    assert slow.dropped == [2, 3]
    slow.go.release(2)
    slow.worker.end()
    assert [*slow.worker][-1] == 8
    assert slow.worker.closed
    with pytest.raises(ClosedError):
        slow.worker.submit(5)


def test_close_drops_what_waits_and_finishes_what_runs() -> None:
    slow = Slow()
    slow.worker.submit(1)
    assert slow.begun.acquire(timeout=WAIT_S)
    slow.worker.submit(2)
    threading.Timer(0.1, slow.go.release).start()
    start = time.monotonic()
    slow.worker.close(timeout=WAIT_S)
    assert time.monotonic() - start < WAIT_S / 2
    assert slow.dropped == [2]
    assert list(slow.worker) == [2]


def test_close_does_not_wait_for_work_that_hangs() -> None:
    slow = Slow()
    slow.worker.submit(1)
    assert slow.begun.acquire(timeout=WAIT_S)
    slow.worker.close(timeout=0.05)
    assert list(slow.worker) == []  # An iterator ends all the same.
    slow.go.release()


def test_each_result_goes_to_one_of_several_readers() -> None:
    seen: list[int] = []
    worker: LatestOnlyWorker[int, int] = LatestOnlyWorker(
        lambda job: job, on_dropped=lambda job: None, name="test"
    )
    readers = [threading.Thread(target=lambda: seen.extend(worker)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for job in range(1, 200):
        worker.submit(job)
        time.sleep(0.0005)
    worker.end()
    for reader in readers:
        reader.join(WAIT_S)
        assert not reader.is_alive()
    assert len(seen) == len(set(seen))
    assert max(seen) == 199


def test_an_iterator_that_is_given_up_holds_up_nothing() -> None:
    worker: LatestOnlyWorker[int, int] = LatestOnlyWorker(
        lambda job: job, on_dropped=lambda job: None, name="test"
    )
    results = iter(worker)
    worker.submit(1)
    assert next(results) == 1
    del results
    for job in range(2, 50):
        worker.submit(job)
    worker.end()
    deadline = time.monotonic() + WAIT_S
    while worker._thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not worker._thread.is_alive()
    assert list(worker) == [49]
