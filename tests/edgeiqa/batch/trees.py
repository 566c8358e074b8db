"""Folders of small photographs, and the command that scores them in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

import edgeiqa
from edgeiqa.assets import sample_paths

ROOT = Path(edgeiqa.__file__).parent.parent
COMMAND = [sys.executable, "-m", "edgeiqa", "score"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def make_tree(folder: Path, count: int) -> list[Path]:
    """JPEGs in three folders, no two alike; returns their paths in the order of the listing."""
    paths = []
    samples = sample_paths()
    for number in range(count):
        path = folder / f"{'abc'[number * 3 // count]}" / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(samples[number % len(samples)]) as sample:
            sample.convert("RGB").resize((120 + number % 40, 90)).save(path, quality=90)
        paths.append(path)
    return paths


def score(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs `edgeiqa score WORDS --model nano` to its end."""
    command = [*COMMAND, *map(str, words), "--model", "nano"]
    options = {"env": ENVIRONMENT, "timeout": 120, **options}
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def started(*words: object, **options: Any) -> subprocess.Popen[str]:
    """Starts `edgeiqa score WORDS --model nano`."""
    command = [*COMMAND, *map(str, words), "--model", "nano"]
    options = {"env": ENVIRONMENT, **options}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def children(pid: int) -> list[int]:
    """The children of a process, on Linux."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text(encoding="ascii").split())
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in "ZX"
