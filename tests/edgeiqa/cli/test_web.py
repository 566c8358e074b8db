"""`edgeiqa web`: serves until Ctrl-C, says what --host exposes, writes the files."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from edgeiqa.cli.main import main

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    folder = tmp_path / "wasm"
    folder.mkdir()
    (folder / "litert_wasm_internal.wasm").write_bytes(b"\0asm\1\0\0\0")
    return folder


@pytest.mark.parametrize(("host", "told"), [("127.0.0.1", 0), ("0.0.0.0", 1)])
def test_it_serves_until_it_is_interrupted(host: str, told: int, runtime: Path) -> None:
    words = ["web", "--port", "0", "--host", host, "--runtime", str(runtime)]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeiqa", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        (port,) = re.findall(r":(\d+)/ ", line)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            assert b"edgeiqa" in response.read()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(20) == 0
        assert rest.count("Every device that can reach this address") == told
    finally:
        process.kill()


def test_files_are_written_for_another_server(
    runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "public"
    assert main(["web", "--runtime", str(runtime), "--export", str(target)]) == 0
    assert str(target) in capsys.readouterr().out
    assert (target / "index.html").is_file()
    assert (target / "models" / "base.tflite").is_file()


def test_a_runtime_that_is_not_there_is_an_error_for_the_user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["web", "--runtime", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http", ""])
def test_a_port_is_checked(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", "--port", port]) == 2
    assert "0 to 65535" in capsys.readouterr().err
