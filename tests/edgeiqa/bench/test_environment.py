"""The conditions of a measurement, on this machine and on one that is silent."""

from __future__ import annotations

import json
import mmap
import platform
import sys
from pathlib import Path

import psutil
import pytest

from edgeiqa.bench import environment
from edgeiqa.bench.environment import (
    FEATURES,
    machine,
    peak_rss_mb,
    reset_peak,
    rss_mb,
    versions,
)

PI = """processor\t: 0
Features\t: fp asimd evtstrm aes crc32 atomics asimddp cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""
PC = """processor\t: 0
model name\t: Some Processor 9000
flags\t\t: fpu sse4_2 avx2 avx512_vnni avx512f
"""


def test_this_machine() -> None:
    found = json.loads(json.dumps(machine(), allow_nan=False))
    assert found["architecture"] == platform.machine()
    assert found["cores"] == psutil.cpu_count()
    assert found["priority"].endswith(f"nice {psutil.Process().nice()}")
    assert set(found["features"]) <= set(FEATURES)


@pytest.mark.parametrize(
    ("cpuinfo", "board", "features"),
    [
        (PI, "Raspberry Pi 5 Model B Rev 1.0", ["asimd", "asimddp"]),
        (PC, None, ["sse4_2", "avx2", "avx512f", "avx512_vnni"]),
        (None, None, []),
    ],
)
def test_other_machines(
    cpuinfo: str | None, board: str | None, features: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"/proc/cpuinfo": cpuinfo, "/proc/device-tree/model": board}
    monkeypatch.setattr(environment, "_text", texts.get)
    found = machine()
    assert found["features"] == features
    assert found["board"] == board
    if cpuinfo == PC:
        assert found["processor"] == "Some Processor 9000"


def test_without_psutil_memory_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert rss_mb() is None
    assert (machine()["priority"], machine()["cores_allowed"]) == (None, None)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def touch(size: int) -> None:
    """Uses new memory for a moment, not what the allocator has left from earlier tests."""
    with mmap.mmap(-1, size) as block:
        for page in range(0, size, mmap.PAGESIZE):
            block[page] = 1


def test_the_peak_is_reset() -> None:
    touch(60_000_000)
    if not reset_peak():
        pytest.skip("the kernel does not support it")
    peak, now = peak_rss_mb(), rss_mb()
    assert peak is not None
    assert now is not None
    assert peak - now < 30
    touch(60_000_000)
    grown = peak_rss_mb()
    assert grown is not None
    assert grown - peak > 50


def test_versions_name_the_runtime() -> None:
    found = versions()
    assert {"python", "numpy", "pillow"} <= set(found)
    assert "ai-edge-litert" in found or "tflite-runtime" in found
