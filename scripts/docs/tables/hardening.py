"""Tables of docs/reports/reliability.md about hostile model files and the long soak."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from scripts.docs.markdown import ROOT, Blocks, measured_with, table
from scripts.docs.tables.reports import RESULTS, read_report

BENCHMARKS = ROOT / "docs" / "benchmarks"

KINDS = {
    "bytes": "bytes of the network changed, digest made right",
    "objects": "what the network says changed, written anew, digest made right",
    "contract": "values of the contract changed",
    "file": "any one bit of the file flipped",
    "cut": "the file cut",
}
RAN = ("ran", "refused by the runtime", "failed while running")


def hardening_blocks(results: Path = RESULTS, benchmarks: Path = BENCHMARKS) -> Blocks:
    """What fills the blocks `models` and `soak`.

    Args:
        results: Folder of models.json.
        benchmarks: Folder of soak.json.
    """
    return {
        "models": partial(
            _shown, models_table, results / "models.json", "python scripts/stress/hostile_models.py"
        ),
        "soak": partial(
            _shown, soak_table, benchmarks / "soak.json", "python scripts/stress/soak.py"
        ),
    }


def _shown(show: Any, path: Path, command: str) -> str:
    report = read_report(path)
    if report is None:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
        return f"_Not measured yet: `{command} --json {shown}`_"
    text: str = show(report)
    return text


def models_table(report: dict[str, Any]) -> str:
    """What became of damaged model files, per way of damaging them, over all runs."""
    runs = report["runs"]
    rows = []
    for kind, words in KINDS.items():
        outcomes: Counter[str] = Counter()
        for run in runs:
            outcomes.update(run["outcomes"].get(kind, {}))
        del outcomes["could not be written"]
        findings = sum(one["kind"] == kind for run in runs for one in run["findings"])
        counts = [
            sum(outcomes.values()),
            *(outcomes[name] for name in ("refused", "the same model", *RAN)),
            findings,
        ]
        rows.append([words, *(f"{count:,}" for count in counts)])
    head = ["damage", "files", "refused", "no change", *RAN, "harm done"]
    files = sum(run["files"] for run in runs)
    harm = sum(len(run["findings"]) for run in runs)
    commands = "; ".join(f"`{run['command']}`" for run in runs)
    return (
        f"{table(head, rows)}\n\n"
        f"{files:,} files, {harm} of which did harm. The slowest check took "
        f"{max(run['slowest_check_ms'] for run in runs):.0f} ms on a busy machine, the largest "
        f"process that ran them {max(run['largest_child_mb'] for run in runs)} MB. LiteRT "
        f"{runs[-1]['versions']['litert']}. Measured with {commands}."
    )


def soak_table(report: dict[str, Any]) -> str:
    """Memory, descriptors and threads at a few moments of the soak."""
    samples = report["samples"]
    picked = sorted({round(i * (len(samples) - 1) / 8) for i in range(9)})
    rows = [
        [
            f"{samples[i]['seconds'] / 60:.0f}",
            f"{samples[i]['pictures']:,}",
            f"{samples[i]['rss_mb']:.1f}",
            *(f"{samples[i][key]:,}" for key in ("descriptors", "threads", "objects")),
        ]
        for i in picked
    ]
    head = ["minutes", "pictures", "resident MB", "descriptors", "threads", "objects"]
    counts = report["counts"]
    return (
        f"{table(head, rows, left=0)}\n\n"
        f"Model {report['model']}: {report['pictures']:,} pictures in "
        f"{report['seconds'] / 60:.0f} minutes on a busy machine, {counts['frame']:,} frames of a "
        f"stream, {counts['frame in a thread']:,} through threads of their own, "
        f"{counts['encoded']:,} encoded pictures, {sum(report['refused'].values()):,} broken ones "
        f"refused; the model opened anew {counts.get('model opened anew', 0)} times. "
        f"{report['unexpected']} came out other than they should. Memory was "
        f"{report['rss_mb']['after_a_tenth']:.1f} MB after a tenth of the time, "
        f"{report['rss_mb']['warm']:.1f} once the model had been opened anew, and "
        f"{report['rss_mb']['end']:.1f} at the end; from then on the straight line through it "
        f"rises by {report['slope_mb_per_million']:+.1f} MB in a million "
        "pictures. "
        f"{measured_with(report)}"
    )
