"""Makes all reports of a model: verify, ladder, calibrate, stability, maps, operate, evaluate.

Usage: python scripts/docs/run_evaluations.py MODEL --student STUDENT.keras [--test]

Runs the steps of `python -m convert` one after the other and writes their reports to
docs/results/MODEL/, from which `python scripts/docs/fill_tables.py` makes its tables. A report that
is there already for this very model is kept, so an interrupted run goes on where it ended. All
but `evaluate` use the validation split or the sample photographs. The test split is looked at
only with --test, once per model: such a report is never made again by --again.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.docs.tables.project import RELIABILITY  # noqa: E402
from scripts.docs.tables.reports import (  # noqa: E402
    RESULTS,
    STEPS,
    STUDENT_STEPS,
    TEST_STEPS,
    Measured,
    measure_command,
    read_report,
)

DONE, FOUND_WANTING, REFUSED, UNREADABLE = 0, 1, 2, 3


def step_arguments(step: str, model: str, file: Path, student: Path | None) -> list[str]:
    """What follows `python -m convert` for one step.

    Args:
        step: One of `STEPS`.
        model: A shipped model's name or a file.
        file: The report to write.
        student: The float network that the model was made from; `verify` needs it.

    Raises:
        ValueError: The step needs a student and there is none.
    """
    words = [step, model]
    if step in STUDENT_STEPS:
        if student is None:
            raise ValueError(
                f"{step} compares with the float network: --student STUDENT.keras names it"
            )
        words += ["--keras", str(student)]
    if step in TEST_STEPS:
        words += ["--split", "test"]
    words += ["--json", _shown(file)]
    if step == "calibrate" and file.is_relative_to(RESULTS):
        words += ["--plot", RELIABILITY.format(file.parent.name)]
    return words


def _shown(file: Path) -> str:
    """A path as the report shows it: short where it lies in the checkout."""
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)


def identify(model: str) -> tuple[str, str, Measured]:
    """What to call a model, where its reports go, and what they must have measured.

    Args:
        model: A shipped model's name or a .tflite file with its contract.

    Returns:
        The word for the command line, the folder's name and the checksums.

    Raises:
        ValueError: There is no such model.
    """
    from edgeiqa.inference.contract import ContractError, read
    from edgeiqa.inference.model import ModelError, available_models, find

    try:
        data = find(model).read_bytes()
        contract, _ = read(data)
    except (ModelError, ContractError, OSError) as error:
        raise ValueError(str(error)) from error
    name = model if model in available_models() else contract.name
    word = model if model in available_models() else str(Path(model).resolve())
    return word, name, Measured(contract.flatbuffer_sha256, hashlib.sha256(data).hexdigest())


def is_done(step: str, file: Path, model: Measured) -> bool:
    """Whether a report is there already for this very model."""
    try:
        report = read_report(file)
    except ValueError:
        return False  # half a report of a machine that went down is no report
    return report is not None and model.by(step, report)


def wanted(only: Sequence[str] | None, test: bool) -> list[str]:
    """The steps to run, in order.

    Args:
        only: Some of `STEPS`, or None for all.
        test: Whether the test split may be looked at.

    Raises:
        ValueError: A step on the test split is named, and may not run.
    """
    refused = [] if test else [step for step in only or () if step in TEST_STEPS]
    if refused:
        raise ValueError(f"{refused[0]} looks at the test split: say --test if this is the end")
    return [s for s in STEPS if s in (only or STEPS) and (test or s not in TEST_STEPS)]


def run_step(words: Sequence[str]) -> int:
    """Runs `python -m convert WORDS` in the root of the checkout; returns its exit code."""
    # A process of its own: TensorFlow keeps its memory until the process ends, and the report
    # shall say the command that one can type again.
    return subprocess.run(
        [sys.executable, "-m", "convert", *words], cwd=ROOT, check=False
    ).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns the worst exit code of the steps."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="exit codes: 0 all reports are there, 1 a step's check failed, 2 wrong usage or a "
        "step could not run, 3 some pictures were unreadable, 130 interrupted. The folders of "
        "databases and caches come from $EDGEIQA_DATA and $EDGEIQA_WORK.",
    )
    parser.add_argument("model", metavar="MODEL", help="a shipped model's name or a .tflite file")
    parser.add_argument(
        "--student", type=Path, metavar="FILE", help="float student that the model was made from"
    )
    parser.add_argument(
        "--only", nargs="+", choices=STEPS, metavar="STEP", help=f"some of: {', '.join(STEPS)}"
    )
    parser.add_argument(
        "--test", action="store_true", help="also evaluate on the test split, once, at the end"
    )
    parser.add_argument(
        "--again", action="store_true", help="measure again what is there; never the test split"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=RESULTS,
        metavar="DIR",
        help="where the folder of the model lies (default: docs/results)",
    )
    args = parser.parse_args(arguments)
    try:
        steps = wanted(args.only, args.test)
        if args.student is not None and not args.student.is_file():
            raise ValueError(f"--student {args.student}: there is no such file")
        word, name, model = identify(args.model)
        folder = args.results.resolve() / name
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [
            (step, folder / f"{step}.json")
            for step in steps
            if (args.again and step not in TEST_STEPS)
            or not is_done(step, folder / f"{step}.json", model)
        ]
        # Before anything runs: half an hour later is late for a missing option.
        student = args.student and args.student.resolve()
        planned = [(step, file, step_arguments(step, word, file, student)) for step, file in jobs]
    except (ValueError, OSError) as error:
        print(f"run_evaluations: error: {error}", file=sys.stderr)
        return REFUSED
    for step in sorted(set(steps) - {step for step, _ in jobs}, key=STEPS.index):
        print(f"{step}: there already")
    codes = [DONE]
    for number, (step, file, words) in enumerate(planned, start=1):
        shown = shlex.join(words)
        print(f"[{number}/{len(planned)}] {step}: python -m convert {shown}", flush=True)
        began = time.monotonic()
        try:
            code = run_step(words)
        except KeyboardInterrupt:
            print("interrupted; the same command goes on from here", file=sys.stderr)
            return 130
        if code in (DONE, FOUND_WANTING, UNREADABLE) and not is_done(step, file, model):
            code = REFUSED
        codes.append(code)
        said = {DONE: "done", FOUND_WANTING: "measured, and found wanting"}
        said[UNREADABLE] = "measured, though some pictures were unreadable"
        took = time.monotonic() - began
        print(
            f"{step}: {said.get(code, f'failed with exit code {code}')}, {took:.0f} s", flush=True
        )
    left = [step for step in STEPS if not is_done(step, folder / f"{step}.json", model)]
    for step in left:
        print(f"still missing: {measure_command(step, args.model)}")
    if len(codes) > 1:
        print("now write the tables: python scripts/docs/fill_tables.py")
    return REFUSED if any(code not in range(4) for code in codes) else _worst(codes)


def _worst(codes: Sequence[int]) -> int:
    return next(code for code in (REFUSED, FOUND_WANTING, UNREADABLE, DONE) if code in codes)


if __name__ == "__main__":
    sys.exit(main())
