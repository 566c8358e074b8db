"""Tables of docs/reports/reliability.md about fuzzing and faults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from scripts.docs.markdown import table
from scripts.docs.tables.reports import RESULTS, read_report

FUZZ = "python -m tests.fuzz --inputs 400000 --seed 1 --json docs/results/fuzz.json"
FAULTS = "python -m tests.faults --json docs/results/faults.json"


def fuzz_table(results: Path = RESULTS) -> str:
    """What was fed to each target, and what came of it."""
    report = read_report(results / "fuzz.json")
    if report is None or "targets" not in report:
        return f"_Not run yet: `{FUZZ}`_"
    rows = []
    for found in report["targets"]:
        outcomes = ", ".join(f"{name} {count:,}" for name, count in _largest(found["outcomes"]))
        bad = sum(found[kind] for kind in ("crashes", "hangs", "memory", "undocumented"))
        rows.append(
            [
                f"`{found['target']}`",
                f"{found['about'][0].upper()}{found['about'][1:]}",
                outcomes,
                f"{found['inputs']:,}",
                f"{found['slowest']['seconds']:.2f}",
                f"{found['rss_mb']:.0f}",
                str(bad),
            ]
        )
    head = ["target", "what was fed", "what came of it", "inputs", "slowest, s", "MB", "findings"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    commands = ", ".join(f"`{text}`" for text in sorted({t["command"] for t in report["targets"]}))
    text = (
        f"{report['inputs']:,} inputs in {report['seconds'] / 60:.0f} minutes, "
        f"{report['findings']} findings.\n\n{table(head, rows, left=3)}\n\n"
        f"Slowest: processor seconds of one input. MB: highest resident memory of the process. "
        f"Findings: crashes, hangs, memory and time beyond the limits, exceptions that are not "
        f"documented, results that break a promise. {versions}; {commands}."
    )
    return f"{text}\n\n{_guided(report['guided'])}" if "guided" in report else text


def _largest(outcomes: dict[str, int], most: int = 5) -> list[tuple[str, int]]:
    """The commonest outcomes; the others as one."""
    items = sorted(outcomes.items(), key=lambda item: -item[1])
    rest = sum(count for _, count in items[most:])
    return [*items[:most], *([("others", rest)] if rest else [])]


def _guided(report: dict[str, Any]) -> str:
    rows = [
        [
            f"`{found['target']}`",
            f"{found['inputs']:,}",
            f"{found['edges']:,}",
            f"{found['features']:,}",
            f"{found['corpus']:,}",
            "0" if found["finding"] is None else "1",
        ]
        for found in report["targets"]
    ]
    head = ["target", "inputs", "edges reached", "features", "inputs kept", "findings"]
    return (
        f"Guided by the lines that inputs reach (Atheris, `edgeiqa` and Pillow instrumented):\n\n"
        f"{table(head, rows)}\n\n`{report['command']}`."
    )


def faults_table(results: Path = RESULTS) -> str:
    """What happens and what is lost; faults with the same outcome share a row."""
    report = read_report(results / "faults.json")
    if report is None:
        return f"_Not run yet: `{FAULTS}`_"
    alike: dict[tuple[str, str, str], list[str]] = {}
    for found in report["faults"]:
        outcome = (found["happens"], str(found["exit"]), found["lost"])
        alike.setdefault(outcome, []).append(found["fault"].replace("|", "\\|"))
    rows = [[_together(faults), *outcome] for outcome, faults in alike.items()]
    faults = len(report["faults"])
    tests = report["tests"]
    return (
        f"{faults} faults in {tests['passed']} tests passed, {tests['failed']} failed, "
        f"{tests['skipped']} skipped; {report['system']}, Python {report['python']}.\n\n"
        f"{table(['fault', 'what happens', 'exit code', 'lost'], rows, left=3)}\n\n"
        f"`{report['command']}`."
    )


def _together(faults: list[str]) -> str:
    """Faults on one line; of those that differ in what their brackets say, all brackets in one."""
    variants: dict[str, list[str]] = {}
    for fault in faults:
        found = re.fullmatch(r"(?P<name>.*?) \((?P<variant>[^()]*)\)(?P<rest>.*)", fault)
        name = f"{found['name']} ({{}}){found['rest']}" if found else fault
        variants.setdefault(re.sub(r"^\d+ bytes", "bytes", name), []).append(
            found["variant"] if found else ""
        )
    return "; ".join(name.replace("{}", "; ".join(found)) for name, found in variants.items())


def interrupts_table(results: Path = RESULTS) -> str:
    """How each command ended when it was interrupted, over all moments."""
    report = read_report(results / "faults.json")
    if report is None:
        return f"_Not run yet: `{FAULTS}`_"
    rows = []
    for found in report["sweep"]:
        ends = ", ".join(f"{end} {count}" for end, count in sorted(found["ends"].items()))
        rows.append([f"`{found['command']}`", str(found["runs"]), ends, str(len(found["wrong"]))])
    return (
        f"{report['interrupts']} interrupts, {report['wrong']} with anything wrong.\n\n"
        f"{table(['command', 'interrupts', 'how it ended', 'wrong'], rows, left=1)}\n\n"
        f"`{report['sweep_command']}`."
    )
