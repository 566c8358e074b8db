"""Writes the results of a stream as lines: JSON for programs, a table for people.

The keys of a JSON line are a contract: timestamp_ns, score, smoothed, std, causes, accept,
reasons, latency_ms, dropped, error. Event lines have event, message, attempt instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from edgeiqa.errors import OutputError
from edgeiqa.files.append import WholeLines
from edgeiqa.live.result import LiveResult
from edgeiqa.results.row import printable

if TYPE_CHECKING:
    from edgeiqa.sources.base import Event

FORMATS = ("table", "jsonl")

TABLE_EVERY_NS = 1_000_000_000
"""Interval of table lines; in between there is one for each change of the verdict."""


class Lines:
    """Writes complete lines immediately, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def result(self, result: LiveResult) -> None:
        """Writes the result for a frame."""
        raise NotImplementedError

    def event(self, event: Event) -> None:
        """Writes an event of the source."""
        raise NotImplementedError

    def finish(self, summary: str) -> None:
        """Writes the summary, in formats for people."""

    def _write(self, line: str) -> None:
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()


class JsonLines(Lines):
    """One JSON object for each scored frame, each error and each event."""

    def result(self, result: LiveResult) -> None:
        """Writes one line."""
        self._write(json.dumps(result.to_dict(), allow_nan=False))

    def event(self, event: Event) -> None:
        """Writes one line."""
        document = {"event": event.kind, "message": event.message, "attempt": event.attempt}
        self._write(json.dumps(document))


class TableLines(Lines):
    """For people: time, score, smoothed score, verdict and reasons."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._start_ns: int | None = None
        self._next_ns = 0
        self._last: object = None

    def result(self, result: LiveResult) -> None:
        """Writes a line if the verdict or its reasons changed, or a second has passed."""
        now = result.timestamp_ns or 0
        if self._start_ns is None:
            self._start_ns = self._next_ns = now
            self._write("    time  score  smooth  verdict")
        verdict = result.verdict
        causes = () if verdict is None else tuple(reason.cause for reason in verdict.reasons)
        state = (result.error, None if verdict is None else verdict.accept, causes)
        back = now < self._next_ns - 2 * TABLE_EVERY_NS  # The clock was set back.
        if now < self._next_ns and not back and state == self._last:
            return
        self._last, self._next_ns = state, now + TABLE_EVERY_NS
        score = "-" if result.quality is None else f"{result.quality.score:.1f}"
        smooth = "-" if result.smoothed is None else f"{result.smoothed.score:.1f}"
        word, remark = "-", ""
        if result.error is not None:
            word, remark = "error", printable(result.error)
        elif verdict is not None:
            word = "accept" if verdict.accept else "reject"
            remark = "; ".join(reason.sentence for reason in verdict.reasons)
        seconds = (now - self._start_ns) / 1e9
        self._write(f"{seconds:8.2f}  {score:>5}  {smooth:>6}  {word:<7}  {remark}".rstrip())

    def event(self, event: Event) -> None:
        """Writes one line."""
        attempt = f" ({event.attempt})" if event.attempt else ""
        self._write(f"# {event.kind}{attempt}: {printable(event.message)}")

    def finish(self, summary: str) -> None:
        """Writes the summary."""
        self._write(f"\n{summary}")


LINES: dict[str, type[Lines]] = {"table": TableLines, "jsonl": JsonLines}


@contextlib.contextmanager
def opened_lines(path: str | None, *, append: bool = False) -> Iterator[TextIO]:
    """Opens the destination of lines.

    A file grows by complete lines, so that it can be followed (`tail -f`) and a power failure
    costs little. The first line replaces an older file, unless `append` is set; then a file that
    is renamed or removed meanwhile, as by logrotate, is recreated by the next line.

    Args:
        path: A file; None, "-" or /dev/stdout for standard output.
        append: See above.

    Raises:
        OutputError: The file cannot be written, now or later; an OSError.
    """
    if path is None or path in ("-", "/dev/stdout"):
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    if os.path.isdir(path):
        raise OutputError(f"cannot write {path}: it is a folder")
    with _File(path, append) as stream:
        yield stream  # type: ignore[misc]


class _File:
    """A file for lines; without `append` the first write replaces its content."""

    def __init__(self, path: str, append: bool) -> None:
        self._path, self._append, self._fresh = path, append, False
        self._stream = self._open()

    def write(self, text: str) -> int:
        if self._append:
            self._follow()
        elif not self._fresh and self._stream.seekable():  # Not a pipe or a device.
            self._stream.truncate(0)
        self._fresh = True
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def _open(self) -> WholeLines:
        stream = WholeLines(self._path)
        if self._append and stream.seekable() and not self._ends_with_line():
            stream.write("\n")  # The last run was cut off in the middle of a line.
        return stream

    def _ends_with_line(self) -> bool:
        """Whether the file ends with a complete line, or is empty."""
        try:
            with open(self._path, "rb") as stream:
                stream.seek(-1, os.SEEK_END)
                return stream.read(1) == b"\n"
        except OSError:  # Empty, or writable but not readable.
            return True

    def _follow(self) -> None:
        """Reopens the path if it is another file by now."""
        try:
            same = os.path.samestat(os.stat(self._path), os.fstat(self._stream.fileno()))
        except FileNotFoundError:
            same = False
        if not same:
            self._stream.close()
            self._stream = self._open()
