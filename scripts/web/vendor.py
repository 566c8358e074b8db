"""Fetches LiteRT for the browser from npm and packs it for `edgeiqa web`.

Usage: python scripts/web/vendor.py

`npm ci` installs what web/package-lock.json pins by version and checksum into web/node_modules; of
that, the two builds of the runtime that the page uses go into edgeiqa/web/litert.tar.xz. Neither is
committed; a wheel that is built while the archive is there contains it. The same files give the
same archive, byte for byte.
"""

from __future__ import annotations

import argparse
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
SOURCE = WEB / "node_modules" / "@litertjs" / "core" / "wasm"
TARGET = ROOT / "edgeiqa" / "web" / "litert.tar.xz"

BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal")
"""With relaxed SIMD, and for browsers without it. They differ little, so that both together are
hardly larger than one once compressed."""

# A dictionary wider than one build, so that the second is found in the first.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 24}]


def install() -> None:
    """Installs what the lock file names; does nothing where that was done already."""
    lock, done = WEB / "package-lock.json", WEB / "node_modules" / ".edgeiqa-lock"
    if done.is_file() and done.read_bytes() == lock.read_bytes():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed; Node.js 18 or later brings it")
    subprocess.run([npm, "ci", "--ignore-scripts", "--silent"], cwd=WEB, check=True)
    done.write_bytes(lock.read_bytes())


def is_up_to_date() -> bool:
    """Whether the archive is newer than what decides its contents; packing takes 15 seconds."""
    if not TARGET.is_file():
        return False
    made = TARGET.stat().st_mtime
    return all(path.stat().st_mtime <= made for path in (WEB / "package-lock.json", Path(__file__)))


def pack(source: Path = SOURCE) -> bytes:
    """The archive's bytes.

    Args:
        source: The folder `wasm` of @litertjs/core.

    Raises:
        FileNotFoundError: A file of a build is not there.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for build in BUILDS:
            for suffix in (".js", ".wasm"):
                data = (source / f"{build}{suffix}").read_bytes()
                info = tarfile.TarInfo(f"{build}{suffix}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return lzma.compress(packed.getvalue(), filters=_FILTERS)


def main() -> int:
    """Installs, packs and writes."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    install()
    if is_up_to_date():
        print(f"{TARGET.relative_to(ROOT)} is up to date")
        return 0
    data = pack()
    beside = TARGET.with_suffix(".part")
    try:
        beside.write_bytes(data)
        os.replace(beside, TARGET)
    finally:
        beside.unlink(missing_ok=True)
    print(f"{TARGET.relative_to(ROOT)}: {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
