"""The process that feeds a target; it may crash, hang or run out of memory, and is replaced."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from tests.fuzz.target import number
from tests.fuzz.targets import target


def work(
    name: str, seed: int, first: int, end: int, most_bytes: int, clock: Any, pipe: Connection
) -> None:
    """Feeds the inputs first to end - 1, and reports the outcome of each.

    Args:
        name: Of the target.
        seed: Of the campaign.
        first: Number of the first input.
        end: Number after the last one.
        most_bytes: Of address space, above what the target needs when it is open.
        clock: Shared: number of the input in work, and when it began; -1 between two.
        pipe: Takes (number, outcome, seconds of processor, resident MB, what was raised).
    """
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # Codecs written in C have their say there.
    faulthandler.disable()
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    try:
        entry = target(name)
        entry.open()
        entry.make(number(seed, name, first))
    except Exception:
        pipe.send(traceback.format_exc())
        return
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + most_bytes, -1))
    try:
        for index in range(first, end):
            data = entry.make(number(seed, name, index))
            clock[1] = time.monotonic()
            clock[0] = index
            start, raised = time.process_time(), None
            try:
                outcome = entry.run(data)
            except BaseException:  # SystemExit and KeyboardInterrupt, too, are findings.
                outcome, raised = "finding", traceback.format_exc()
            seconds = time.process_time() - start
            clock[0] = -1
            pipe.send((index, outcome, seconds, _peak_mb(), raised))
    finally:
        with contextlib.suppress(Exception):
            entry.close()
    pipe.send(None)


def _peak_mb() -> float:
    """Highest resident memory of this process, MiB; `ru_maxrss` has its parent's in it."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[0]) * resource.getpagesize()
