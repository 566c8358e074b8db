"""Runs the real command in a process of its own, under the conditions of a fault."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import edgeiqa
from tests.edgeiqa.pictures import photograph, saved

ROOT = Path(edgeiqa.__file__).parent.parent
COMMAND = (sys.executable, "-m", "edgeiqa")
TIMEOUT_S = 100
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="faults of Linux")


@dataclass(frozen=True)
class Done:
    """What a command did.

    Attributes:
        code: Exit code; negative for a signal.
        out: Standard output.
        err: Standard error.
        rss_mb: Its highest resident memory.
        seconds: By the clock.
    """

    code: int
    out: bytes
    err: str
    rss_mb: float
    seconds: float


def environment(**more: str | None) -> dict[str, str]:
    """This process's environment with our own package found first; None removes a variable."""
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name, value in more.items():
        found.pop(name, None)
        if value is not None:
            found[name] = value
    return found


def run(
    *words: object,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
    prepare: Callable[[], Any] | None = None,
    prefix: Sequence[str] = (),
    command: Sequence[str] = COMMAND,
    **streams: Any,
) -> Done:
    """Runs `edgeiqa WORDS` to its end.

    Args:
        words: Arguments.
        stdin: What comes in; nothing by default.
        cwd: Where; the root of the checkout by default.
        env: Its environment; see `environment`.
        limits: Of `resource.setrlimit`.
        prepare: Called in the new process, before the command.
        prefix: A program that runs the command, with its arguments.
        command: Instead of `python -m edgeiqa`.
        streams: Instead of pipes, as for `subprocess.Popen`.
    """

    def start() -> None:
        for limit, value in (limits or {}).items():
            resource.setrlimit(limit, (value, value))
        if prepare is not None:
            prepare()

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with tempfile.TemporaryFile() as source:
            source.write(stdin or b"")
            source.seek(0)
            begin = time.monotonic()
            process = subprocess.Popen(
                [*prefix, *command, *map(str, words)],
                cwd=cwd or ROOT,
                env=dict(env or environment()),
                preexec_fn=start,
                **{"stdin": source, "stdout": out, "stderr": err, **streams},
            )
        timer = threading.Timer(TIMEOUT_S, process.kill)
        timer.start()
        peak_mb = 0.0
        try:
            while True:
                ended, status = os.waitpid(process.pid, os.WNOHANG)
                if ended:
                    break
                peak_mb = max(peak_mb, _peak_mb(process.pid))
                time.sleep(0.005)
        finally:
            timer.cancel()
        seconds = time.monotonic() - begin
        process.returncode = code = os.waitstatus_to_exitcode(status)
        assert seconds < TIMEOUT_S, f"{words}: hangs"
        out.seek(0)
        err.seek(0)
        text = err.read().decode("utf-8", "backslashreplace")
        return Done(code, out.read(), text, peak_mb, seconds)


def _peak_mb(pid: int) -> float:
    """Highest resident memory so far, MiB; 0 of what has ended.

    Not from `wait4`, which counts what the process was before it began its program, a copy of this
    one.
    """
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            kib = next((line.split()[1] for line in status if line.startswith("VmHWM:")), "0")
    except OSError:
        return 0.0
    return int(kib) / 1024


def in_order(done: Done, code: int, *texts: str) -> Done:
    """Checks the exit code, that there is no traceback, and that each text was printed."""
    assert done.code == code, f"exit code {done.code}:\n{done.err}\n{done.out[-2000:]!r}"
    assert "Traceback" not in done.err, done.err
    for text in texts:
        assert text.encode() in done.out + done.err.encode(), (text, done.out[-2000:], done.err)
    return done


def leftovers(*folders: Path) -> list[str]:
    """Temporary and half-written files in folders."""
    return sorted(
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if "part" in path.name or path.name.startswith(".") or path.name.startswith("tmp")
    )


def contents(*folders: Path) -> dict[bytes, int]:
    """What the files in folders hold, and how often."""
    found: dict[bytes, int] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                found[data] = found.get(data, 0) + 1
    return found


def photos(folder: Path, count: int = 6) -> Path:
    """A folder of small JPEGs, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        turned = photograph().rotate(7 * index)
        (folder / f"{index:04}.jpg").write_bytes(saved(turned, "JPEG", quality=90))
    return folder


class Tmpfs:
    """A small file system of its own, mounted where the system lets us."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        folder.mkdir()

    def mount(self, options: str) -> None:
        """Mounts it, or skips the test."""
        if os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("needs root to mount a small file system")
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")

    def remount(self, options: str) -> None:
        """Changes how it is mounted."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def fill(self, left: int = 0) -> None:
        """Takes all space but so many bytes."""
        filler = self.path / "filler"
        with open(filler, "wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(4096))
            except OSError:
                pass
        if left:
            os.truncate(filler, max(0, filler.stat().st_size - left))

    def unmount(self) -> None:
        """Takes it away."""
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)


def without_powers() -> list[str]:
    """A prefix under which root is bound by permissions like everybody else."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv is bound by no permissions")
    prefix = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("setpriv cannot take away root's powers here")
    return prefix
