"""Reads photographs in several processes: thumbnail, size, and thumbprint."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import signal
import stat
import threading
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image, features

from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode_small
from edgeiqa.imaging.likeness import thumbprint

SIDE = 160
"""Default longest side of a thumbnail in pixels."""

# Enough for a thumbprint without a thumbnail.
_MIN_SIDE = 64
_CHUNK = 8
# So few take less time than starting a process.
_FEW = 24

_WEBP = {"quality": 45, "method": 2}
_JPEG = {"quality": 50, "optimize": True}


@dataclass(frozen=True)
class Job:
    """One photograph to read.

    Attributes:
        place: A number that identifies it to the caller.
        file: Path.
        side: Longest side of its thumbnail in pixels; 0 for none.
    """

    place: int
    file: str
    side: int = SIDE


@dataclass(frozen=True)
class Look:
    """What was found.

    Attributes:
        thumbnail: A small WebP (JPEG if Pillow lacks WebP); None for none.
        width: Of the upright photograph in pixels; None if unknown.
        height: Likewise.
        size: Of the file in bytes; None if it is gone.
        signature: float32 [256], see `edgeiqa.imaging.likeness.thumbprint`; None if it cannot
            be read.
        level: Mean luma, 0-255.
        error: Why it cannot be read, one line; None if it can.
    """

    thumbnail: bytes | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    signature: np.ndarray | None = field(default=None, repr=False, compare=False)
    level: float = 0.0
    error: str | None = None


def look_at(file: str, side: int = SIDE) -> Look:
    """Reads one photograph, with a thumbnail of this side; any problem becomes the error."""
    size = None
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode):  # A pipe would be waited for.
            return Look(error="not a regular file")
        size = status.st_size
        # Draft mode makes a thumbnail much cheaper than a full decode.
        small, exif = decode_small(file, max(side, _MIN_SIDE))
        signature, level = thumbprint(small)
        width, height = _full_size(file, exif, small.size)
        return Look(_encoded(small, side), width, height, size, signature, level)
    except UnreadableImageError as error:
        return Look(size=size, error=error.reason)
    except FileNotFoundError:
        return Look(error="no such file")
    except UnicodeEncodeError:
        return Look(error="invalid file name")
    except Exception as error:  # One bad photograph must not end the run.
        text = " ".join(str(error).split()) or type(error).__name__
        return Look(size=size, error=text[:200])


def look_at_all(
    jobs: Sequence[Job], *, workers: int = 0
) -> Generator[tuple[int, Look], None, None]:
    """Reads many photographs, in several processes if that is worth it.

    A photograph that crashes a process only loses its own thumbnail: those being read at the same
    time are retried one by one.

    Args:
        jobs: What to read.
        workers: Processes; 0 for one per processor, 1 for this one alone.

    Yields:
        The place of a job and what was found, in any order.
    """
    workers = min(workers or _processors(), -(-len(jobs) // _CHUNK))
    if workers <= 1 or len(jobs) <= _FEW:
        for job in jobs:
            yield job.place, look_at(job.file, job.side)
        return
    chunks = deque(list(jobs[i : i + _CHUNK]) for i in range(0, len(jobs), _CHUNK))
    while chunks:
        unfinished = yield from _in_pool(chunks, workers)
        yield from _one_by_one(unfinished)


def thumbnail_type() -> str:
    """The media type of thumbnails."""
    return "image/webp" if features.check("webp") else "image/jpeg"


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not on every system.
        return os.cpu_count() or 1


def _in_pool(
    chunks: deque[list[Job]], workers: int
) -> Generator[tuple[int, Look], None, list[Job]]:
    """Works through chunks; if a process dies, returns what was in progress."""
    flying: dict[Future[list[tuple[int, Look]]], list[Job]] = {}
    pool = _pool(workers)
    try:
        while chunks or flying:
            while chunks and len(flying) < 2 * workers:
                future = _submit(pool, chunks[0])
                flying[future] = chunks.popleft()
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                found = future.result()
                del flying[future]
                yield from found
    except BrokenProcessPool:
        return [job for chunk in flying.values() for job in chunk]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return []


def _one_by_one(jobs: Sequence[Job]) -> Iterator[tuple[int, Look]]:
    waiting = deque(jobs)
    while waiting:
        with _pool(1) as pool:
            try:
                while waiting:
                    yield from _submit(pool, [waiting[0]]).result()
                    waiting.popleft()
            except BrokenProcessPool:
                yield waiting.popleft().place, Look(error="its decoder crashed")


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not forked, as the program may hold threads and locks.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the main process ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _submit(pool: ProcessPoolExecutor, jobs: list[Job]) -> Future[list[tuple[int, Look]]]:
    # This may start a process, which must not be interrupted half-way.
    with _uninterrupted():
        return pool.submit(_look_at_chunk, jobs)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Postpones Ctrl-C; processes started meanwhile ignore it."""
    came: list[int] = []
    own = threading.current_thread() is threading.main_thread()
    # New processes inherit the mask, but any of our threads may still receive the signal.
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if own else None
    mask = None
    if hasattr(signal, "pthread_sigmask"):  # Not on Windows.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if own:
            signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _look_at_chunk(jobs: list[Job]) -> list[tuple[int, Look]]:
    return [(job.place, look_at(job.file, job.side)) for job in jobs]


def _encoded(small: Image.Image, side: int) -> bytes | None:
    if not side:
        return None
    small.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    stream = io.BytesIO()
    if thumbnail_type() == "image/webp":
        small.save(stream, "WEBP", **_WEBP)
    else:
        small.save(stream, "JPEG", **_JPEG)
    return stream.getvalue()


def _full_size(
    file: str, exif: Image.Exif, small: tuple[int, int]
) -> tuple[int, int] | tuple[None, None]:
    """The size in the header, if it matches the decoded picture."""
    # Nothing is decoded, so Pillow's limit and warnings do not matter.
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file) as image:
            width, height = image.size
        if exif.get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8):
            width, height = height, width
        # The header of a raw file may describe an embedded preview.
        alike = abs(width * small[1] - height * small[0]) <= 0.03 * width * small[1]
        if alike or min(small) <= 8:
            return width, height
    return None, None
