"""Runs the golden scores with the wheel in every Python here, with old and new NumPy and Pillow.

Usage: python scripts/release/version_matrix.py [--json docs/benchmarks/matrix.json]

Each case is a fresh virtual environment with what PyPI's wheels give: the built wheel, NumPy 1.26
or the newest, Pillow 10.1 or the newest. A combination without a wheel is reported as such.
The last case has tflite-runtime instead of LiteRT, as on 32-bit ARM: there scores must differ, and
by how much is reported. All are compared with the Python that runs this, raw integers included.

exit codes: 0 all are equal, 1 some differ or cannot be installed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.golden.compare import compare, read, total  # noqa: E402

PROBE = ROOT / "tests" / "golden" / "probe.py"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OLDEST, NEWEST = "oldest", "newest"
NUMPY = {OLDEST: "numpy==1.26.*", NEWEST: "numpy>=2"}
PILLOW = {OLDEST: "pillow==10.1.*", NEWEST: "pillow"}
FALLBACK = "tflite-runtime==2.14.0"
FALLBACK_PYTHONS = ("3.11", "3.10")
LONGEST_S = 3600


@dataclass(frozen=True)
class Case:
    """One environment.

    Attributes:
        python: "3.11".
        numpy: `OLDEST` or `NEWEST`.
        pillow: The same.
        fallback: Whether with tflite-runtime instead of LiteRT.
    """

    python: str
    numpy: str
    pillow: str
    fallback: bool = False

    def requirements(self) -> list[str]:
        """What pip is asked for beside our wheel."""
        asked = [NUMPY[self.numpy], PILLOW[self.pillow]]
        return [*asked, FALLBACK] if self.fallback else asked


def find_pythons() -> dict[str, Path]:
    """The Pythons of this machine by version: those on PATH, and those that pyenv keeps."""
    found: dict[str, Path] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in PYTHONS:
        kept = sorted(pyenv.glob(f"{version}.*/bin/python"))
        on_path = shutil.which(f"python{version}")
        for candidate in (sys.executable, *map(str, reversed(kept)), on_path):
            if candidate and _version(candidate) == version:
                found[version] = Path(candidate)
                break
    return found


def _version(python: str) -> str | None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def build_wheel(folder: Path) -> Path:
    """Our wheel, built from the checkout.

    Raises:
        RuntimeError: It cannot be built.
    """
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    done = _run([*words, "--no-deps", "--wheel-dir", str(folder), str(ROOT)])
    if done.returncode:
        raise RuntimeError(f"the wheel cannot be built:\n{done.stderr}")
    (wheel,) = folder.glob("edgeiqa-*.whl")
    return wheel


def _run(words: Sequence[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
        **more,
    )


def probe(python: str, folder: Path, name: str, every: int, path: str) -> dict[str, Any]:
    """What tests/golden/probe.py finds in an environment.

    Raises:
        RuntimeError: It failed.
    """
    out = folder / f"{name}.json"
    words = [python, "-s", str(PROBE), str(out), "--tensors", str(folder / "tensors")]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = _run([*words, "--every", str(every)], cwd=folder, env=environment)
    if done.returncode:
        raise RuntimeError("\n".join(done.stderr.splitlines()[-10:]))
    return read(out)


def install(case: Case, python: Path, wheel: Path, folder: Path) -> tuple[Path, str | None]:
    """Makes the environment of a case.

    Returns:
        Its Python, and None or what there is no wheel of.

    Raises:
        RuntimeError: It cannot be made for another reason.
    """
    venv = Path(tempfile.mkdtemp(prefix="venv-", dir=folder))
    done = _run([str(python), "-m", "venv", "--without-pip", str(venv)])
    if done.returncode:
        raise RuntimeError(f"{python} makes no virtual environment: {done.stderr}")
    inside = venv / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(inside), "install", "--quiet"]
    words += ["--disable-pip-version-check", "--only-binary=:all:"]
    if case.fallback:
        # Our own wheel asks for it on 32-bit ARM only.
        done = _run([*words, "--no-deps", str(wheel)])
        if done.returncode == 0:
            done = _run([*words, *case.requirements()])
    else:
        done = _run([*words, *case.requirements(), str(wheel)])
    if done.returncode == 0:
        return inside, None
    for requirement in case.requirements():
        if f"No matching distribution found for {requirement}" in done.stderr:
            return inside, requirement
    raise RuntimeError("\n".join(done.stderr.splitlines()[-10:]))


def try_case(
    case: Case, python: Path, wheel: Path, folder: Path, reference: dict[str, Any], every: int
) -> dict[str, Any]:
    """Installs and probes; returns the row of the report."""
    row: dict[str, Any] = {**asdict(case), "state": "failed"}
    inside = None
    try:
        inside, missing = install(case, python, wheel, folder)
        if missing is not None:
            return {**row, "state": "no wheel", "why": missing}
        name = "-".join(map(str, asdict(case).values()))
        found = probe(str(inside), folder, name, every, "")
        if not Path(found["from"]).is_relative_to(inside.parents[1]):
            raise RuntimeError(f"edgeiqa came from {found['from']} and not from the wheel")
        differences = compare(reference, found, folder / "tensors")
        whole = total(differences)
    except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
        return {**row, "why": str(error)}
    finally:
        if inside is not None:
            shutil.rmtree(inside.parents[1], ignore_errors=True)
    row |= {"state": "equal" if whole.none else "different"}
    row |= {"version": found["python"], "versions": found["versions"], "runs": found["runs"]}
    return {**row, "total": asdict(whole)}


def line(row: dict[str, Any]) -> str:
    """One row for people."""
    versions = row.get("versions", {})
    numpy = versions.get("numpy", row["numpy"])
    pillow = versions.get("pillow", row["pillow"])
    runtime = "tflite" if row["fallback"] else "LiteRT"
    said = row["state"] + (f": {row['why']}" if "why" in row else "")
    if "total" in row:
        whole = row["total"]
        said += (
            f" ({whole['compared']} compared, raw int8 {whole['integer_step']}, "
            f"scores {whole['score']:.3g}, causes {whole['causes']:.3g})"
        )
    return f"{row['python']:6} {numpy:8} {pillow:8} {runtime:7} {said}"


def cases(args: argparse.Namespace, pythons: dict[str, Path]) -> list[Case]:
    """What is to be tried of what was asked for."""
    chosen = [
        Case(python, numpy, pillow)
        for python in pythons
        for numpy in args.numpy
        for pillow in args.pillow
    ]
    if not args.no_fallback:
        able = [python for python in FALLBACK_PYTHONS if python in pythons]
        chosen += [Case(python, OLDEST, NEWEST, True) for python in able[:1]]
    return chosen


def measure(args: argparse.Namespace, pythons: dict[str, Path], work: Path) -> dict[str, Any]:
    """Tries all; returns the report."""
    print("Building the wheel, computing the reference ...", file=sys.stderr, flush=True)
    wheel = build_wheel(work)
    reference = probe(sys.executable, work, "reference", 1, str(ROOT))
    rows = []
    print(f"{'Python':6} {'NumPy':8} {'Pillow':8} {'runtime':7} golden scores")
    with ThreadPoolExecutor(args.jobs) as pool:

        def tried(case: Case) -> dict[str, Any]:
            return try_case(case, pythons[case.python], wheel, work, reference, args.every)

        for row in pool.map(tried, cases(args, pythons)):
            rows.append(row)
            print(line(row), flush=True)
    return {
        "command": args.shown,
        "machine": reference["machine"],
        "every": args.every,
        "not_here": [version for version in args.python if version not in pythons],
        "reference": {key: reference[key] for key in ("python", "versions", "runs")},
        "rows": rows,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries all cases and prints a table; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    both = [OLDEST, NEWEST]
    parser.add_argument("--python", nargs="+", choices=PYTHONS, default=list(PYTHONS))
    parser.add_argument("--numpy", nargs="+", choices=both, default=both)
    parser.add_argument("--pillow", nargs="+", choices=both, default=both)
    parser.add_argument("--no-fallback", action="store_true", help="without tflite-runtime")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th picture only")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many at once")
    parser.add_argument("--json", type=Path, metavar="FILE")
    words = sys.argv[1:] if arguments is None else list(arguments)
    args = parser.parse_args(words)
    args.shown = " ".join(["python scripts/release/version_matrix.py", *words])
    if args.every < 1 or args.jobs < 1:
        parser.error("--every and --jobs are whole numbers from 1 on")
    pythons = {v: path for v, path in find_pythons().items() if v in args.python}
    if not pythons:
        parser.error(f"no Python {', '.join(args.python)} on this machine")
    work = Path(tempfile.mkdtemp(prefix="edgeiqa-matrix-"))
    try:
        report = measure(args, pythons, work)
    except RuntimeError as error:
        print(f"version_matrix: error: {error}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for version in report["not_here"]:
        print(f"{version:6} not on this machine")
    if args.json is not None:
        half = args.json.with_name(args.json.name + ".half")
        half.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        half.replace(args.json)
    fine = {"equal", "no wheel"}
    return int(any(row["state"] not in fine for row in report["rows"] if not row["fallback"]))


if __name__ == "__main__":
    sys.exit(main())
