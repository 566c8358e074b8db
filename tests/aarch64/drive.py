"""Runs golden scores and command line here and in emulation, and says how they differ.

Called by tests/aarch64/run.sh, which builds what this needs and whose --help explains the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from tests.golden import compare  # noqa: E402

PROBE = ROOT / "tests" / "golden" / "probe.py"
LONGEST_S = 3600
TAIL = 30
"""Lines of a failed program's errors that are shown."""

ALL, TWO = (
    ("edgeiqa/assets/samples",),
    ("edgeiqa/assets/samples/coffee.jpg", "edgeiqa/assets/samples/raccoon.jpg"),
)


def commands(every: int) -> tuple[tuple[str, ...], ...]:
    """What follows `edgeiqa`; less of it where not all is to be tried."""
    nano = ("--model", "nano", "--no-progress")
    return (
        ("--version",),
        ("models",),
        ("score", *ALL, *(("--no-progress",) if every == 1 else nano)),
        ("score", *(ALL if every == 1 else TWO), *nano, "--format", "jsonl"),
    )


class FailedError(RuntimeError):
    """A program ended badly; the text says which and how."""


@dataclass(frozen=True)
class Plan:
    """One Python on one processor.

    Attributes:
        python: "3.11".
        cpu: As QEMU calls it; "" for this machine.
        every: Each so many-th picture and frame.
    """

    python: str
    cpu: str
    every: int

    def __str__(self) -> str:
        return f"Python {self.python} on {self.cpu}" if self.cpu else "this machine"


