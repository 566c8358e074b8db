"""Messages between processes: a line of JSON, and after it the bytes that it announces.

JSON and not pickle, so that a process that was taken over by a file can send nothing but data.
Loads nothing heavy: a worker listens before it has a decoder or a model.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, BinaryIO, TypeAlias

from edgeiqa.errors import EdgeIQAError
from edgeiqa.gating.gate import Reason, Verdict
from edgeiqa.quality import Quality
from edgeiqa.results.row import Row


def packed(row: Row) -> bytes:
    """A row as a line.

    Args:
        row: Of its quality score, std and causes are sent; nobody who gets rows asks for more.
    """
    quality, verdict = row.quality, row.verdict
    document: dict[str, Any] = {"path": row.path, "error": row.error}
    if quality is not None:
        document["quality"] = [quality.score, quality.std, quality.causes]
    if verdict is not None:
        document["verdict"] = asdict(verdict)
    if row.more is not None:
        document["more"] = dict(row.more)
    return json.dumps(document).encode() + b"\n"  # ASCII: odd bytes in names as \u escapes.


def unpacked(line: bytes) -> Row:
    """What `packed` made a line of, to the last bit."""
    document = json.loads(line)
    quality = verdict = None
    if "quality" in document:
        score, std, causes = document["quality"]
        quality = Quality(score, std, causes=causes)
    if "verdict" in document:
        told = document["verdict"]
        reasons = tuple(Reason(**reason) for reason in told["reasons"])
        verdict = Verdict(told["accept"], reasons)
    return Row(document["path"], quality, verdict, document["error"], document.get("more"))


MOST_BYTES = 1 << 30
"""So many bytes may follow a line: as many as `edgeiqa.imaging.decode` takes from a stream."""

Content: TypeAlias = bytes | bytearray | memoryview

_SIZE = "bytes"


class MessageError(EdgeIQAError, ValueError):
    """What came is no message."""


def write_message(stream: BinaryIO, facts: dict[str, Any], content: Content | None = None) -> None:
    """Sends a message.

    Args:
        stream: Of a pipe.
        facts: Ready for JSON, without a key "bytes".
        content: Follows the line as it is; None for nothing, which is something else than b"".

    Raises:
        MessageError: More than `MOST_BYTES`; nothing was sent.
        OSError: Nobody reads any more.
    """
    if content is None:
        stream.write(_line(facts))
    else:
        view = memoryview(content).cast("B")
        if view.nbytes > MOST_BYTES:
            raise MessageError(f"{view.nbytes} bytes, at most {MOST_BYTES} can be sent")
        stream.write(_line({**facts, _SIZE: view.nbytes}))
        stream.write(view)
    stream.flush()


def read_message(stream: BinaryIO) -> tuple[dict[str, Any], bytes | None] | None:
    """Waits for a message.

    Args:
        stream: Of a pipe.

    Returns:
        The facts, and the bytes that followed or None; None if the stream has ended, be it in
        the middle of a message.

    Raises:
        MessageError: No JSON object, or a number of bytes that is none or above `MOST_BYTES`.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    try:
        facts = json.loads(line)
    except ValueError as error:
        raise MessageError(f"no JSON: {line[:60]!r}") from error
    if not isinstance(facts, dict):
        raise MessageError(f"a JSON {type(facts).__name__}, expected an object")
    size = facts.pop(_SIZE, None)
    if size is None:
        return facts, None
    if type(size) is not int or not 0 <= size <= MOST_BYTES:
        raise MessageError(f"{size!r} bytes are announced, expected 0 to {MOST_BYTES}")
    content = stream.read(size)
    return (facts, content) if len(content) == size else None


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"  # ASCII: odd bytes in names as \u escapes.
