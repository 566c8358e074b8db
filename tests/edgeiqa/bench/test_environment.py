"""What machines tell about themselves, from made /proc and /sys of several kinds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgeiqa.bench.environment import forget_peak, machine, peak_rss_mb, rss_mb, versions

PI = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes crc32 atomics asimddp cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd0b

Revision\t: c04170
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
PC = """processor\t: 0
model name\t: Some Processor 9000
flags\t\t: fpu sse4_2 avx2 avx512_vnni avx512f
"""


def made(root: Path, **files: str) -> Path:
    for name, text in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_a_raspberry_pi_tells_its_board_and_dot_products(tmp_path: Path) -> None:
    root = made(tmp_path, proc__cpuinfo=PI)
    made(root / "proc" / "device-tree", model="Raspberry Pi 5 Model B Rev 1.0\0")
    made(root / "sys/devices/system/cpu/cpu0/cpufreq", scaling_governor="ondemand\n")
    found = machine(root)
    assert found["board"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert found["processor"] == "Cortex-A76"
    assert found["features"] == ["asimd", "asimddp"]
    assert found["governor"] == "ondemand"


def test_a_pc(tmp_path: Path) -> None:
    found = machine(made(tmp_path, proc__cpuinfo=PC))
    assert found["processor"] == "Some Processor 9000"
    assert found["features"] == ["sse4_2", "avx2", "avx512f", "avx512_vnni"]
    assert found["board"] is None
    assert found["governor"] is None


def test_an_unknown_core_is_told_by_its_numbers(tmp_path: Path) -> None:
    text = PI.replace("0xd0b", "0xfff")
    found = machine(made(tmp_path, proc__cpuinfo=text))
    assert found["processor"] == "ARM implementer 0x41 part 0xfff"


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    found = machine(tmp_path)
    assert found["features"] == []
    assert rss_mb(tmp_path) is None
    assert not forget_peak(tmp_path)
    json.dumps(found, allow_nan=False)


def test_memory_comes_from_the_status(tmp_path: Path) -> None:
    root = made(tmp_path / "proc", self__status="VmHWM:\t  200000 kB\nVmRSS:\t  100000 kB\n").parent
    assert rss_mb(root) == pytest.approx(102.4)
    assert peak_rss_mb(root) == pytest.approx(204.8)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def test_the_peak_of_this_process_begins_anew() -> None:
    np.ones(60_000_000, np.uint8)  # Comes and goes.
    if not forget_peak():
        pytest.skip("the kernel does not forget")
    peak, now = peak_rss_mb(), rss_mb()
    assert peak is not None
    assert now is not None
    assert peak - now < 30
    np.ones(60_000_000, np.uint8)
    grown = peak_rss_mb()
    assert grown is not None
    assert grown - peak > 50


def test_versions_name_the_runtime() -> None:
    found = versions()
    assert {"python", "numpy", "pillow"} <= set(found)
    assert "ai-edge-litert" in found or "tflite-runtime" in found