class Place:
    """Where programs run: here, or under QEMU in one Python and processor's system."""

    def __init__(self, plan: Plan, args: argparse.Namespace) -> None:
        self.plan = plan
        self._ours = args.cache / "ours"
        environment = {"PYTHONPYCACHEPREFIX": str(args.cache / "pyc"), "LC_ALL": "C.UTF-8"}
        if plan.cpu:
            view = args.cache / f"view-{plan.python}-{plan.cpu}"
            site = args.cache / f"site-{plan.python}"
            python = str(view / "usr" / "bin" / f"python{plan.python}")
            self._start = [args.qemu, "-cpu", plan.cpu, "-L", str(view), python, "-s"]
            # Nothing of this machine's settings, which may be about its own processor.
            self._environment = {"PATH": "/usr/bin:/bin", "HOME": "/", **environment}
        else:
            site = args.native
            self._start = [sys.executable, "-s"]
            self._environment = {**os.environ, **environment}
        self._environment["PYTHONPATH"] = os.pathsep.join((str(self._ours), str(site)))

    def start(self, *words: str, errors: Any) -> subprocess.Popen[str]:
        """Starts Python with these arguments, in the folder where our wheel is unpacked."""
        return subprocess.Popen(
            [*self._start, *words],
            cwd=self._ours,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def edgeiqa(self, *words: str) -> list[Any]:
        """Exit code and text of one of our commands, by the wheel's own console script."""
        with tempfile.TemporaryFile("w+") as errors:
            script = str(self._ours / "bin" / "edgeiqa")
            with _ending(self.start(script, *words, errors=errors)) as process:
                text = process.communicate(timeout=LONGEST_S)[0]
            if process.returncode not in range(4):
                raise FailedError(
                    f"{self.plan}: edgeiqa {' '.join(words)}: {_end(process, errors)}"
                )
        return [process.returncode, text]

    def probe(self, work: Path, progress: Any) -> dict[str, Any]:
        """Runs tests/golden/probe.py; `progress` gets (done, of) on the way."""
        out = work / f"{self.plan.python}-{self.plan.cpu}.json"
        words = [str(PROBE), str(out), "--tensors", str(work / "tensors"), "--progress"]
        with tempfile.TemporaryFile("w+") as errors:
            process = self.start(*words, "--every", str(self.plan.every), errors=errors)
            with _ending(process):
                assert process.stdout is not None
                for line in process.stdout:
                    done, of = map(int, line.split())
                    progress(done, of)
                process.wait(timeout=LONGEST_S)
            if process.returncode:
                raise FailedError(f"{self.plan}: {_end(process, errors)}")
        return compare.read(out)


class _ending:  # noqa: N801 # a context manager
    """Ends a process that is still running when its caller stops waiting."""

    running: set[subprocess.Popen[str]] = set()  # noqa: RUF012 # one for all on purpose

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __enter__(self) -> subprocess.Popen[str]:
        self.running.add(self._process)
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.running.discard(self._process)


def _end(process: subprocess.Popen[str], errors: Any) -> str:
    errors.seek(0)
    tail = errors.read().splitlines()[-TAIL:]
    code = process.returncode
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return "\n".join([how, *(f"  {line}" for line in tail)])


class Status:
    """One line on standard error every ten seconds: how far each one is."""

    def __init__(self) -> None:
        self._far: dict[str, str] = {}
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def of(self, plan: Plan) -> Any:
        """What a probe's `progress` should be."""

        def progress(done: int, total: int) -> None:
            with self._lock:
                self._far[str(plan)] = f"{plan}: {done} of {total}"
                if time.monotonic() - self._last > 10:
                    self._last = time.monotonic()
                    print("; ".join(self._far.values()), file=sys.stderr, flush=True)

        return progress

    def ended(self, plan: Plan) -> None:
        """Nothing more needs to be shown about it."""
        with self._lock:
            self._far.pop(str(plan), None)


def measure(
    place: Place, reference: dict[str, Any], native: Place, work: Path, status: Status
) -> dict[str, Any]:
    """One run of the report: what was computed there, and how it differs from here.

    Raises:
        FailedError: A program broke there.
    """
    plan = place.plan
    start = time.monotonic()
    found = place.probe(work, status.of(plan))
    status.ended(plan)
    differences = compare.compare(reference, found, work / "tensors")
    whole = compare.total(differences)
    cli = [
        {"command": f"edgeiqa {' '.join(words)}", "same": place.edgeiqa(*words) == here}
        for words in commands(plan.every)
        for here in [native.edgeiqa(*words)]
    ]
    return {
        **{key: found[key] for key in ("python", "machine", "features", "versions", "every")},
        "cpu": plan.cpu,
        "seconds": round(time.monotonic() - start),
        "runs": {name: run["count"] for name, run in found["runs"].items()},
        "documents": {name: asdict(one) for name, one in differences.items()},
        "total": asdict(whole),
        "cli": cli,
        "equal": whole.none and all(one["same"] for one in cli),
        "lines": compare.lines(differences),
    }


def show(plan: Plan, run: dict[str, Any]) -> None:
    """Prints one run."""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    has = " ".join(run["features"])
    print(f"\n{plan} ({run['machine']}; {has}; Python {run['python']}, {versions}):")
    for line in run.pop("lines"):
        print(f"  {line}")
    whole = run["total"]
    print(
        f"  largest difference from this machine: raw int8 {whole['integer_step']}, tensors "
        f"{whole['tensor_step']}, scores {whole['score']:.3g}, causes {whole['causes']:.3g}"
    )
    for one in run["cli"]:
        print(f"  {one['command']}: {'same text' if one['same'] else 'OTHER TEXT'}")
    print(f"  {run['seconds']} s", flush=True)


def drive(args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Runs all plans, some at a time; returns the report."""
    native = Place(Plan("native", "", 1), args)
    status = Status()
    print("Computing the golden scores on this machine ...", file=sys.stderr, flush=True)
    reference = native.probe(work, status.of(native.plan))
    status.ended(native.plan)
    # Against itself: that leaves the comparison with the committed golden scores.
    here = compare.total(compare.compare(reference, reference, work / "tensors"))
    if here.not_golden:
        print(f"note: {here.not_golden} scores are not golden on this machine", file=sys.stderr)
    runs: dict[str, dict[str, Any]] = {}
    failed: list[str] = []
    pool = ThreadPoolExecutor(args.jobs)
    try:
        jobs = {
            pool.submit(measure, Place(plan, args), reference, native, work, status): plan
            for plan in args.plans
        }
        for job in as_completed(jobs):
            try:
                runs[str(jobs[job])] = job.result()
                show(jobs[job], runs[str(jobs[job])])
            except (FailedError, ValueError, subprocess.TimeoutExpired) as error:
                failed.append(str(error))
                print(f"\nerror: {error}", file=sys.stderr, flush=True)
    finally:
        # On Ctrl-C what has not begun never does; what runs is ended, and its thread with it.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(_ending.running):
            process.kill()
        pool.shutdown()
    qemu = subprocess.run([args.qemu, "--version"], capture_output=True, text=True, check=True)
    return {
        "command": args.command,
        "wheel": args.wheel,
        "qemu": qemu.stdout.split()[2],
        "reference": {
            **{key: reference[key] for key in ("python", "machine", "versions")},
            "not_golden": here.not_golden,
        },
        "runs": [runs[str(plan)] for plan in args.plans if str(plan) in runs],
        "failed": failed,
        "equal": not failed and all(run["equal"] for run in runs.values()),
    }


def plan_argument(text: str) -> Plan:
    """A plan out of X.Y:NAME:N."""
    python, cpu, every = text.split(":")
    return Plan(python, cpu, int(every))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all; returns 0 if all is equal, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--qemu", required=True, metavar="PROGRAM")
    parser.add_argument("--native", type=Path, required=True, metavar="DIR")
    parser.add_argument("--wheel", required=True, metavar="NAME")
    parser.add_argument("--command", required=True, metavar="TEXT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("plans", nargs="+", type=plan_argument, metavar="PYTHON:CPU:EVERY")
    args = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # As Ctrl-C: what runs is ended.
    work = Path(tempfile.mkdtemp(prefix="work-", dir=args.cache))
    try:
        report = drive(args, work)
    except FailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run.sh: interrupted", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if args.json is not None:
        half = args.json.with_name(args.json.name + ".half")
        half.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        half.replace(args.json)
    print("\nAll is equal." if report["equal"] else "\nNot all is equal.")
    return 0 if report["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
