"""One worker process as its parent sees it: start, ask, terminate."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from edgeiqa.batch.protocol import Content, MessageError, unpack_row, write_message
from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.errors import WorkerError
from edgeiqa.results.row import Row

CHECK_S = 0.25
"""Seconds between checks for timed-out workers."""

# Not `-m`, which would look for modules in the current folder, whoever may have put them there.
_CODE = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from edgeiqa.batch.worker_main import main; main()"
)

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_START_TIMEOUT_S = 120.0

_STALL_S = 5.0
"""A longer time between two checks means that this process was stopped itself (Ctrl-Z, suspend)."""

_MAX_ANSWER = 1 << 24
"""A longer line is not a row."""

_RETRY_DELAYS_S = (0.5, 2.0, 8.0)
"""A start that fails is repeated after these delays: memory may be short for a moment."""


def worker_command() -> list[str]:
    """The command that starts a worker with this very Python and this very package.

    Raises:
        WorkerError: There is no Python to start, as in a frozen program.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise WorkerError("there is no Python here to start worker processes with")
    places = [os.path.abspath(place) for place in sys.path]
    # File names must mean the same bytes there.
    encoding = f"utf8={sys.flags.utf8_mode}"
    return [sys.executable, "-I", "-X", encoding, "-c", _CODE, json.dumps(places)]


class WorkerProcess:
    """A worker process that is restarted whenever it has died.

    For one thread, except that any thread may call `check_timeout` and `kill`.
    """

    def __init__(
        self, settings: ScoreSettings, timeout_s: float, command: Sequence[str], *, tries: int = 1
    ) -> None:
        """Does not start the process yet.

        Args:
            settings: How rows are made.
            timeout_s: Seconds after which a picture is given up and the process killed.
            command: See `worker_command`.
            tries: How often a picture may end its process before that is the error of its row;
                with 2, a process that is killed from outside costs nothing.
        """
        self._settings = settings
        self._timeout_s = timeout_s
        self._command = list(command)
        self._tries = tries
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = self._checked = 0.0
        self._deadline: float | None = None
        self._timed_out = self._stalled = False
        self._stopped = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process ID; None if there is no process."""
        process = self._process
        return None if process is None else process.pid

    def score(self, path: str, content: Content | None = None) -> Row:
        """Scores one picture; whatever happens to the process becomes the row's error.

        Args:
            path: A file.
            content: The bytes of the picture; the path is then only shown.

        Raises:
            WorkerError: The process cannot be started.
        """
        failures, forgiven, reason = 0, False, ""
        while failures < self._tries:
            if self._process is None:
                self.start()
            try:
                answer = self._ask({"path": path}, content, self._timeout_s)
            except MessageError as error:
                return Row(path, error=str(error))
            if answer.endswith(b"\n"):
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    row = unpack_row(answer)
                    if row.path == path:
                        return row
            # It died, or sent nonsense.
            reason = self._end_reason(self._end())
            if self._stalled and not forgiven and not self._stopped.is_set():
                forgiven = True  # The stop may be the reason, not the picture.
            else:
                failures += 1
        return Row(path, error=reason if self._tries == 1 else f"{reason}; tried {failures} times")

    def start(self) -> None:
        """Starts the process and waits until it has opened the model.

        Raises:
            WorkerError: It cannot be started, even after several attempts.
        """
        for delay_s in _RETRY_DELAYS_S:
            try:
                self._start()
                return
            except WorkerError:
                if self._stopped.wait(delay_s):
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
                    start_new_session=True,  # Keeps Ctrl-C away from it.
                )
            except OSError as error:
                raise WorkerError(f"a worker process cannot be started: {error}") from error
        head = {"settings": self._settings.to_json(), "timeout_s": self._timeout_s}
        answer = self._ask(head, self._settings.model_bytes, _START_TIMEOUT_S)
        if answer == b"ready\n":
            return
        code = self._end()
        if self._stopped.is_set():
            return
        with contextlib.suppress(ValueError, LookupError, TypeError):
            raise WorkerError(f"a worker process did not start: {json.loads(answer)['error']}")
        raise WorkerError(f"a worker process did not start, it ended with {code}")

    def check_timeout(self) -> None:
        """Kills the process if it exceeds the time limit; to be called every `CHECK_S`."""
        with self._lock:
            now = time.monotonic()
            gap, self._checked = now - self._checked, now
            if self._deadline is None:
                return
            if gap > _STALL_S:
                self._deadline += min(gap, now - self._asked)
                self._stalled = True
            if now < self._deadline or self._process is None:
                return
            if _is_readable(self._process.stdout):
                return  # The answer is there, only not read yet.
            self._timed_out = True
            self._process.kill()

    def kill(self) -> None:
        """Terminates the process for good; it has nothing to lose."""
        with self._lock:
            self._stopped.set()
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Terminates and reaps the process; for the thread that uses it."""
        self.kill()
        self._end()

    def _ask(self, facts: dict[str, Any], content: Content | None, timeout_s: float) -> bytes:
        """Sends a message and waits for the line that answers it; less if the process dies.

        Raises:
            MessageError: The message is too large; nothing was sent.
        """
        process = self._process
        if process is None:
            return b""
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            self._asked = time.monotonic()
            self._deadline = self._asked + timeout_s
            self._timed_out = self._stalled = False
        try:
            write_message(cast("BinaryIO", process.stdin), facts, content)
            return process.stdout.readline(_MAX_ANSWER)
        except OSError:
            return b""
        finally:
            with self._lock:
                self._deadline = None

    def _end(self) -> int:
        """Reaps the process; returns its exit code, negative for a signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        # It is dead or about to be; without an input it ends at the latest.
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            return process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _end_reason(self, code: int) -> str:
        if self._timed_out:
            return f"no answer within {self._timeout_s:g} s, see --timeout"
        if code == -getattr(signal, "SIGKILL", 9):
            return "the process that decoded it was killed, perhaps for lack of memory (SIGKILL)"
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"the decoder crashed on it ({name})"
        return f"the decoder crashed on it (exit code {code})"


def _is_readable(stream: Any) -> bool:
    if stream is None or not hasattr(select, "poll"):  # No poll on Windows.
        return False
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(0))
