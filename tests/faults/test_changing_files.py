"""Files that shrink, change or vanish while they are read."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
from tests.edgeiqa.pictures import photograph, saved
from tests.faults.conftest import Fault
from tests.faults.running import COMMAND, ROOT, environment, needs_linux, photos

pytestmark = needs_linux
NANO = ("--model", "nano")

SHRINK = """
import os, sys, threading, time
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
path = sys.argv[1]
data = open(path, "rb").read()
def shrink():
    while True:
        os.truncate(path, 1000)
        time.sleep(0.0005)
        with open(path, "r+b") as stream:
            stream.write(data)
        time.sleep(0.0005)
threading.Thread(target=shrink, daemon=True).start()
outcomes = set()
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    try:
        outcomes.add(decode(path).mode)
    except UnreadableImageError as error:
        outcomes.add("UnreadableImageError")
print(*sorted(outcomes))
os._exit(0)
"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "TIFF lzw", "WEBP"])
def test_shrinking_while_it_is_decoded(kind: str, tmp_path: Path, fault: Fault) -> None:
    image = photograph().resize((900, 600))
    if kind.startswith("TIFF"):
        image = image.convert("L")  # What Pillow would map into memory.
    name = kind.split()[0]
    options = {"compression": "tiff_lzw"} if kind != "TIFF" and name == "TIFF" else {}
    path = tmp_path / "photo"
    path.write_bytes(saved(image, name, **options))
    done = subprocess.run(
        [sys.executable, "-c", SHRINK, str(path), "1.5"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{signal.Signals(-done.returncode)}: {done.stderr[-2000:]}"
    assert set(done.stdout.split()) <= {"RGB", "UnreadableImageError"}
    fault(
        f"a file ({kind}) that shrinks while it is decoded",
        "damaged or truncated, or scored",
        "0, 3",
    )


def test_vanishing_and_changing_while_a_folder_is_scored(tmp_path: Path, fault: Fault) -> None:
    folder = photos(tmp_path / "photos", 300)
    out = tmp_path / "out.jsonl"
    process = subprocess.Popen(
        [*COMMAND, "score", str(folder), *NANO, "--output", str(out)],
        cwd=ROOT,
        env=environment(),
        stderr=subprocess.PIPE,
    )
    files = sorted(folder.iterdir())
    time.sleep(0.7)
    for index, path in enumerate(reversed(files)):
        if index % 3 == 0:
            path.unlink()
        elif index % 3 == 1:
            os.truncate(path, index)
    _, err = process.communicate(timeout=90)
    assert process.returncode in (0, 3), err
    assert b"Traceback" not in err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert all((row["score"] is None) != (row["error"] is None) for row in rows)
    assert len({row["path"] for row in rows}) == len(rows)
    fault(
        "files deleted and cut while their folder is scored",
        "one line each: no such file, damaged; all others scored",
        3,
    )


def test_a_folder_that_vanishes(tmp_path: Path, fault: Fault) -> None:
    folder = photos(tmp_path / "photos", 100)
    process = subprocess.Popen(
        [*COMMAND, "score", str(folder), *NANO, "--format", "jsonl"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(0.5)
    folder.rename(tmp_path / "elsewhere")
    out, err = process.communicate(timeout=90)
    assert process.returncode in (0, 3), err
    assert b"Traceback" not in err
    assert len(out.splitlines()) >= 1
    fault("a folder renamed while it is scored", "no such file, line by line", "0, 3")


def test_a_stream_that_breaks_off(fault: Fault) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises((UnreadableImageError, OSError)):
        decode(Broken())  # type: ignore[arg-type]
    read, write = os.pipe()
    data = saved(photograph(), "JPEG")

    def half() -> None:
        os.write(write, data[: len(data) // 2])
        os.close(write)

    thread = threading.Thread(target=half)
    thread.start()
    with open(read, "rb") as stream, pytest.raises(UnreadableImageError, match="truncated"):
        decode(stream)
    thread.join()
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (90, 60)
    fault("a stream that breaks off", "damaged or truncated", 3)
