"""Computes all golden scores with the edgeiqa and the runtime that this Python has, into a file.

Usage: python tests/golden/probe.py OUT.json --tensors FOLDER [--every N] [--progress]

The edgeiqa that is tried is the installed one; only what makes the pictures comes from the
checkout. tests/golden/compare.py says how two such files differ, and whether they are golden.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

# Last, so that an edgeiqa that is installed goes before the checkout's.
sys.path.append(str(Path(__file__).resolve().parents[2]))

import edgeiqa
from tests.golden.entries import Document, Entry, digest, documents

PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "pillow")

# Bits of AT_HWCAP on 64-bit ARM that decide which kernels are taken; <asm/hwcap.h> of Linux.
_HWCAP = 16
_FEATURES = {1: "asimd", 9: "fphp", 10: "asimdhp", 20: "asimddp"}


def features() -> list[str]:
    """Which instructions the system says the processor has; empty on other than 64-bit ARM."""
    if platform.machine() != "aarch64":
        return []
    import ctypes

    libc = ctypes.CDLL(None)
    libc.getauxval.restype = ctypes.c_ulong
    bits: int = libc.getauxval(_HWCAP)
    return [name for bit, name in _FEATURES.items() if bits >> bit & 1]


def versions() -> dict[str, str]:
    """Of the packages that scores depend on, those that there are."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def keep(tensor: np.ndarray, folder: Path) -> str:
    """Writes a tensor under its digest, unless it lies there; returns the digest."""
    key = digest(tensor)
    file = folder / f"{key}.npy"
    if not file.exists():
        half = folder / f"{key}.{os.getpid()}.half"
        with half.open("wb") as stream:
            np.save(stream, tensor)
        half.replace(file)
    return key


def shown(document: Document, entry: Entry, folder: Path) -> dict[str, Any]:
    """One entry, ready for JSON."""
    return {
        "pixels": [digest(plane) for plane in entry.pixels],
        "tensors": {name: keep(tensor, folder) for name, tensor in entry.tensors.items()},
        "outputs": {name: values.tolist() for name, values in entry.outputs.items()},
        "values": entry.values,
        "golden": document.golden(entry),
    }


def probe(
    folder: Path, every: int = 1, tell: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Computes all.

    Args:
        folder: Where tensors are left, each under its digest.
        every: Only each so many-th picture and frame.
        tell: Called with (entries done, entries in all) after each.

    Returns:
        Ready for JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    all_documents = tuple(documents(every))
    done, total = 0, sum(document.count for document in all_documents)
    told: dict[str, Any] = {}
    runs: dict[str, list[float]] = {}
    for document in all_documents:
        pictures = {}
        for entry in document.entries():
            pictures[entry.title] = shown(document, entry, folder)
            done += 1
            if tell is not None:
                tell(done, total)
        told[document.name] = {**document.head(), "pictures": pictures}
        runs[document.model.contract.name] = document.model.seconds
    return {
        "edgeiqa": edgeiqa._version.__version__,
        "from": str(Path(edgeiqa.__file__).parent),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "features": features(),
        "versions": versions(),
        "every": every,
        "runs": {
            name: {"count": len(seconds), "median_ms": round(1e3 * statistics.median(seconds), 3)}
            for name, seconds in runs.items()
        },
        "documents": told,
    }


def _tell(done: int, of: int) -> None:
    print(done, of, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file, whole or not at all; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT.json")
    parser.add_argument("--tensors", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--progress", action="store_true", help='print "DONE OF" on the way')
    args = parser.parse_args(arguments)
    report = probe(args.tensors, args.every, _tell if args.progress else None)
    half = args.out.with_name(args.out.name + ".half")
    half.write_text(json.dumps(report) + "\n", encoding="utf-8")
    half.replace(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
