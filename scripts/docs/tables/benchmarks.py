"""Tables of docs/benchmarks, from what `python scripts/bench/bench_matrix.py MODEL` wrote there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from edgeiqa.bench.profiler import STAGES
from scripts.docs.markdown import ROOT, Blocks, table
from scripts.docs.tables.coldstart import coldstart_tables
from scripts.docs.tables.reports import read_report

FOLDER = ROOT / "docs" / "benchmarks"


def benchmark_blocks(models: Sequence[str], folder: Path = FOLDER) -> Blocks:
    """What fills each block of docs/reports/benchmarks.md.

    Args:
        models: Names of the shipped models, each with blocks `bench-NAME` and `machine-NAME`.
        folder: Where the reports lie.
    """
    blocks: Blocks = {}
    for name in models:
        cases = partial(_cases, name, folder)
        blocks[f"machine-{name}"] = partial(_shown, machine_lines, cases, name)
        blocks[f"bench-{name}"] = partial(_shown, bench_tables, cases, name)
    blocks["coldstart"] = partial(coldstart_tables, folder)
    return blocks


def _shown(
    show: Callable[[Mapping[str, Mapping[str, Any]]], str],
    cases: Callable[[], dict[str, dict[str, Any]]],
    name: str,
) -> str:
    found = cases()
    return (
        show(found)
        if found
        else f"_Not measured yet: `python scripts/bench/bench_matrix.py {name}`_"
    )


def _cases(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    report = read_report(folder / f"bench-{name}.json")
    return {} if report is None else report["cases"]


def machine_lines(cases: Mapping[str, Mapping[str, Any]]) -> str:
    """What it was measured on, and with."""
    first = next(iter(cases.values()))
    model, machine = first["model"], first["machine"]
    causes = model["causes"]
    second = "" if causes is None else f" with causes {causes['name']} {causes['version']}"
    board = f"{machine['board']}, " if machine["board"] else ""
    versions = ", ".join(f"{key} {value}" for key, value in first["versions"].items())
    return (
        f"Model {model['name']} {model['version']}{second}, on {board}"
        f"{machine['processor'] or 'an unknown processor'} ({machine['architecture']}, "
        f"{machine['cores']} cores, {' '.join(machine['features'])}), {machine['system']}; "
        f"governor {machine['governor'] or 'unknown'}; priority {machine['priority']}. {versions}."
    )


def bench_tables(cases: Mapping[str, Mapping[str, Any]]) -> str:
    """Time per stage, time beside the others', memory and commands of all cases."""
    parts = [_stages(cases), _bar(cases), _rivals(cases), _memory(cases), _commands(cases)]
    return "\n\n".join(parts)


def _subject(case: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = case["subjects"][0]
    return found


def _stages(cases: Mapping[str, Mapping[str, Any]]) -> str:
    subjects = {case: _subject(report) for case, report in cases.items()}
    rows = []
    for key, words in STAGES.items():
        times = [subject["stages"].get(key) for subject in subjects.values()]
        if any(times):
            rows.append([words, *("-" if t is None else f"{t['p50']:.2f}" for t in times)])
    totals = [subject["total"] for subject in subjects.values()]
    for percentile in ("p50", "p90", "p99"):
        cells = [f"{total[percentile]:.1f}" for total in totals]
        rows.append([f"**total, {percentile}**", *cells])
    return "Milliseconds, p50 of each stage:\n\n" + table(["stage", *subjects], rows)


def _bar(cases: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for case, report in cases.items():
        subject = _subject(report)
        bar = subject.get("bar")
        verdict = "-" if bar is None else "yes" if bar["holds"] else "no"
        rows.append(
            [
                case,
                *(f"{subject[key]['p50']:.2f}" for key in ("outside", "inside")),
                *(f"{subject['ratio'][key]:.2f}" for key in ("p50", "min")),
                verdict,
            ]
        )
    head = ["case", "outside the networks", "inside the network for the score"]
    return "Milliseconds, p50:\n\n" + table(
        [*head, "outside / inside", "of the fastest runs", "at most 1"], rows
    )


def _rivals(cases: Mapping[str, Mapping[str, Any]]) -> str:
    subjects = {case: _subject(report) for case, report in cases.items()}
    about: dict[str, str] = {}
    for subject in subjects.values():
        about |= {rival["name"]: rival["about"] for rival in subject["rivals"]}
    rows = []
    for name in about:
        cells = []
        for subject in subjects.values():
            found = next((r for r in subject["rivals"] if r["name"] == name), None)
            timed = found is not None and "error" not in found
            cells.append(f"{found['p50']:.1f} ({found['ratio']:.2f})" if found and timed else "-")
        rows.append([name, *cells])
    if not rows:
        return "Nothing was run beside it."
    notes = "; ".join(f"{name}: {text}" for name, text in about.items())
    head = "Others, milliseconds, p50, in brackets over ours:\n\n"
    return f"{head}{table(['instead', *subjects], rows)}\n\n{notes}."


def _memory(cases: Mapping[str, Mapping[str, Any]]) -> str:
    keys = {
        "before_opening": "before opening",
        "opened": "opened",
        "idle": "with the picture",
        "after": "after scoring",
        "peak": "peak while scoring",
    }
    rows = []
    for case, report in cases.items():
        memory = report["memory"]
        rows.append([case, *("-" if memory[key] is None else f"{memory[key]:.0f}" for key in keys)])
    return "Memory of the process, MB:\n\n" + table(["case", *keys.values()], rows)


def _commands(cases: Mapping[str, Mapping[str, Any]]) -> str:
    lines = "\n".join(report["command"] for report in cases.values())
    return f"```console\n{lines}\n```"
