"""Decoded pictures as uint8 arrays on disk, made once through the runtime's own resize."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..common.progress import progress
from .manifest import DataError, ManifestRow


def load_pixels(
    rows: Sequence[ManifestRow],
    root: Path,
    size: int,
    cache_dir: Path,
    *,
    label: str = "pictures",
) -> NDArray[np.uint8]:
    """Loads pictures squashed to ``size`` x ``size``, decoding them on the first call only.

    Args:
        rows: The pictures, in the order of the result.
        root: The data root that their paths start from.
        size: Height and width in pixels.
        cache_dir: Where the array is kept. Its name holds a digest of the pictures' names, sizes
            and modification times, so a changed database is decoded afresh.
        label: What the progress bar calls them.

    Returns:
        Read-only memory map, uint8 [N, size, size, 3] RGB.

    Raises:
        DataError: One or more pictures are missing or damaged; the message names them.
    """
    file = cache_dir / "pixels" / f"{pixels_key(rows, root, size)}.npy"
    if not file.is_file():
        _decode_all(rows, root, size, file, label)
    array: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return array


def pixels_key(rows: Sequence[ManifestRow], root: Path, size: int) -> str:
    """The name under which the pixels of these pictures are kept, without folder and suffix."""
    return f"{_digest(rows, root, size)}-{size}"


def _digest(rows: Sequence[ManifestRow], root: Path, size: int) -> str:
    missing = []
    digest = hashlib.sha256(f"resize-1 {size}".encode())
    for row in rows:
        try:
            status = (root / row.path).stat()
        except OSError:
            missing.append(row.path)
            continue
        digest.update(f"{row.path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    if missing:
        raise DataError(name_some(f"{len(missing)} pictures are missing from {root}", missing))
    return digest.hexdigest()[:20]


def name_some(what: str, names: Sequence[str], most: int = 5) -> str:
    """One line: what is wrong, and the first few names it is wrong with."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{what}: {', '.join(names[:most])}{more}"


def _decode_all(rows: Sequence[ManifestRow], root: Path, size: int, file: Path, label: str) -> None:
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import resize

    with replacing(file) as scratch:
        array = np.lib.format.open_memmap(
            scratch, mode="w+", dtype=np.uint8, shape=(len(rows), size, size, 3)
        )

        def one(index: int) -> str | None:
            try:
                array[index] = resize(decode(root / rows[index].path), (size, size))
            except (UnreadableImageError, OSError) as error:
                return f"{rows[index].path} ({error})"
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = progress(pool.map(one, range(len(rows))), len(rows), f"decoding {label}")
            damaged = [message for message in results if message]
        if damaged:
            raise DataError(name_some(f"{len(damaged)} pictures are damaged", damaged))
        array.flush()
