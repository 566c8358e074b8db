"""The page with the tests' own files beside it, served as `edgeiqa web` does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgeiqa import sample_paths
from edgeiqa.web.server import PageServer
from edgeiqa.web.site import Site

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "golden" / "vectors"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


def own_files() -> Iterator[tuple[str, bytes]]:
    """What tests load into the page."""
    for path in Path(__file__).parent.glob("*.js"):
        yield f"tests/{path.name}", path.read_bytes()
    yield "tests/sample.jpg", sample_paths()[0].read_bytes()
    for path in (*VECTORS.glob("*.json"), *VECTORS.glob("bytes/*")):
        yield f"tests/vectors/{path.relative_to(VECTORS).as_posix()}", path.read_bytes()


@contextmanager
def served(changes: Mapping[str, bytes | None] | None = None) -> Iterator[str]:
    """Serves the page on a free port.

    Args:
        changes: Other contents of some files; None for a file that is not there.

    Yields:
        Its address.
    """
    files = {**Site().files, **dict(own_files())}
    for name, data in (changes or {}).items():
        if data is None:
            del files[name]
        else:
            files[name] = data
    server = PageServer(files, 0)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(5)
