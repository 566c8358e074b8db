"""Surroundings that are not as they should be: streams, home, locale, temporary folder, limits."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import Fault
from tests.faults.running import COMMAND, ROOT, environment, in_order, needs_linux, photos, run

pytestmark = needs_linux
NANO = ("--model", "nano")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("photos") / "all")


def test_closed_streams(folder: Path, tmp_path: Path, fault: Fault) -> None:
    out = tmp_path / "out.jsonl"
    for closed in (0, 1, 2):
        close = partial(os.close, closed)
        in_order(run("score", folder, *NANO, "--output", out, prepare=close), 0)
        assert len(out.read_text().splitlines()) == 6
        out.unlink()
    done = run("score", "-", *NANO, "--format", "jsonl", prepare=lambda: os.close(0))
    in_order(done, 3, "standard input")
    done = run("score", folder, *NANO, prepare=lambda: os.close(1))
    in_order(done, 2, "standard output")
    fault(
        "standard input, output or error closed",
        "scored all the same with `--output`; without a place for results one line says so",
        "0, 2, 3",
    )


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_standard_output_on_a_full_disk(form: str, folder: Path, fault: Fault) -> None:
    with open("/dev/full", "wb") as full:
        done = run("score", folder, *NANO, "--format", form, stdout=full)
    in_order(done, 2, "No space left on device")
    assert "Exception ignored" not in done.err
    fault(f"standard output on a full disk ({form})", "one line says so", 2)


def test_a_reader_that_goes_at_any_moment(folder: Path, fault: Fault) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    for form in ("table", "json", "jsonl", "csv"):
        for taken in (0, 2):
            words = " ".join([*COMMAND, "score", *[str(folder)] * 12, *NANO, "--format", form])
            got = subprocess.run(
                [bash, "-c", f"{words} | head -n {taken}; echo ${{PIPESTATUS[0]}}"],
                capture_output=True,
                cwd=ROOT,
                env=environment(),
                timeout=60,
                check=True,
            )
            assert got.stderr == b""
            assert got.stdout.split()[-1] in (b"141", b"0")
    fault("reader of a pipe gone (`| head`)", "ends without a word", "141")


def test_a_bare_environment(folder: Path, tmp_path: Path, fault: Fault) -> None:
    bare = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    plain = json.loads(in_order(run("score", folder, *NANO, "--format", "json"), 0).out)
    for more in ({}, {"LANG": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}):
        done = run("score", folder, *NANO, "--format", "json", env={**bare, **more})
        assert json.loads(in_order(done, 0).out) == plain
        in_order(run("score", folder, *NANO, env={**bare, **more}), 0)
    in_order(run("models", env={**bare, "HOME": "/nowhere"}), 0)
    fault("no HOME, LANG=C, POSIX, ASCII only", "the same results", 0)


def test_no_temporary_folder(folder: Path, tmp_path: Path, fault: Fault) -> None:
    done = run("score", folder, *NANO, env=environment(TMPDIR="/nowhere"))
    in_order(done, 0)
    # Not even /tmp can be written to, nor the folder one is in.
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(
        "import tempfile\n"
        "def none(*a, **k): raise FileNotFoundError(2, 'No usable temporary directory found')\n"
        "tempfile.TemporaryFile = tempfile.mkstemp = none\n"
    )
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    in_order(run("score", folder, *NANO, env=environment(PYTHONPATH=path)), 0)
    fault("TMPDIR missing, no temporary folder at all", "scored all the same", 0)


def test_installed_where_nothing_can_be_written(folder: Path, fault: Fault, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(ROOT / "edgeiqa", site / "edgeiqa", ignore=shutil.ignore_patterns("*.pyc"))
    for place in (*site.rglob("*"), site):
        place.chmod(0o555 if place.is_dir() else 0o444)
    from tests.faults.running import without_powers

    try:
        done = run(
            *("score", folder, *NANO),
            env=environment(PYTHONPATH=str(site)),
            cwd=tmp_path,
            prefix=without_powers(),
        )
        in_order(done, 0)
        assert not list(site.rglob("*.pyc"))
    finally:
        for place in (site, *site.rglob("*")):
            place.chmod(0o755 if place.is_dir() else 0o644)
    fault("package in a read-only folder", "scored all the same, nothing is written there", 0)


def test_few_open_files(folder: Path, tmp_path: Path, fault: Fault) -> None:
    out = tmp_path / "out.csv"
    done = run(
        *("score", *[folder] * 20, *NANO, "--output", out),
        limits={resource.RLIMIT_NOFILE: 20},
    )
    in_order(done, 0)
    assert len(out.read_text().splitlines()) == 121
    fault("20 open files at most (`ulimit -n 20`)", "120 photographs scored", 0)


def test_too_little_memory_is_that_pictures_error(
    folder: Path, tmp_path: Path, fault: Fault
) -> None:
    from tests.edgeiqa.pictures import png

    large = tmp_path / "large.png"
    large.write_bytes(png(13_000, 13_000, raw=b"\0"))
    done = run(
        *("score", large, folder, *NANO, "--format", "jsonl"),
        limits={resource.RLIMIT_AS: 600 << 20},
        # OpenBLAS asks for room for each of its threads.
        env=environment(OPENBLAS_NUM_THREADS="1"),
    )
    in_order(done, 3)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert "not enough memory" in rows[0]["error"]
    assert [row["error"] for row in rows[1:]] == [None] * 6
    fault(
        "600 MB of memory at most (`ulimit -v`) and a picture of 169 megapixels",
        "not enough memory to decode it, the others are scored",
        3,
    )


def test_hardly_any_memory_ends_in_order(folder: Path, fault: Fault) -> None:
    codes = set()
    for megabytes in (30, 80, 100, 120, 140, 700):
        done = run(
            *("score", folder, *NANO),
            limits={resource.RLIMIT_AS: megabytes << 20},
            env=environment(OPENBLAS_NUM_THREADS="1"),
        )
        codes.add(done.code)
        if "OpenBLAS" not in done.err:  # That ends the process by itself.
            assert done.code in (0, 2, 3), done.err
            assert "Traceback" not in done.err, done.err
            assert done.code != 2 or "edgeiqa: error: " in done.err
    assert codes >= {0, 2}
    fault(
        "30 to 700 MB of memory (`ulimit -v`)",
        "one line says what could not be loaded (OpenBLAS ends Python by itself, with 1)",
        "2, 0",
    )


def test_a_clock_that_jumps(folder: Path, tmp_path: Path, fault: Fault) -> None:
    # By days, back and forth, at every look; intervals are measured with another clock.
    (tmp_path / "sitecustomize.py").write_text(
        "import time, itertools\n"
        "real, jumps = time.time, itertools.cycle((0, -1e6, 1e6, -1e9))\n"
        "time.time = lambda: real() + next(jumps)\n"
        "time.time_ns = lambda: int(time.time() * 1e9)\n"
    )
    env = environment(PYTHONPATH=os.pathsep.join((str(tmp_path), str(ROOT))))
    in_order(run("score", folder, *NANO, env=env), 0)
    done = run(
        *("watch", folder, *NANO, "--existing", "--count", 6, "--interval", 0.1, "--settle", 0.1),
        env=env,
    )
    in_order(done, 0)
    done = run("live", folder, *NANO, "--fps", 5, "--format", "jsonl", env=env)
    in_order(done, 0)
    assert len([1 for line in done.out.splitlines() if b'"score"' in line]) == 6
    for index, path in enumerate(sorted(folder.iterdir())):  # Times of files far off, too.
        os.utime(path, (index * 10**9 - 10**9, index * 10**9 - 10**9))
    in_order(run("pick", folder, *NANO, env=env), 0)
    fault("clock set back and forth by years; files from 1938 to 2096", "the same results", 0)
