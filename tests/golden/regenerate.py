"""Writes the golden scores anew, or compares them.

Usage: python tests/golden/regenerate.py [--check]

Do so when a model has changed on purpose, never to silence a test: the same model must give the
same scores on every machine, thread and version of the libraries.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.golden.entries import Document, documents  # noqa: E402

FOLDER = Path(__file__).resolve().parent


def golden(document: Document) -> dict[str, Any]:
    """Everything one file must hold."""
    pictures = {entry.title: document.golden(entry) for entry in document.entries()}
    return {**document.head(), "pictures": pictures}


def text(document: dict[str, Any]) -> str:
    """JSON with one picture a line, so that a difference is easy to read."""
    pictures = ",\n".join(
        f"  {json.dumps(title)}: {json.dumps(entry)}"
        for title, entry in document["pictures"].items()
    )
    head = json.dumps({k: v for k, v in document.items() if k != "pictures"})
    return f'{head[:-1]},\n "pictures": {{\n{pictures}\n }}}}\n'


def main() -> int:
    """Writes, or with --check compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell what would change")
    arguments = parser.parse_args()
    changed = 0
    for document in documents():
        name = document.name
        path = FOLDER / f"{name}.json"
        new = text(golden(document))
        same = path.is_file() and path.read_text(encoding="utf-8") == new
        print(f"{path.name}: {'as it was' if same else 'changed'}")
        changed += not same
        if not arguments.check:
            path.write_text(new, encoding="utf-8")
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
