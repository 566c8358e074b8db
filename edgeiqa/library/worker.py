"""A process that scores: a path per line on standard input, a row per line on standard output.

It keeps nothing, so that it may be killed at any time. It ends by itself when its standard input
does, which is when whoever started it ends, in whatever way, kill -9 included.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import queue
import signal
import sys
import threading
import warnings
from typing import BinaryIO

GRACE_S = 30.0
"""So long after the time limit a worker ends by itself, should nobody have ended it."""


def main() -> None:
    """Runs until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it decides.
    warnings.simplefilter("ignore")
    # What libraries print must not get among the rows.
    replies = os.fdopen(os.dup(1), "wb")
    try:
        os.dup2(2, 1)
    except OSError:  # No standard error, as under some services.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _offer_to_the_oom_killer()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, lines), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        _serve(lines, replies)
    os._exit(0)


def _read(source: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    """Hands lines on, and ends the process with their source, whatever a decoder is at."""
    try:
        for line in source:
            lines.put(line)
    finally:
        os._exit(0)


def _serve(lines: queue.SimpleQueue[bytes], replies: BinaryIO) -> None:
    # Here, as the process is to listen first.
    from edgeiqa.chatter import without_chatter
    from edgeiqa.library.recipe import Recipe
    from edgeiqa.library.wire import packed
    from edgeiqa.scorerow import score_row

    start = json.loads(lines.get())
    recipe = Recipe.from_json(start["recipe"])
    with without_chatter():
        scorer, gate = recipe.opened()
    replies.write(b"ready\n")
    replies.flush()
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        while True:
            path = json.loads(lines.get())
            # Needs no cooperation of whatever hangs, as a thread of Python's would.
            faulthandler.dump_traceback_later(start["timeout_s"] + GRACE_S, exit=True, file=nowhere)
            reply = packed(score_row(path, scorer, gate, quick=recipe.quick))
            faulthandler.cancel_dump_traceback_later()
            replies.write(reply)
            replies.flush()


def _offer_to_the_oom_killer() -> None:
    """Has Linux end this process rather than the one that keeps the results, if memory is short."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as adjust:
        adjust.write("500")


if __name__ == "__main__":
    main()
