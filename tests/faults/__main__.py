"""`python -m tests.faults`: every fault once, Ctrl-C at many moments, and a report of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults import sweep

HERE = Path(__file__).parent


class Recorder:
    """Collects what tests recorded with the fixture `fault`."""

    def __init__(self) -> None:
        self.faults: list[dict[str, Any]] = []
        self.outcomes = {"passed": 0, "failed": 0, "skipped": 0}
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest after each stage of each test."""
        if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
            self.outcomes[report.outcome] += 1
            if report.outcome == "failed":
                self.failed.append(report.nodeid)
            for name, value in report.user_properties:
                if name == "fault" and report.outcome == "passed":
                    test = report.nodeid.rpartition("/")[2]
                    self.faults.append({**value, "test": test})  # type: ignore[dict-item]


def main(argv: list[str] | None = None) -> int:
    """Runs all and reports; returns 1 if anything was lost, left incomplete or reported badly."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--delays", type=int, default=40, help="interrupts of each command (default: 40)"
    )
    parser.add_argument(
        "--many", type=int, default=1_000_000, help="files in the crowded folder (default: 10^6)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="of the sweep")
    parser.add_argument("--only", choices=("tests", "sweep"), help="the other part stays as it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write a report there")
    arguments = parser.parse_args(argv)
    report: dict[str, Any] = {}
    if arguments.json is not None and arguments.json.is_file():
        report = json.loads(arguments.json.read_text(encoding="utf-8"))
    if arguments.only != "sweep":
        report |= _tests(arguments.many)
        report["command"] = f"python -m tests.faults --only tests --many {arguments.many}"
    if arguments.only != "tests":
        swept = sweep.main(arguments.delays, arguments.jobs)
        report |= {
            "interrupts": sum(found.runs for found in swept),
            "wrong": sum(len(found.wrong) for found in swept),
            "sweep": [found.to_dict() for found in swept],
            "sweep_command": f"python -m tests.faults --only sweep --delays {arguments.delays}",
        }
    report |= {
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if arguments.json is not None:
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        arguments.json.write_text(text, encoding="utf-8")
    return int(bool(report.get("wrong")) or bool(report.get("failed")))


def _tests(many: int) -> dict[str, Any]:
    """Runs the tests of faults, and collects what they recorded."""
    os.environ["EDGEIQA_MANY_FILES"] = str(many)
    recorder = Recorder()
    ignored = f"--ignore={HERE / 'test_interrupts.py'}"  # The sweep does more of the same.
    pytest.main([str(HERE), "-q", "-p", "no:cacheprovider", ignored], plugins=[recorder])
    return {
        "tests": recorder.outcomes,
        "failed": recorder.failed,
        "faults": recorder.faults,
    }


if __name__ == "__main__":
    sys.exit(main())
