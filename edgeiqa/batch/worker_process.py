"""One worker process as seen from the process that started it: started, asked, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from edgeiqa.batch.protocol import Content, MessageError, unpacked, write_message
from edgeiqa.batch.settings import Recipe
from edgeiqa.errors import WorkerError
from edgeiqa.results.row import Row

# Not `-m`, which would look for modules in the current folder, whoever may have put them there.
_CODE = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from edgeiqa.batch.worker_main import main; main()"
)

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_START_S = 120.0
"""Most seconds for the start, on the slowest of machines."""

_MOST_ANSWER = 1 << 24
"""A longer line is no row."""

_TRIES_AFTER_S = (0.5, 2.0, 8.0)
"""A start that fails is tried again after so many seconds: memory may be short for a moment."""


def worker_command() -> list[str]:
    """What starts a worker with this very Python and this very package.

    Raises:
        WorkerError: This program has no Python to start, such as one that was frozen.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise WorkerError("there is no Python here to start worker processes with")
    places = [os.path.abspath(place) for place in sys.path]
    # Names of files are to mean the same bytes there.
    encoding = f"utf8={sys.flags.utf8_mode}"
    return [sys.executable, "-I", "-X", encoding, "-c", _CODE, json.dumps(places)]


class WorkerProcess:
    """A worker process, made anew whenever it has died.

    Used by one thread, but for `overdue` and `kill`, which any thread may call.
    """

    def __init__(
        self, recipe: Recipe, timeout_s: float, command: Sequence[str], *, tries: int = 1
    ) -> None:
        """Takes what is needed to start it.

        Args:
            recipe: How rows are made.
            timeout_s: Most seconds for one picture.
            command: See `worker_command`.
            tries: How often a picture may end its process before that is the row's error; with
                2 a process that is killed from outside costs nothing.
        """
        self._recipe = recipe
        self._timeout_s = timeout_s
        self._command = list(command)
        self._tries = tries
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline: float | None = None
        self._late = False
        self._stopped = threading.Event()

    @property
    def pid(self) -> int | None:
        """The number of the process; None if there is none."""
        process = self._process
        return None if process is None else process.pid

    def score(self, path: str, content: Content | None = None) -> Row:
        """Scores one picture; whatever happens to the process becomes the row's error.

        Args:
            path: Of a file.
            content: The bytes of the picture; the path is then only shown.

        Raises:
            WorkerError: The process cannot be started.
        """
        told = ""
        for _ in range(self._tries):
            if self._process is None:
                self.start()
            try:
                answer = self._ask({"path": path}, content, self._timeout_s)
            except MessageError as error:
                return Row(path, error=str(error))
            if answer.endswith(b"\n"):
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    row = unpacked(answer)
                    if row.path == path:
                        return row
            # What is left of it is of no use: it died on the way, or talks nonsense.
            told = self._told(self._end())
        return Row(path, error=told if self._tries == 1 else f"{told}; tried {self._tries} times")

    def start(self) -> None:
        """Starts the process and waits until it has opened the model.

        Raises:
            WorkerError: It cannot be started, however often.
        """
        for pause_s in _TRIES_AFTER_S:
            try:
                self._start()
                return
            except WorkerError:
                if self._stopped.wait(pause_s):
                    return
        self._start()

    def _start(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, **_ONE_THREAD},
                    start_new_session=True,  # Ctrl-C is not for it.
                )
            except OSError as error:
                raise WorkerError(f"a worker process cannot be started: {error}") from error
        head = {"recipe": self._recipe.to_json(), "timeout_s": self._timeout_s}
        answer = self._ask(head, self._recipe.model_bytes, _START_S)
        if answer == b"ready\n":
            return
        code = self._end()
        if self._stopped.is_set():
            return
        with contextlib.suppress(ValueError, LookupError, TypeError):
            raise WorkerError(f"a worker process did not start: {json.loads(answer)['error']}")
        raise WorkerError(f"a worker process did not start, it ended with {code}")

    def overdue(self) -> None:
        """Kills the process if it has been at one picture for too long."""
        with self._lock:
            if self._deadline is None or time.monotonic() < self._deadline:
                return
            self._late = True
            if self._process is not None:
                self._process.kill()

    def kill(self) -> None:
        """Ends the process for good, whatever it is at; it has nothing to lose."""
        with self._lock:
            self._stopped.set()
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Ends the process for good and buries it; for the thread that uses it."""
        self.kill()
        self._end()

    def _ask(self, facts: dict[str, Any], content: Content | None, most_s: float) -> bytes:
        """Sends a message and waits for the line that comes back; less if the process dies.

        Raises:
            MessageError: There is too much of it; the process knows nothing of it.
        """
        process = self._process
        if process is None:
            return b""
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            self._deadline, self._late = time.monotonic() + most_s, False
        try:
            write_message(cast("BinaryIO", process.stdin), facts, content)
            return process.stdout.readline(_MOST_ANSWER)
        except OSError:
            return b""
        finally:
            with self._lock:
                self._deadline = None

    def _end(self) -> int:
        """Buries the process; returns its exit code, below 0 for a signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        # It is dead or about to be; if not, without an input it ends.
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            return process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _told(self, code: int) -> str:
        if self._late:
            return f"no answer within {self._timeout_s:g} s, see --timeout"
        if code == -getattr(signal, "SIGKILL", 9):
            return "the process that decoded it was killed, perhaps for want of memory (SIGKILL)"
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"the decoder crashed on it ({name})"
        return f"the decoder crashed on it (exit code {code})"
