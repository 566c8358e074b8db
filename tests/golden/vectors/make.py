"""Writes the golden vectors anew, or compares them.

Usage: python tests/golden/vectors/make.py [--check]

Do so when the preprocessing, a model or the gate has changed on purpose; then Kotlin and JavaScript
have to follow. README.md beside this file says what is in the files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2]))

from tests.golden.vectors import bad, sequences  # noqa: E402
from tests.golden.vectors.cases import photo_files  # noqa: E402
from tests.golden.vectors.expected import Expected  # noqa: E402

BYTES = FOLDER / "bytes"
TOLERANCE = 1e-9


def write_photos() -> None:
    """Writes the files that vectors read their pixels from, as they must be there first."""
    BYTES.mkdir(exist_ok=True)
    for name, data in photo_files():
        (FOLDER / name).write_bytes(data)


def files() -> Iterator[tuple[str, bytes]]:
    """Names and contents of all files; the photographs have to be in place."""
    yield from photo_files()
    expected = Expected()
    vectors = []
    for vector, kept in expected.vectors():
        if kept:
            vector["tensorFiles"] = list(kept)
        vectors.append(vector)
        yield from kept.items()
    resizes = list(expected.resizes())
    head = {"format": 1, "models": expected.heads()}
    yield "index.json", _lines(head, {"vectors": vectors, "resizes": resizes})
    yield "bad.json", _lines({"format": 1}, {"frames": bad.frames(), "models": bad.models()})
    yield "sequences.json", _lines({"format": 1}, sequences.everything())


def _lines(head: Mapping[str, Any], lists: Mapping[str, Iterable[Any]]) -> bytes:
    """JSON with one entry of a list a line, so that a difference is easy to read."""
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for key, entries in lists.items():
        lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in entries)
        parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
    return ("{" + ",\n".join(parts) + "}\n").encode()


def difference(old: bytes, new: bytes) -> str:
    """Where two files differ, "" if nowhere; fractions in JSON may by 1e-9, as `exp` does."""
    if old == new:
        return ""
    if not (old.startswith(b"{") and new.startswith(b"{")):
        return f"{len(old)} other bytes than the {len(new)} expected"
    return _apart(json.loads(old), json.loads(new), "")


def _apart(old: Any, new: Any, where: str) -> str:
    if isinstance(old, float) and isinstance(new, float) and abs(old - new) <= TOLERANCE:
        return ""
    if isinstance(old, dict) and isinstance(new, dict) and list(old) == list(new):
        found = (_apart(old[key], new[key], f"{where}.{key}") for key in old)
        return next(filter(None, found), "")
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        numbered = enumerate(zip(old, new, strict=True))
        found = (_apart(one, other, f"{where}[{n}]") for n, (one, other) in numbered)
        return next(filter(None, found), "")
    return "" if old == new else f"{where} is {str(old)[:80]}, expected {str(new)[:80]}"


def main() -> int:
    """Writes, or with --check compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only report what would change")
    arguments = parser.parse_args()
    if not arguments.check:
        write_photos()
    changed, wanted = 0, {FOLDER / "README.md"}
    for name, data in files():
        path = FOLDER / name
        wanted.add(path)
        if path.is_file() and not difference(path.read_bytes(), data):
            continue
        changed += 1
        print(f"{name}: changed")
        if not arguments.check:
            path.write_bytes(data)
    for path in sorted(set(BYTES.iterdir()) - wanted):
        changed += 1
        print(f"{path.name}: no vector needs it any more")
        if not arguments.check:
            path.unlink()
    print(f"{len(wanted) - 1} files, {changed} changed")
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
