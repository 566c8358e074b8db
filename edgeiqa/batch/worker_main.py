"""A process that scores: a message per picture on standard input, rows on standard output.

The first message says how rows are made, and may bring the model; "ready" answers it, or an object
with an error. Each further one names a picture, and may bring its bytes.

The process keeps nothing, so that it may be killed at any time. It ends by itself when its
standard input does, which is when whoever started it ends, in whatever way, kill -9 included.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import signal
import sys
import threading
import warnings
from typing import Any, BinaryIO, TypeAlias

from edgeiqa.batch.protocol import read_message, write_message

Messages: TypeAlias = queue.SimpleQueue[tuple[dict[str, Any], bytes | None]]

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
    messages: Messages = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, messages), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        _serve(messages, replies)
    os._exit(0)


def _read(source: BinaryIO, messages: Messages) -> None:
    """Hands messages on, and ends the process with their source, whatever a decoder is at."""
    code = 1
    try:
        while (message := read_message(source)) is not None:
            messages.put(message)
            del message  # Else a picture's bytes would stay until the next one comes.
        code = 0
    finally:
        os._exit(code)


def _serve(messages: Messages, replies: BinaryIO) -> None:
    # Here, as the process is to listen first.
    from edgeiqa.batch.protocol import packed
    from edgeiqa.batch.settings import Recipe
    from edgeiqa.inference.quiet import quiet_runtime
    from edgeiqa.results.score_row import error_line, score_row

    start, model = messages.get()
    recipe = Recipe.from_json(start["recipe"], model)
    try:
        with quiet_runtime():
            scorer, gate = recipe.opened()
    except Exception as error:
        write_message(replies, {"error": error_line(error)})
        return
    replies.write(b"ready\n")
    replies.flush()
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        while True:
            facts, picture = messages.get()
            # Needs no cooperation of whatever hangs, as a thread of Python's would.
            faulthandler.dump_traceback_later(start["timeout_s"] + GRACE_S, exit=True, file=nowhere)
            reply = packed(score_row(facts["path"], scorer, gate, picture, quick=recipe.quick))
            del picture
            faulthandler.cancel_dump_traceback_later()
            replies.write(reply)
            replies.flush()


def _offer_to_the_oom_killer() -> None:
    """Has Linux end this process rather than the one that keeps the results, if memory is short."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as adjust:
        adjust.write("500")


if __name__ == "__main__":
    main()
