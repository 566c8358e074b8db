"""Fills the figures of README.md, docs and model cards from measurements, so that none is typed.

Usage: python scripts/docs/fill_tables.py [--check]

What stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->` is written anew: the output of
our own commands, run here and now, or a table from the reports in docs/results/. A report counts
only for the model that it measured: one made with another model than the shipped one is left out,
and the block says which command makes it. A shipped model without a card gets one. With --check
nothing is written, and the exit code is 1 when a file is out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.docs.markdown import Blocks, command_output, fill, relink  # noqa: E402
from scripts.docs.tables import (  # noqa: E402
    aarch64,
    bars,
    burst,
    causes,
    facts,
    gates,
    hardening,
    install,
    platforms,
    project,
    reliability,
    tables,
)
from scripts.docs.tables.benchmarks import benchmark_blocks  # noqa: E402
from scripts.docs.tables.card import new_card  # noqa: E402
from scripts.docs.tables.library import library_blocks  # noqa: E402
from scripts.docs.tables.report_page import report_blocks  # noqa: E402
from scripts.docs.tables.reports import RESULTS, Shipped, family  # noqa: E402
from scripts.docs.tables.scale import scale_blocks  # noqa: E402

PHOTO = "edgeiqa/assets/samples/coffee-motion-blur.jpg"


def measurements_blocks(models: tuple[Shipped, ...], results: Path = RESULTS) -> Blocks:
    """What fills each block of docs/reports/measurements.md.

    Args:
        models: All shipped models.
        results: The folder of all reports.
    """
    return {
        "bars": lambda: bars.bars_table(models),
        "checks": lambda: project.checks_table(models),
        "baselines": lambda: project.baselines_table(models, results),
        "reliability": lambda: project.reliability_pictures(models),
    }


def training_blocks(models: tuple[Shipped, ...], results: Path = RESULTS) -> Blocks:
    """What fills each block of docs/training.md; arguments as `measurements_blocks`."""
    return {
        "databases": facts.databases_table,
        "teacher": lambda: project.teacher_table(models, results),
        "distortions": facts.distortions_table,
        "ablation": lambda: project.ablation_tables(results),
    }


def card_blocks(model: Shipped) -> Blocks:
    """What fills each block of a model's card."""
    contract = model.contract
    return {
        "about": lambda: facts.about_line(contract),
        "summary": lambda: project.summary_table(model),
        "model": lambda: command_output("models", f"edgeiqa/assets/models/{model.name}.tflite"),
        "data": lambda: facts.data_list(contract),
        "recipe": lambda: facts.recipe_table(contract),
        "std": lambda: tables.std_sentence(model),
        "gate": lambda: facts.gate_table(contract),
        **tables.model_blocks(model),
    }


def documents(models: tuple[Shipped, ...], results: Path = RESULTS) -> dict[str, Blocks]:
    """The files that have blocks, below the root of the checkout, with what fills them."""
    return {
        "README.md": {
            "platforms": lambda: platforms.platforms_table(results),
            "family": lambda: project.family_table(models, results),
        },
        "docs/installation.md": {"install": install.install_table},
        "docs/quick-start.md": {"demo": lambda: command_output("score", "edgeiqa/assets/samples")},
        "docs/command-line.md": {
            "score": lambda: command_output("score", "--help"),
            "json": lambda: command_output("score", PHOTO, "--gate", "strict", "--format", "json"),
            "models": lambda: command_output("models"),
        },
        "docs/python.md": {
            "std": lambda: "\n\n".join(tables.std_sentence(model) for model in models),
        },
        "docs/reports/measurements.md": measurements_blocks(models, results),
        "docs/causes.md": {
            "sharpness": lambda: causes.sharpness_table(results),
            "faults": lambda: causes.faults_table(results),
            "alarms": lambda: causes.alarms_table(results),
        },
        "docs/gate.md": {"gate": lambda: gates.gates_tables(models)},
        "docs/reports/reliability.md": {
            **hardening.hardening_blocks(results),
            "fuzz": lambda: reliability.fuzz_table(results),
            "faults": lambda: reliability.faults_table(results),
            "interrupts": lambda: reliability.interrupts_table(results),
        },
        "docs/burst.md": {"burst": lambda: burst.burst_tables(models, results)},
        "docs/libraries.md": library_blocks(),
        "docs/report.md": report_blocks(),
        "docs/reports/aarch64.md": aarch64.aarch64_blocks(),
        "docs/reports/benchmarks.md": benchmark_blocks([model.name for model in models]),
        "docs/scale.md": scale_blocks(),
        "web/README.md": {"platforms": lambda: platforms.platforms_table(results)},
        "docs/training.md": training_blocks(models, results),
        **{f"edgeiqa/assets/models/{model.name}.md": card_blocks(model) for model in models},
    }


def filled(name: str, blocks: Blocks, root: Path = ROOT) -> tuple[str | None, str]:
    """A document as it is and as it should be.

    Args:
        name: Of the file below `root`.
        blocks: What fills it.
        root: The checkout.

    Returns:
        Its text, None where a card is yet to be written, and the text with its blocks filled.

    Raises:
        FileNotFoundError: It is not there, and is no card.
        ValueError: See `fill`; the message names the file.
    """
    file = root / name
    old = file.read_text(encoding="utf-8") if file.is_file() else None
    if old is None and file.parent.name != "models":
        raise FileNotFoundError(f"{name} is missing from {root}")
    folder = name.rpartition("/")[0]
    linked = {block: partial(_relinked, show, folder) for block, show in blocks.items()}
    try:
        return old, fill(new_card(file.stem) if old is None else old, linked)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _relinked(show: Callable[[], str], folder: str) -> str:
    return relink(show(), folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes or checks the files; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    args = parser.parse_args(arguments)
    stale = 0
    for name, blocks in documents(family()).items():
        try:
            old, new = filled(name, blocks)
        except (OSError, ValueError, RuntimeError) as error:
            print(f"fill_tables: error: {error}", file=sys.stderr)
            return 2
        if new == old:
            continue
        stale += 1
        if args.check:
            print(
                f"{name} is out of date; run: python scripts/docs/fill_tables.py", file=sys.stderr
            )
        else:
            (ROOT / name).write_text(new, encoding="utf-8")
            print(f"{name}: figures written")
    return int(args.check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
