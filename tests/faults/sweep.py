"""Sends Ctrl-C, or SIGTERM, to each command at many moments, and looks at what is left.

A command is run to its end first, to know how long it takes; then it is started again and again,
and interrupted after delays spread over that time, with and without chance.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.running import COMMAND, ROOT, TIMEOUT_S, contents, environment, leftovers, photos

NANO = ("--model", "nano", "--no-progress")
OURS = f"{os.sep}edgeiqa{os.sep}"
SUMMARY = " frames in "
"""What `live` says last; after that its work is done, and SIGTERM is the system's again."""


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDED = (130, 143, 129)


@dataclass(frozen=True)
class Case:
    """A command, and what may come of it.

    Attributes:
        name: For the report.
        words: Makes the arguments for a folder to work in, which holds `photos`.
        signals: That it handles.
        codes: With which it may end when it was interrupted.
        check: Raises AssertionError if something was lost or is half written.
        ending: More arguments that make it end, where it runs until it is stopped.
    """

    name: str
    words: Callable[[Path], tuple[object, ...]]
    signals: tuple[signal.Signals, ...] = (signal.SIGINT,)
    codes: tuple[int, ...] = (130,)
    check: Callable[[Path], None] = lambda folder: None
    ending: tuple[object, ...] = ()


@dataclass
class Swept:
    """What came of a case.

    Attributes:
        name: Of the case.
        runs: How often it was interrupted.
        seconds: That it takes undisturbed.
        ends: How often it ended how.
        wrong: What should not have been.
    """

    name: str
    runs: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "command": self.name,
            "runs": self.runs,
            "seconds": round(self.seconds, 2),
            "ends": dict(self.ends),
            "wrong": self.wrong,
        }


def _score(suffix: str) -> Case:
    def check(folder: Path) -> None:
        text = (folder / f"out.{suffix}").read_text(encoding="utf-8")
        if text == "old":
            return
        if suffix == "json":
            assert len(json.loads(text)) == 24, text
        elif suffix == "jsonl":
            assert len([json.loads(line) for line in text.splitlines()]) == 24, text
        else:
            assert len(text.splitlines()) == (25 if suffix == "csv" else 27), text

    return Case(
        f"score --output out.{suffix}",
        lambda folder: (
            *("score", *[folder / "photos"] * 4, *NANO, "--output", folder / f"out.{suffix}"),
        ),
        signals=ENDING,
        codes=ENDED,
        check=check,
    )


def _maps(folder: Path) -> None:
    from PIL import Image

    for file in (folder / "maps").glob("*"):
        with Image.open(file) as image:
            image.load()


def _originals(folder: Path) -> None:
    """Every photograph is somewhere, whole, under a name of its own."""
    whole = contents(folder / "store")
    found = contents(folder / "photos")
    best = folder / "best"
    for data, count in (contents(best) if best.is_dir() else {}).items():
        found[data] = found.get(data, 0) + count
    lost = whole.keys() - found.keys()
    assert not lost, f"{len(lost)} photographs lost"
    pictures = [data for data in found if data[:2] == b"\xff\xd8"]
    assert set(pictures) == set(whole), "a half copy has a name"


def _sidecars(folder: Path) -> None:
    from edgeiqa.burst.xmp import properties

    _originals_alone(folder)
    for file in (folder / "photos").glob("*.xmp"):
        assert properties(file.read_text(encoding="utf-8"))


def _originals_alone(folder: Path) -> None:
    whole = contents(folder / "store")
    assert whole.keys() <= contents(folder / "photos").keys()


def _lines(folder: Path) -> None:
    for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines():
        assert isinstance(json.loads(line), dict) or line == "old", line


def _whole_lines(folder: Path) -> None:
    text = (folder / "out.jsonl").read_text(encoding="utf-8")
    if text != "old":
        assert text == "" or text.endswith("\n"), text[-200:]
        for line in text.removeprefix("old").splitlines():
            assert isinstance(json.loads(line), dict)


def _video(folder: Path) -> None:
    file = folder / "out.mp4"
    data = file.read_bytes()
    if data != b"old":
        import av

        with av.open(os.fspath(file)) as container:
            assert sum(1 for _ in container.decode(video=0)) >= 1


def _pick(*action: str) -> Callable[[Path], tuple[object, ...]]:
    def words(folder: Path) -> tuple[object, ...]:
        to = (folder / "best",) if action[0] != "--xmp" else ()
        alone = ("--likeness", 1, "--gap", 0)  # Each a moment of its own, so all are kept.
        return ("pick", folder / "photos", *NANO, *alone, "--apply", *action, *to)

    return words


def _journal(folder: Path) -> None:
    """Whole rows, each path once or, before they are put in order, twice."""
    text = (folder / "rows.jsonl").read_text(encoding="utf-8")
    paths = [json.loads(line)["path"] for line in text.splitlines() if line.endswith("}")]
    assert len(set(paths)) <= 6
    assert text.count("\n") == len(paths)


