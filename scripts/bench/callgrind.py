"""Counts instructions with valgrind's callgrind, between marks, and by who executed them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

MARK = "getpgid"
"""The function at which callgrind writes down what it has counted, and begins anew."""

_NAME = re.compile(r"^(?P<key>c?(?:ob|fn|fl|fi|fe))=\((?P<id>\d+)\)(?: (?P<name>.*))?$")

PARTS = (
    ("LiteRT", ("litert", "tflite", "xnnpack")),
    ("OpenCV", ("cv2",)),
    ("Pillow", ("/PIL/", "pillow.libs")),
    ("NumPy", ("numpy",)),
    ("OpenSSL", ("libcrypto",)),
    ("C library", ("/libc.so", "/libc-", "/libm.so", "/libm-", "/ld-linux", "/ld-", "libpthread")),
    ("Python", ("python",)),
)
"""Who executed an instruction: the first part one of whose words is in the object file's path."""


def part_of(path: str) -> str:
    """The part that an object file belongs to; "other" for what none does."""
    # The last pieces only: all of them may lie below a folder that is called python.
    tail = "/".join(path.rsplit("/", 4)[-4:])
    for part, words in PARTS:
        if any(word in f"/{tail}" for word in words):
            return part
    return "other"


def self_costs(text: str) -> Counter[str]:
    """Instructions per object file, each counted where it was executed.

    Args:
        text: One dump in callgrind's format, as of valgrind 3.19 ("positions: line", "events:
            Ir", names compressed).

    Raises:
        ValueError: The costs do not add up to the dump's own sum.
    """
    names: dict[str, str] = {}
    costs: Counter[str] = Counter()
    current = "???"
    after_call = False
    total = None
    for line in text.splitlines():
        if found := _NAME.match(line):
            key = found["key"].removeprefix("c")
            if key != "ob":
                continue
            if found["name"] is not None:
                names[found["id"]] = found["name"]
            if not found["key"].startswith("c"):
                current = names.get(found["id"], "???")
        elif line.startswith("calls="):
            after_call = True  # The next line is the callee's cost, told again there.
        elif line.startswith("totals: "):
            total = int(line.split()[1])
        elif line[:1] in "0123456789+-*" and line:
            if not after_call:
                costs[current] += int(line.split()[1])
            after_call = False
    if total is not None and sum(costs.values()) != total:
        raise ValueError(f"{sum(costs.values())} instructions found, callgrind counted {total}")
    return costs


def by_part(costs: Counter[str]) -> dict[str, int]:
    """Sums of `self_costs` per part, the largest first."""
    parts: Counter[str] = Counter()
    for path, count in costs.items():
        parts[part_of(path)] += count
    return dict(parts.most_common())


def counted(command: Sequence[str], folder: Path) -> tuple[list[dict[str, int]], str]:
    """Runs a program under callgrind.

    Args:
        command: It calls `MARK` between the steps that are to be told apart.
        folder: For callgrind's files.

    Returns:
        Instructions by part for each step, in order, the time after the last mark not among
        them; and the program's standard output.

    Raises:
        RuntimeError: No valgrind, or the program failed.
    """
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is not installed; scripts/test_tools.sh installs it")
    out = folder / "callgrind.out"
    for old in folder.glob("callgrind.out*"):
        old.unlink()
    # Where hashes and so the order of sets differ from run to run, so do the instructions.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", f"--dump-before={MARK}"),
            *(f"--callgrind-out-file={out}", *command),
        ],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed under valgrind: {done.stderr[-500:]}")
    steps = []
    number = 1
    while (dump := folder / f"callgrind.out.{number}").is_file():
        steps.append(by_part(self_costs(dump.read_text(encoding="utf-8", errors="replace"))))
        number += 1
    return steps, done.stdout
