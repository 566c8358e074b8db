"""Fills the figures of README.md and model cards from measurements, so that none is typed.

Usage: python scripts/readme_figures.py [--check]

What stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->` is written anew: the output of
our own commands, run here and now, or a table from a report in docs/results/NAME.json. A report
counts only for the model that it measured: one made with another model than the shipped one is
left out. With --check nothing is written, and the exit code is 1 when a file is out of date.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeiqa.contract import Contract

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# The commands that write the reports; shown where a report is missing.
REPORT_COMMANDS = {
    "evaluate": "python -m convert evaluate base --json docs/results/evaluate.json",
    "verify": "python -m convert verify base --keras STUDENT --json docs/results/verify.json",
    "ladder": "python -m convert ladder base --json docs/results/ladder.json",
}

# The files that have blocks, and which.
_MEASURED = ("evaluate", "verify", "ladder")
FILES = {
    "README.md": ("demo", "json", "models", *_MEASURED),
    "edgeiqa/models/base.md": ("models", "recipe", *_MEASURED, "gate"),
}

_BLOCK = re.compile(r"<!-- begin: (?P<name>[\w-]+) -->\n.*?<!-- end: (?P=name) -->", re.DOTALL)


def fill(text: str, blocks: dict[str, Callable[[], str]]) -> str:
    """Writes every marked block anew.

    Args:
        text: a Markdown document.
        blocks: block name to a function that makes its content.

    Raises:
        ValueError: a block that nobody can fill, a marker without its partner, or a block that
            the document lacks.
    """
    seen: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in blocks:
            raise ValueError(f"nobody fills the block {name!r}; known: {', '.join(blocks)}")
        seen.append(name)
        return f"<!-- begin: {name} -->\n{blocks[name]().strip()}\n<!-- end: {name} -->"

    filled = _BLOCK.sub(replace, text)
    if filled.count("<!-- begin: ") != len(seen) or filled.count("<!-- end: ") != len(seen):
        raise ValueError("a begin or end marker has no partner of the same name")
    missing = sorted(set(blocks) - set(seen))
    if missing:
        raise ValueError(f"the document has no block {missing[0]!r}")
    return filled


def command_output(*arguments: str) -> str:
    """Runs `edgeiqa ARGUMENTS` in the root of the checkout and returns it as a shell session.

    Raises:
        RuntimeError: the command failed.
    """
    from edgeiqa.cli import main as edgeiqa

    printed = io.StringIO()
    before = os.getcwd()
    os.chdir(ROOT)  # so that the paths shown are short, and the same everywhere
    try:
        with contextlib.redirect_stdout(printed):
            code = edgeiqa(list(arguments))
    finally:
        os.chdir(before)
    if code != 0:
        raise RuntimeError(f"edgeiqa {' '.join(arguments)} ended with exit code {code}")
    return f"```console\n$ edgeiqa {' '.join(arguments)}\n{printed.getvalue().rstrip()}\n```"


def load_report(name: str, folder: Path, shipped: str) -> dict[str, Any] | None:
    """Reads a report of `convert` about the shipped model.

    Args:
        name: "evaluate", "verify" or "ladder".
        folder: where the reports lie.
        shipped: SHA-256 of the shipped model's flatbuffer.

    Returns:
        The report; None when there is none or it measured another model.
    """
    file = folder / f"{name}.json"
    if not file.is_file():
        return None
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if report["protocol"]["flatbuffer_sha256"] != shipped:
        print(f"{file}: measured another model than the shipped one, left out", file=sys.stderr)
        return None
    return report


def evaluate_table(report: dict[str, Any]) -> str:
    """Returns the correlations with human scores, one row per group of pictures."""
    first = next(iter(report["groups"].values()))
    metrics = [name for name, found in first.items() if isinstance(found, dict)]
    rows = []
    for name, group in report["groups"].items():
        cells = [name, f"{group['pictures']:,}"]
        for metric in metrics:
            found = group.get(metric)
            cells.append(
                f"{found['value']:.3f} <sub>{found['low']:.3f}-{found['high']:.3f}</sub>"
                if found and found["value"] is not None
                else "-"
            )
        rows.append(cells)
    facts = report["protocol"]
    note = (
        f"{facts['database']}, {facts['split']} split; model {facts['model']} "
        f"{facts['model_version']}; small print: 95% bootstrap interval. {_how(facts)}"
    )
    return _table(["pictures of", "number", *metrics], rows) + "\n\n" + note


def verify_table(report: dict[str, Any]) -> str:
    """Returns what the conversion to int8 changed and what the file holds."""
    rows = [
        [
            f"{shift['reference']} to {shift['other']}",
            f"{shift['srocc']:.4f}",
            f"{shift['p99']:.2f}",
            f"{shift['largest']:.2f}",
        ]
        for shift in report["shifts"]
    ]
    head = ["from, to", "SROCC between them", "99th percentile of shifts", "largest shift"]
    facts = report["tflite"]
    lines = [_table(head, rows), ""]
    if report["srocc_mos"]:
        each = ", ".join(f"{name} {value:.4f}" for name, value in report["srocc_mos"].items())
        lines.append(f"SROCC with human scores: {each}. Shifts are in points of 0-100.")
    else:
        lines.append("Shifts are in points of 0-100.")
    lines.append(
        f"The file has {facts['bytes'] / 1e6:.2f} MB and takes {facts['macs'] / 1e6:.0f} million "
        f"multiply-accumulates per score; float islands: "
        f"{', '.join(facts['float_islands']) or 'none'}. "
        f"{report['protocol']['pictures']:,} pictures. {_how(report['protocol'])}"
    )
    return "\n".join(lines)


def ladder_table(report: dict[str, Any]) -> str:
    """Returns, per distortion, how often the score does not fall from one level to the next."""
    counts = {**report["kinds"], "all": report["total"]}
    rows = [
        [
            kind.replace("_", " "),
            str(count["pairs"]),
            str(count["violations"]),
            f"{count['share']:.1%}",
            f"{count['drop']:.1f}",
        ]
        for kind, count in counts.items()
    ]
    head = ["distortion", "pairs of levels", "score does not fall", "share", "mean fall"]
    note = (
        f"{len(report['pictures'])} photographs, five levels each; mean fall from the original to "
        f"level 5 in points of 0-100. {_how(report['protocol'])}"
    )
    return _table(head, rows) + "\n\n" + note


def gate_table(contract: Contract) -> str:
    """Returns the gate's presets with the shares of good and bad pictures that decided them."""
    points = contract.metrics["gate"]
    rows = [
        [
            preset,
            f"{least:g}",
            f"{points[preset]['good_kept']:.1%}",
            f"{points[preset]['bad_rejected']:.1%}" if "bad_rejected" in points[preset] else "-",
        ]
        for preset, least in contract.gate.items()
    ]
    head = ["preset", "accepted from", "good photographs kept", "bad ones rejected"]
    return _table(head, rows) + f"\n\nOn {contract.metrics['split']}. {_how(contract.metrics)}"


