"""The worker process: reads a message per picture from standard input and writes rows.

The first message holds the settings and possibly the model; "ready" answers it, or an object with
an error. Each further message names a picture and may carry its bytes.

The process keeps nothing, so that it may be killed at any time. It ends with its standard input,
that is, with the process that started it, however that ended.
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
"""Seconds beyond the time limit after which a worker ends by itself, if nobody killed it."""


def main() -> None:
    """Runs until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it decides.
    warnings.simplefilter("ignore")
    # What libraries print must not end up among the rows.
    replies = os.fdopen(os.dup(1), "wb")
    try:
        os.dup2(2, 1)
    except OSError:  # No standard error, as under some services.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _volunteer_for_the_oom_killer()
    messages: Messages = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, messages), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        _serve(messages, replies)
    os._exit(0)


def _read(source: BinaryIO, messages: Messages) -> None:
    """Queues messages, and ends the process with their source, whatever a decoder is doing."""
    code = 1
    try:
        while (message := read_message(source)) is not None:
            messages.put(message)
            del message  # Else a picture's bytes would stay until the next one comes.
        code = 0
    finally:
        os._exit(code)


def _serve(messages: Messages, replies: BinaryIO) -> None:
    # Imported here, since the process has to listen first.
    from edgeiqa.batch.protocol import pack_row
    from edgeiqa.batch.settings import ScoreSettings
    from edgeiqa.results.score_row import error_line, score_row

    start, model = messages.get()
    settings = ScoreSettings.from_json(start["settings"], model)
    try:
        scorer, gate = settings.open()
    except Exception as error:
        write_message(replies, {"error": error_line(error)})
        return
    replies.write(b"ready\n")
    replies.flush()
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        while True:
            facts, picture = messages.get()
            # Works even if a decoder hangs without releasing Python's lock, unlike a thread.
            faulthandler.dump_traceback_later(start["timeout_s"] + GRACE_S, exit=True, file=nowhere)
            reply = pack_row(score_row(facts["path"], scorer, gate, picture, quick=settings.quick))
            del picture
            faulthandler.cancel_dump_traceback_later()
            replies.write(reply)
            replies.flush()


def _volunteer_for_the_oom_killer() -> None:
    """Has Linux kill this process rather than the one with the results if memory is short."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as adjust:
        adjust.write("500")


if __name__ == "__main__":
    main()
