"""Rows between processes: one JSON object a line, with all digits.

JSON and not pickle, so that a process whose decoder was taken over by a file can send nothing but
a wrong row.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from edgeiqa.gate import Reason, Verdict
from edgeiqa.output import Row
from edgeiqa.quality import Quality


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