def recipe_table(contract: Contract) -> str:
    """Returns how the model was trained, from its contract."""
    training = contract.training
    rows = [["teacher", _settings(training["teacher"])]]
    student = training["student"]
    before = student.get("before")
    if before:
        rows.append(["student, first run", _settings(before)])
    rows.append(["student", _settings(student)])
    rows.append(["quantization", _settings(training["quantization"])])
    validation = ", ".join(f"{k} {v}" for k, v in contract.metrics["validation"].items())
    rows.append(["int8 model on validation", validation])
    return _table(["step", "settings"], rows)


def _settings(recipe: dict[str, Any]) -> str:
    """A recipe and its schedule on one line, without the recipe of the run before."""
    flat = {**recipe, **recipe.get("schedule", {})}
    return ", ".join(
        f"{key} {float(f'{value:.6g}'):g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in flat.items()
        if value is not None and key not in ("schedule", "before")
    )


def _how(facts: dict[str, Any]) -> str:
    return f"Measured with `{facts['command']}`."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _report_block(
    name: str, table: Callable[[dict[str, Any]], str], folder: Path, shipped: str
) -> Callable[[], str]:
    def make() -> str:
        report = load_report(name, folder, shipped)
        if report is None:
            return f"_Not measured yet for the shipped model: `{REPORT_COMMANDS[name]}`_"
        return table(report)

    return make


def readme_blocks(folder: Path = ROOT / "docs" / "results") -> dict[str, Callable[[], str]]:
    """Returns what fills each block of README.md.

    Args:
        folder: where the reports of `convert` lie.
    """
    from edgeiqa.model import Model

    contract = Model("base").contract
    shipped = contract.flatbuffer_sha256
    photo = "edgeiqa/samples/coffee-motion-blur.jpg"
    return {
        "demo": lambda: command_output("score", "edgeiqa/samples"),
        "json": lambda: command_output("score", photo, "--gate", "strict", "--format", "json"),
        "models": lambda: command_output("models"),
        "gate": lambda: gate_table(contract),
        "recipe": lambda: recipe_table(contract),
        "evaluate": _report_block("evaluate", evaluate_table, folder, shipped),
        "verify": _report_block("verify", verify_table, folder, shipped),
        "ladder": _report_block("ladder", ladder_table, folder, shipped),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes or checks the files; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    args = parser.parse_args(arguments)
    blocks = readme_blocks()
    stale = 0
    for name, wanted in FILES.items():
        file = ROOT / name
        if not file.is_file():
            continue
        old = file.read_text(encoding="utf-8")
        new = fill(old, {block: blocks[block] for block in wanted})
        if new == old:
            continue
        stale += 1
        if args.check:
            print(f"{name} is out of date; run: python scripts/readme_figures.py", file=sys.stderr)
        else:
            file.write_text(new, encoding="utf-8")
            print(f"{name}: figures written")
    return int(args.check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
