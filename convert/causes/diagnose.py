"""``edgeiqa convert diagnose``: what the causes tell of known faults, and where they are wrong.

Two questions. Are faults that were put into liked pictures told by their names (share above the
gate's limit and ROC-AUC against the untouched pictures, per kind and level, and what else is told
of them)? And is a fault told of pictures that have none, on what is hard to judge: a sharp subject
before a soft background, night, blank walls and sky, fog, snow, print, faces?
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeiqa.analysis.cause_detector import CauseDetector
from edgeiqa.causes import CAUSES
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.frame import Frame

from ..common.progress import progress
from ..common.text_table import aligned
from ..distortions.distort import DISTORTIONS, LEVELS, distort
from .sharpness import auc

HARD_CASES = "splits/hard_cases.csv"
"""Below `convert.causes`: pictures of the test split, chosen by eye."""

Told = dict[str, float]


def told_of(detector: CauseDetector, pixels: npt.NDArray[np.uint8]) -> Told:
    """The causes of an RGB picture."""
    return detector.causes(Frame(pixels))


def faults(
    paths: Sequence[Path], detector: CauseDetector, jobs: int = 2
) -> tuple[list[Told], dict[str, dict[int, list[Told]]]]:
    """Asks for the causes of pictures before and after each distortion.

    Args:
        paths: Of pictures without faults.
        detector: The network for causes.
        jobs: Pictures at a time.

    Returns:
        Of the untouched pictures; and per kind of distortion and level.
    """
    with ThreadPoolExecutor(jobs) as pool:
        asked = pool.map(partial(_faults_of, detector), enumerate(paths))
        found = list(progress(asked, len(paths), "faults"))
    kinds = {
        kind: {level: [one[1][kind][level] for one in found] for level in LEVELS}
        for kind in DISTORTIONS
    }
    return [one[0] for one in found], kinds


def _faults_of(
    detector: CauseDetector, numbered: tuple[int, Path]
) -> tuple[Told, dict[str, dict[int, Told]]]:
    seed, path = numbered
    rgb = np.asarray(decode(path))
    spoilt = {
        kind: {level: told_of(detector, distort(rgb, kind, level, seed=seed)) for level in LEVELS}
        for kind in DISTORTIONS
    }
    return told_of(detector, rgb), spoilt


def fault_rows(
    clean: Sequence[Told],
    kinds: dict[str, dict[int, list[Told]]],
    limits: dict[str, float],
) -> list[dict[str, Any]]:
    """Per distortion: how well its cause is told, per level, and what else is told of it.

    Args:
        clean: Of the untouched pictures.
        kinds: Per kind of distortion and level.
        limits: The gate's.

    Returns:
        Per kind that has a cause {"kind", "cause", "auc": per level, "told": share above the
        limit per level, "others": share above theirs at level 3, per other cause}.
    """
    rows = []
    for kind, levels in kinds.items():
        cause = DISTORTIONS[kind].cause
        if cause not in CAUSES:
            continue
        before = [told[cause] for told in clean]
        rows.append(
            {
                "kind": kind,
                "cause": cause,
                "auc": [auc([told[cause] for told in levels[k]], before) for k in LEVELS],
                "told": [_share(levels[k], cause, limits) for k in LEVELS],
                "others": {
                    other: _share(levels[3], other, limits) for other in CAUSES if other != cause
                },
            }
        )
    return rows


def hard_cases(root: Path) -> dict[str, list[Path]]:
    """Pictures that are hard to judge, per case."""
    text = (files(__package__ or "") / HARD_CASES).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[str, list[Path]] = {}
    for row in csv.DictReader(lines):
        found.setdefault(row["case"], []).append(root / row["path"])
    return found


def false_alarms(
    cases: dict[str, list[Path]], detector: CauseDetector
) -> dict[str, dict[str, Any]]:
    """Which share of pictures without faults is above a limit.

    Args:
        cases: Per case the pictures.
        detector: The network for causes.

    Returns:
        Per case {"pictures", "mean": per cause, "alarms": per preset and cause the share}.
    """
    presets = detector.contract.limits
    found = {}
    for case, paths in cases.items():
        told = [detector.causes(decode(path)) for path in progress(paths, len(paths), case)]
        found[case] = {
            "pictures": len(paths),
            "mean": {cause: float(np.mean([one[cause] for one in told])) for cause in CAUSES},
            "alarms": {
                preset: {cause: _share(told, cause, limits) for cause in CAUSES}
                for preset, limits in presets.items()
            },
        }
    return found


def _share(told: Sequence[Told], cause: str, limits: dict[str, float]) -> float:
    return float(np.mean([one[cause] > limits.get(cause, 1.0) for one in told]))


def fault_table(rows: Sequence[dict[str, Any]]) -> str:
    """Faults that were put in, as text."""
    lines = [["distortion", "cause", *(f"AUC {k}" for k in LEVELS), *(f"told {k}" for k in LEVELS)]]
    for row in rows:
        areas = [f"{value:.3f}" for value in row["auc"]]
        shares = [f"{value:.0%}" for value in row["told"]]
        lines.append([row["kind"], row["cause"], *areas, *shares])
    return aligned(lines, left=2)


def alarm_table(found: dict[str, dict[str, Any]], preset: str) -> str:
    """False alarms of one preset, as text."""
    lines = [["case", "pictures", *CAUSES]]
    for case, told in found.items():
        shares = [f"{told['alarms'][preset][cause]:.0%}" for cause in CAUSES]
        lines.append([case, str(told["pictures"]), *shares])
    return aligned(lines)
