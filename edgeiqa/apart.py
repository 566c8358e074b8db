"""Scores in a process of its own, so that a picture that takes its process with it is one error.

A decoder that crashes, a picture that eats all memory, a kill from outside: none of them can be
caught in Python. Where millions of pictures come from strangers, that must not end the work. The
process beside talks through its standard input and output, in lines of JSON; it ends by itself
when whoever started it is gone, however that came about.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from edgeiqa.gate import Gate
from edgeiqa.model import DEFAULT
from edgeiqa.output import Row
from edgeiqa.scorer import Scorer
from edgeiqa.scorerow import error_line, score_row

TIMEOUT = 600.0
"""Seconds for one picture; 200 megapixels of JPEG 2000 take less than a minute."""

_START = 120.0
_CODE = "from edgeiqa.apart import serve; serve()"


class Wishes(NamedTuple):
    """What to score with, as `edgeiqa score` takes it.

    Attributes:
        model: Name of a shipped model, path of a .tflite, or its bytes.
        gate: A preset; None for "normal" where the model has it.
        min_score: A least score 0-100 instead of a preset.
        max_causes: Limits 0-1 per cause.
    """

    model: str | os.PathLike[str] | bytes = DEFAULT
    gate: str | None = None
    min_score: float | None = None
    max_causes: Mapping[str, float] | None = None

    def opened(self) -> tuple[Scorer, Gate | None]:
        """The scorer, with one thread, and its gate; None for a model without presets.

        Raises:
            ModelError: No such model, or one at odds with its contract.
            ContractError: A .tflite without a contract, or with a damaged or newer one.
            ValueError: No such preset, cause or limit.
        """
        scorer = Scorer(self.model, threads=1)
        limits = dict(self.max_causes or {})
        least = self.min_score
        if self.gate is None and least is None and "normal" not in scorer.contract.gate:
            # As in `edgeiqa score`: a model of the user's own may come without a gate.
            if not limits:
                return scorer, None
            least = 0.0
        return scorer, scorer.gate(self.gate or "normal", min_score=least, max_causes=limits)


class ApartScorer:
    """A scorer in a process of its own; for one thread at a time.

    A picture that ends the process is tried once more in a new one, as the end may have come
    from outside; if that ends, too, the picture's row says so.
    """

    def __init__(self, wishes: Wishes, *, timeout: float = TIMEOUT) -> None:
        """Starts the process and waits until it has opened the model.

        Args:
            wishes: What to score with.
            timeout: Seconds that one picture may take before its process is ended.

        Raises:
            RuntimeError: The model or gate cannot be opened there; the message says why.
        """
        self._wishes = wishes
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._started()

    @property
    def pid(self) -> int | None:
        """The number of the process; None if none is running."""
        return None if self._process is None else self._process.pid

    def row(self, name: str, source: str | bytes | bytearray | memoryview) -> dict[str, Any]:
        """Scores one picture.

        Args:
            name: As the row is to show it.
            source: Path of a file, or the bytes of one.

        Returns:
            What `Row.to_dict` makes of `score_row`; with an error where the process ended.
        """
        why = ""
        for _ in range(2):
            try:
                process = self._started()
                return self._asked(process, name, source)
            except _EndedError as ended:
                why = str(ended)
        return Row(name, error=f"scoring it ended its process twice ({why})").to_dict()

    def close(self) -> None:
        """Ends the process; the next `row` would start a new one."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            return self._process
        places = os.pathsep.join(os.path.abspath(place) for place in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # It finds modules where this process does: Ray, say, may have brought them along.
            env={**os.environ, "PYTHONPATH": places, "PYTHONSAFEPATH": "1"},
        )
        self._process = process
        model, gate, min_score, max_causes = self._wishes
        facts: dict[str, Any] = {"gate": gate, "min_score": min_score}
        facts["max_causes"] = dict(max_causes or {})
        content = bytes(model) if isinstance(model, (bytes, bytearray)) else None
        facts["model"] = None if isinstance(model, (bytes, bytearray)) else os.fspath(model)
        try:
            answer = self._answer(process, facts, content, _START)
        except _EndedError as ended:
            raise RuntimeError(f"the process for scoring did not start ({ended})") from ended
        if answer.get("error") is not None:
            self.close()
            raise RuntimeError(answer["error"])
        return process

    def _asked(
        self, process: subprocess.Popen[bytes], name: str, source: str | bytes | Any
    ) -> dict[str, Any]:
        data = None if isinstance(source, str) else source
        facts = {"name": name, "path": source if isinstance(source, str) else None}
        return self._answer(process, facts, data, self._timeout)

    def _answer(
        self, process: subprocess.Popen[bytes], facts: dict[str, Any], data: Any, seconds: float
    ) -> dict[str, Any]:
        """Sends a request and waits for its answer, a line of JSON."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _send(process.stdin, facts, data)
            line = _line_within(process.stdout, seconds)
        except TimeoutError:
            self.close()
            raise _EndedError(f"no result after {seconds:g} s") from None
        except OSError:  # A pipe that nobody reads from any more.
            line = b""
        if line.endswith(b"\n"):
            found: dict[str, Any] = json.loads(line)
            return found
        code = process.wait()
        self.close()
        raise _EndedError(_ending(code))


class _EndedError(Exception):
    """The process is no more; the text says how it ended."""


def serve() -> None:
    """What the process does: answers requests on standard input until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # An interrupt is its starter's business.
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever prints must not print into an answer.
    request = _receive(source)
    if request is None:
        return
    facts, model = request
    try:
        given = facts["model"] if model is None else model
        wishes = Wishes(given, facts["gate"], facts["min_score"], facts["max_causes"])
        scorer, gate = wishes.opened()
    except Exception as error:
        _send(sink, {"error": error_line(error)})
        return
    _send(sink, {"error": None})
    while (request := _receive(source)) is not None:
        facts, data = request
        picture = facts["path"] if data is None else data
        _send(sink, score_row(facts["name"], scorer, gate, picture).to_dict())


def _send(stream: BinaryIO | Any, facts: dict[str, Any], data: Any = None) -> None:
    """A line of JSON, and the bytes that it announces."""
    size = None if data is None else len(data)
    # As \u escapes a name that is no valid UTF-8 survives, too.
    stream.write(json.dumps({**facts, **({} if size is None else {"bytes": size})}).encode())
    stream.write(b"\n")
    if data is not None:
        stream.write(data)
    stream.flush()


def _receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes | None] | None:
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    facts = json.loads(line)
    size = facts.pop("bytes", None)
    if size is None:
        return facts, None
    data = stream.read(size)
    return (facts, data) if len(data) == size else None


def _line_within(stream: Any, seconds: float) -> bytes:
    """One line, or what came of it before the end; TimeoutError when time is up."""
    line = b""
    until = time.monotonic() + seconds
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise TimeoutError
        piece = os.read(stream.fileno(), 1 << 16)
        if not piece:
            break
        line += piece
    return line


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