CASES = (
    Case(
        "score --resume",
        lambda folder: (
            *("score", folder / "photos", *NANO, "--workers", 2),
            *("--resume", "--output", folder / "rows.jsonl"),
        ),
        signals=ENDING,
        codes=ENDED,
        check=lambda folder: _journal(folder) if (folder / "rows.jsonl").exists() else None,
    ),
    *(_score(suffix) for suffix in ("json", "jsonl", "csv", "txt")),
    Case(
        "score --map",
        lambda folder: ("score", folder / "photos" / "0000.jpg", *NANO, "--map", folder / "maps"),
        check=_maps,
    ),
    Case("pick --copy-to --apply", _pick("--copy-to"), check=_originals),
    Case("pick --move-to --apply", _pick("--move-to"), check=_originals),
    Case("pick --xmp --apply", _pick("--xmp"), check=_sidecars),
    Case(
        "fit-gate",
        lambda folder: ("fit-gate", *NANO, "--csv", folder / "table.csv"),
        check=_originals_alone,
    ),
    Case("models", lambda folder: ("models",), signals=ENDING, codes=ENDED),
    Case(
        "watch --output",
        lambda folder: (
            *("watch", folder / "photos", *NANO[:2], "--existing", "--interval", 0.05),
            *("--settle", 0.05, "--output", folder / "out.jsonl"),
        ),
        signals=(signal.SIGINT, signal.SIGTERM),
        codes=(*ENDED, 0),
        check=_whole_lines,
        ending=("--count", 6),
    ),
    Case(
        "live --output",
        lambda folder: (
            *("live", folder / "photos", *NANO[:2], "--fps", 5, "--output", folder / "out.jsonl"),
        ),
        signals=(signal.SIGINT, signal.SIGTERM),
        codes=(*ENDED, 0),
        check=_whole_lines,
    ),
    Case(
        "live --preview out.mp4",
        lambda folder: (
            *("live", folder / "photos", *NANO[:2], "--fps", 5, "--output", os.devnull),
            *("--preview", folder / "out.mp4"),
        ),
        signals=(signal.SIGINT, signal.SIGTERM),
        codes=(*ENDED, 0),
        check=_video,
    ),
)


def sweep(case: Case, folder: Path, delays: int, seed: int = 1) -> Swept:
    """Interrupts a command after so many delays.

    Args:
        case: The command.
        folder: A place to work in.
        delays: How many.
        seed: Decides about them.
    """
    store = photos(folder / "store", 6)
    swept = Swept(case.name)
    _fresh(folder, store)
    start = time.monotonic()
    done = _started(case, folder, *case.ending)
    _, err = done.communicate(timeout=TIMEOUT_S)
    assert done.returncode == 0, err.decode()
    swept.seconds = time.monotonic() - start
    for kind in case.signals:
        for delay in _moments(delays // len(case.signals), swept.seconds, f"{seed}{case.name}"):
            _fresh(folder, store)
            _interrupt(case, folder, kind, delay, swept)
    return swept


def _moments(count: int, seconds: float, seed: str) -> Iterator[float]:
    """Moments over the whole run: one within each of so many equal parts of it."""
    rng = random.Random(seed)
    for index in range(count):
        yield (index + rng.random()) / count * seconds * 1.05


def _fresh(folder: Path, store: Path) -> None:
    for place in ("photos", "best", "maps"):
        shutil.rmtree(folder / place, ignore_errors=True)
    shutil.copytree(store, folder / "photos")
    (folder / "rows.jsonl").unlink(missing_ok=True)
    for name in ("out.json", "out.jsonl", "out.csv", "out.txt", "out.mp4"):
        (folder / name).write_text("old")
    rows = [f"photos/{index % 6:04}.jpg,{'yes' if index % 2 else 'no'}" for index in range(24)]
    (folder / "table.csv").write_text("\n".join(["path,keep", *rows]))


def _started(case: Case, folder: Path, *more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *map(str, (*case.words(folder), *more))],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # However this program was started: a shell has its background jobs ignore Ctrl-C.
        preexec_fn=_usual_signals,
    )


def _usual_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _interrupt(case: Case, folder: Path, kind: signal.Signals, delay: float, swept: Swept) -> None:
    process = _started(case, folder)
    time.sleep(delay)
    process.send_signal(kind)
    try:
        _, stderr = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        _, stderr = process.communicate()
    swept.runs += 1
    err, code = stderr.decode("utf-8", "backslashreplace"), process.returncode
    where = f"{kind.name} after {delay:.3f} s: exit code {code}"
    early = _before_ours(err, code, kind)
    late = kind is signal.SIGTERM and code == -signal.SIGTERM and SUMMARY in err
    try:
        if not early and not late:
            assert "Traceback" not in err, f"a traceback:\n{err}"
            assert "Exception ignored" not in err, err
            expected = (*case.codes, 0) if not case.ending else case.codes
            assert code in expected, f"none of {expected}:\n{err}"
        assert not leftovers(folder), f"left: {leftovers(folder)}"
        case.check(folder)
    except (AssertionError, ValueError, OSError) as error:
        swept.wrong.append(f"{where}: {error}")
    end = f"{kind.name}: exit {code}"
    if early or late:
        end = "before it began" if early else "when it had ended"
    swept.ends[end] += 1


def _before_ours(err: str, code: int, kind: signal.Signals) -> bool:
    """Whether Python itself was still starting: nothing of ours can have a say then."""
    if kind is not signal.SIGINT and code == -kind:
        return not err  # Its own handler was not there yet; nothing was begun.
    early = ("__init__", "_deprecated")  # What is loaded before the command begins.
    inside = any(
        OURS in line and not any(name in line for name in early) for line in err.splitlines()
    )
    return kind is signal.SIGINT and (code == -signal.SIGINT or "Traceback" in err) and not inside


def main(delays: int, jobs: int = 1) -> list[Swept]:
    """Sweeps all commands, some at once; shows its progress on standard error."""

    def one(case: Case) -> Swept:
        with tempfile.TemporaryDirectory(prefix="edgeiqa-sweep-") as folder:
            swept = sweep(case, Path(folder), delays)
        lines = [f"{swept.name}: {swept.runs} runs, {dict(swept.ends)}", *swept.wrong]
        print("\n  ".join(lines), file=sys.stderr, flush=True)
        return swept

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, CASES))
