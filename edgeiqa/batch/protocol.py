"""Messages between processes: a line of JSON, followed by the bytes that it announces.

JSON and not pickle, so that a process that was taken over by a malicious file can send nothing but
data. Imports nothing heavy: a worker listens before it has a decoder or a model.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, BinaryIO, TypeAlias

from edgeiqa.errors import EdgeIQAError
from edgeiqa.gating.gate import Reason
from edgeiqa.results.row import Row

MAX_BYTES = 1 << 30
"""The most bytes that may follow a line; `edgeiqa.imaging.decode` reads as many from a stream."""

Content: TypeAlias = bytes | bytearray | memoryview

_SIZE = "bytes"


class MessageError(EdgeIQAError, ValueError):
    """Data that is not a message, or too much of it."""


def pack_row(row: Row) -> bytes:
    """A row as a line, exact to the last bit."""
    return _line(asdict(row))


def unpack_row(line: bytes) -> Row:
    """Restores what `pack_row` made."""
    document = json.loads(line)
    reasons = tuple(Reason(**reason) for reason in document.pop("reasons"))
    return Row(reasons=reasons, **document)


def write_message(stream: BinaryIO, facts: dict[str, Any], content: Content | None = None) -> None:
    """Sends a message.

    Args:
        stream: A pipe.
        facts: Ready for JSON, without a key "bytes".
        content: Bytes to follow the line; None, unlike b"", for none.

    Raises:
        MessageError: More than `MAX_BYTES`; nothing was sent.
        OSError: Nobody reads any more.
    """
    if content is None:
        stream.write(_line(facts))
    else:
        view = memoryview(content).cast("B")
        if view.nbytes > MAX_BYTES:
            raise MessageError(f"{view.nbytes} bytes, at most {MAX_BYTES} can be sent")
        stream.write(_line({**facts, _SIZE: view.nbytes}))
        stream.write(view)
    stream.flush()


def read_message(stream: BinaryIO) -> tuple[dict[str, Any], bytes | None] | None:
    """Waits for a message.

    Returns:
        The facts, and the bytes that followed or None; None if the stream has ended, also in the
        middle of a message.

    Raises:
        MessageError: Not a JSON object, or an invalid number of bytes.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    try:
        facts = json.loads(line)
    except ValueError as error:
        raise MessageError(f"not JSON: {line[:60]!r}") from error
    if not isinstance(facts, dict):
        raise MessageError(f"a JSON {type(facts).__name__}, expected an object")
    size = facts.pop(_SIZE, None)
    if size is None:
        return facts, None
    if type(size) is not int or not 0 <= size <= MAX_BYTES:
        raise MessageError(f"{size!r} bytes are announced, expected 0 to {MAX_BYTES}")
    content = stream.read(size)
    return (facts, content) if len(content) == size else None


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"  # ASCII: odd bytes in names as \u escapes.
