"""Tables of docs/reports/aarch64.md: other processors and versions, and 32-bit ARM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.docs.markdown import Blocks, measured_with, table
from scripts.docs.tables.benchmarks import FOLDER
from scripts.docs.tables.reports import read_report

COMMANDS = {
    "aarch64": "tests/aarch64/run.sh --json docs/benchmarks/aarch64.json",
    "matrix": "python scripts/release/version_matrix.py --json docs/benchmarks/matrix.json",
    "armhf": "tests/aarch64/armhf.sh 41 docs/benchmarks/armhf.json",
}
"""Report to the command that writes it."""


def aarch64_blocks(folder: Path = FOLDER) -> Blocks:
    """What fills each block of docs/reports/aarch64.md.

    Args:
        folder: Where the reports lie.
    """

    def report(name: str) -> dict[str, Any] | None:
        return read_report(folder / f"{name}.json")

    return {
        "aarch64": lambda: _told("aarch64", report("aarch64"), emulated_table),
        "matrix": lambda: _told("matrix", report("matrix"), matrix_table),
        "fallback": lambda: _told("matrix", report("matrix"), fallback_table),
        "armhf": lambda: _told("armhf", report("armhf"), armhf_table),
    }


def _told(name: str, report: dict[str, Any] | None, show: Any) -> str:
    text: str = show(report) if report else f"_Not measured yet: `{COMMANDS[name]}`_"
    return text


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def emulated_table(report: Mapping[str, Any]) -> str:
    """One row per Python and processor."""
    rows = []
    for run in report["runs"]:
        total = run["total"]
        same = sum(one["same"] for one in run["cli"])
        rows.append(
            [
                f"{run['cpu']}{' (dot products)' if 'asimddp' in run['features'] else ''}",
                run["python"],
                f"{total['compared']:,}",
                f"{sum(run['runs'].values()):,}",
                f"{total['integers']:,}",
                str(total["integer_step"]),
                str(total["tensor_step"]),
                f"{total['score']:.1g}",
                f"{total['causes']:.1g}",
                f"{same} of {len(run['cli'])}",
            ]
        )
    head = ["processor", "Python", "pictures and frames", "runs of a network", "int8 values"]
    head += ["largest int8 step", "tensor step", "score", "cause", "printed alike"]
    every = max(run["every"] for run in report["runs"])
    part = "" if every == 1 else f" Part of the golden scores only: up to each {every}th."
    reference = report["reference"]
    failed = "" if not report["failed"] else f" **{len(report['failed'])} could not be run.**"
    return (
        f"{table(head, rows, left=2)}\n\nAgainst {reference['machine']}, Python "
        f"{reference['python']}, {_versions(reference['versions'])}; on the emulated ones "
        f"{_versions(report['runs'][0]['versions'])}; QEMU {report['qemu']}.{part}{failed} "
        f"{measured_with(report)}"
    )


def matrix_table(report: Mapping[str, Any]) -> str:
    """One row per environment with LiteRT."""
    rows = []
    for row in report["rows"]:
        if row["fallback"]:
            continue
        versions = row.get("versions", {})
        total = row.get("total", {})
        said = f"no wheel of {row['why']}" if row["state"] == "no wheel" else row["state"]
        rows.append(
            [
                row.get("version", row["python"]),
                versions.get("numpy", row["numpy"]),
                versions.get("pillow", row["pillow"]),
                versions.get("ai-edge-litert", "-"),
                str(total.get("compared", "-")),
                str(total.get("integer_step", "-")),
                f"{total['score']:.1g}" if total else "-",
                f"**{said}**" if said in ("different", "failed") else said,
            ]
        )
    head = ["Python", "NumPy", "Pillow", "LiteRT", "compared", "largest int8 step", "score", ""]
    lacking = "".join(f" Python {version} was not there." for version in report["not_here"])
    return (
        f"{table(head, rows, left=4)}\n\nOn {report['machine']}, against Python "
        f"{report['reference']['python']}, {_versions(report['reference']['versions'])}, and the "
        f"committed golden scores.{lacking} {measured_with(report)}"
    )


def fallback_table(report: Mapping[str, Any]) -> str:
    """How far and how slow tflite-runtime is, beside LiteRT on the same processor."""
    found = [row for row in report["rows"] if row["fallback"] and "total" in row]
    if not found:
        return f"_Not measured yet: `{COMMANDS['matrix']}`_"
    (row,) = found
    # LiteRT in the very environment that differs only by it: run at the same time.
    same = [
        one
        for one in report["rows"]
        if not one["fallback"]
        and "runs" in one
        and all(one[key] == row[key] for key in ("python", "numpy", "pillow"))
    ]
    litert = (same[0] if same else report["reference"])["runs"]
    rows = []
    for name, run in row["runs"].items():
        slow, fast = run["median_ms"], litert[name]["median_ms"]
        rows.append([name, f"{fast:.1f}", f"{slow:.1f}", f"{slow / fast:.0f}"])
    total = row["total"]
    return (
        f"{table(['network', 'LiteRT, ms', 'tflite-runtime, ms', 'times'], rows)}\n\n"
        f"Of {total['integers']:,} int8 values {total['integers_off']:,} differ, by up to "
        f"{total['integer_step']}; scores differ by up to {total['score']:.1f} points, causes by "
        f"up to {total['causes']:.2f}; tensors by {total['tensor_step']}. {report['machine']}, "
        f"{_versions(row['versions'])}, one thread, median. {measured_with(report)}"
    )


def armhf_table(report: Mapping[str, Any]) -> str:
    """What the emulated 32-bit board made of the golden scores."""
    rows = [
        [
            name,
            str(one["compared"]),
            f"{one['integers_off']:,} of {one['integers']:,}",
            str(one["integer_step"]),
            str(one["tensor_step"]),
            f"{one['causes']:.3f}" if name == "causes" else f"{one['score']:.2f}",
        ]
        for name, one in report["documents"].items()
    ]
    head = ["golden scores", "compared", "int8 values that differ", "by up to", "tensors by"]
    head += ["score or cause by up to"]
    other = report["other"]
    return (
        f"{table(head, rows)}\n\n{other['machine']}, Python {other['python']}, "
        f"{_versions(other['versions'])}. Measured with `{COMMANDS['armhf']}`."
    )
