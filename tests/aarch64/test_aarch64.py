"""The real aarch64 wheels under QEMU compute what this machine computes, to the last integer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools import needs

FOLDER = Path(__file__).resolve().parent
RUN = FOLDER / "run.sh"

# Each Python and each processor; the whole takes an hour and is for people (--help of run.sh).
PLANS = (
    "3.11:cortex-a72:13",
    "3.13:cortex-a76:13",
    "3.13:cortex-a72:29",
    "3.11:cortex-a76:29",
    "3.13:cortex-a53:41",
)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(RUN), *words],
        env={**os.environ, "PYTHON": sys.executable, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.aarch64
def test_emulated_raspberry_pis_compute_the_same(tmp_path: Path) -> None:
    needs("qemu-aarch64-static", "apt-get", "dpkg-deb", "flock")
    file = tmp_path / "report.json"
    plans = [word for plan in PLANS for word in ("--plan", plan)]
    done = run(*plans, "--json", str(file))
    if done.returncode == 2 and not os.environ.get("EDGEIQA_NEED_TOOLS"):
        pytest.skip(f"cannot be built here: {done.stderr.splitlines()[-1]}")  # Without network.
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert report["equal"]
    assert report["failed"] == []
    assert report["reference"]["not_golden"] == 0
    assert len(report["runs"]) == len(PLANS)
    for run_of, plan in zip(report["runs"], PLANS, strict=True):
        version, cpu, every = plan.split(":")
        assert run_of["machine"] == "aarch64"
        assert run_of["python"].startswith(f"{version}.")
        assert run_of["cpu"] == cpu
        # XNNPACK takes other kernels where there are dot products: both kinds were tried.
        assert ("asimddp" in run_of["features"]) == (cpu == "cortex-a76")
        total = run_of["total"]
        assert total["compared"] >= 594 // int(every)
        assert total["integers"] > 500
        for kind in ("pixels", "tensors", "integers_off", "integer_step", "not_golden"):
            assert total[kind] == 0, (plan, kind)
        assert total["score"] < 1e-9
        assert total["causes"] < 1e-9
        assert all(one["same"] for one in run_of["cli"])
        assert any("jsonl" in one["command"] for one in run_of["cli"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--python", "3.12"), "no Python '3.12' here, expected 3.11 or 3.13"),
        (("--cpu", "pentium"), "no processor 'pentium', expected cortex-a53"),
        (("--every", "0"), "'0' is no whole number from 1 on"),
        (("--plan", "3.11:cortex-a72"), "expected --every N or --plan X.Y:NAME:N"),
        (("--jobs", "two"), "--jobs is two, expected a whole number"),
        (("--cpu",), "--cpu needs a value"),
        (("--cup", "x"), "unknown argument --cup; see --help"),
        (("--wheel", "no.whl"), "no wheel no.whl"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_fetched(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = run(*words, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_tools_are_named(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "cat", "python3"):
        found = next(
            Path(folder) / name
            for folder in os.environ["PATH"].split(os.pathsep)
            if (Path(folder) / name).exists()
        )
        (tmp_path / name).symlink_to(found)
    bash = str(tmp_path / "bash")
    done = subprocess.run(
        [bash, str(RUN)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "apt-get" in done.stderr
    (tmp_path / "apt-get").symlink_to("/bin/true")
    done = subprocess.run(
        [bash, str(RUN)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "apt-get install qemu-user-static dpkg util-linux" in done.stderr


def test_a_mirror_that_cannot_be_reached_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    needs("apt-get", "dpkg-deb")
    done = subprocess.run(
        ["bash", str(FOLDER / "root.sh"), str(tmp_path / "debian"), "bookworm", "arm64", "libc6"],
        env={**os.environ, "EDGEIQA_DEBIAN_MIRROR": "http://127.0.0.1:9/debian"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "Debian's mirror http://127.0.0.1:9/debian gave no bookworm for arm64" in done.stderr
    assert "EDGEIQA_DEBIAN_MIRROR=" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_tells_what_it_does() -> None:
    done = run("--help")
    assert done.returncode == 0
    for word in ("--python", "--cpu", "--plan", "--every", "--jobs", "--wheel", "--cache"):
        assert word in done.stdout
