"""The files of the page, by the address at which they are served.

| address | what |
| --- | --- |
| `./`, `app.js`, ... | the page, from `web/page` |
| `core/` | the JavaScript package, from `web/core` |
| `models/` | base, nano and causes, the files that Python runs |
| `litert/` | LiteRT in WebAssembly, out of `litert.tar.xz` |
| `assets.js` | the list of all of them, for the service worker |

`web` is a folder of a checkout; a wheel has it within this package.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import write_atomically
from edgeiqa.inference.model import CAUSES, available_models, find

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1] / "web"
RUNTIME = HERE / "litert.tar.xz"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".tflite": "application/octet-stream",
    ".webmanifest": "application/manifest+json",
}
"""Media type per suffix; other files are not served."""


class SiteError(EdgeIQAError, OSError):
    """A part of the page is missing; the text is for the user."""


class Site:
    """All files of the page.

    Attributes:
        runtime: The archive or folder that LiteRT is read from.
    """

    def __init__(self, runtime: Path = RUNTIME) -> None:
        """Looks whether everything is there; reads little yet.

        Args:
            runtime: `litert.tar.xz` as `scripts/web/vendor.py` makes it, or the folder `wasm` of
                the npm package @litertjs/core.

        Raises:
            SiteError: The page or the runtime is missing.
        """
        self.runtime = runtime
        if not runtime.exists():
            raise SiteError(
                f"no runtime for browsers at {runtime}: this edgeiqa was built without it. In a "
                "checkout, `python scripts/web/vendor.py` fetches it; or take the folder `wasm` of "
                "the npm package @litertjs/core and name it with --runtime"
            )
        parts = dict(_own_files())
        if "index.html" not in parts:
            raise SiteError(f"no page in {HERE} or {CHECKOUT}: edgeiqa is not installed completely")
        for name in (*available_models(), CAUSES):
            parts[f"models/{name}.tflite"] = find(name)
        self._parts = parts

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """Contents by address, relative to the page, all of them; the page itself is "index.html".

        Raises:
            SiteError: The runtime cannot be read.
        """
        files = {address: path.read_bytes() for address, path in sorted(self._parts.items())}
        files |= {f"litert/{name}": data for name, data in self._read_runtime()}
        digest = hashlib.sha256()
        for address, data in sorted(files.items()):
            digest.update(f"{address} {len(data)} ".encode())
            digest.update(data)
        listed = ["./", *(address for address in sorted(files) if address != "sw.js")]
        assets = {"version": digest.hexdigest()[:16], "files": listed}
        files["assets.js"] = f"self.ASSETS = {json.dumps(assets)};\n".encode()
        return files

    def export(self, folder: Path) -> int:
        """Writes all files into a folder, for a web server of one's own.

        Args:
            folder: Made where it is missing; files of the same names are overwritten.

        Returns:
            How many files were written.

        Raises:
            OSError: One cannot be written.
        """
        for address, data in self.files.items():
            path = folder / address
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        return len(self.files)

    def _read_runtime(self) -> Iterator[tuple[str, bytes]]:
        if self.runtime.is_dir():
            names = [p for p in sorted(self.runtime.iterdir()) if p.suffix in (".js", ".wasm")]
            if not any(path.suffix == ".wasm" for path in names):
                raise SiteError(f"{self.runtime} has no .wasm file")
            for path in names:
                yield path.name, path.read_bytes()
            return
        packed = io.BytesIO(self.runtime.read_bytes())
        try:
            with tarfile.open(fileobj=packed, mode="r:xz") as archive:
                for member in archive:
                    content = archive.extractfile(member)
                    if content is not None:
                        yield member.name, content.read()
        except (tarfile.TarError, EOFError) as error:
            raise SiteError(f"{self.runtime} is damaged: {error}") from error


def _own_files() -> Iterator[tuple[str, Path]]:
    """The page and the JavaScript package, wherever they lie."""
    root = HERE if (HERE / "page").is_dir() else CHECKOUT
    for folder, prefix in ((root / "page", ""), (root / "core", "core/")):
        if not folder.is_dir():
            continue
        for path in folder.iterdir():
            if path.suffix in TYPES:
                yield prefix + path.name, path
