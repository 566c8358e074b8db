"""``edgeiqa convert diagnose``: how well causes are detected, and false alarms.

Two questions. Are known faults in well-rated pictures detected under their names (share above the
gate's limit and ROC-AUC against the untouched pictures, per kind and level, and what else is found
in them)? And is a fault found in pictures that have none, where that is hard to judge: a sharp
subject before a soft background, night, blank walls and sky, fog, snow, print, faces?
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

Severities = dict[str, float]


def causes_of(detector: CauseDetector, pixels: npt.NDArray[np.uint8]) -> Severities:
    """The causes of an RGB picture."""
    return detector.causes(Frame(pixels))


def faults(
    paths: Sequence[Path], detector: CauseDetector, jobs: int = 2
) -> tuple[list[Severities], dict[str, dict[int, list[Severities]]]]:
    """Detects the causes of pictures before and after each distortion.

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
) -> tuple[Severities, dict[str, dict[int, Severities]]]:
    seed, path = numbered
    rgb = np.asarray(decode(path))
    degraded = {
        kind: {level: causes_of(detector, distort(rgb, kind, level, seed=seed)) for level in LEVELS}
        for kind in DISTORTIONS
    }
    return causes_of(detector, rgb), degraded


def fault_rows(
    clean: Sequence[Severities],
    kinds: dict[str, dict[int, list[Severities]]],
    limits: dict[str, float],
) -> list[dict[str, Any]]:
    """Per distortion: how well its cause is detected, per level, and what else is detected.

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
        before = [detected[cause] for detected in clean]
        rows.append(
            {
                "kind": kind,
                "cause": cause,
                "auc": [auc([detected[cause] for detected in levels[k]], before) for k in LEVELS],
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
        detected = [detector.causes(decode(path)) for path in progress(paths, len(paths), case)]
        found[case] = {
            "pictures": len(paths),
            "mean": {cause: float(np.mean([one[cause] for one in detected])) for cause in CAUSES},
            "alarms": {
                preset: {cause: _share(detected, cause, limits) for cause in CAUSES}
                for preset, limits in presets.items()
            },
        }
    return found


def _share(detected: Sequence[Severities], cause: str, limits: dict[str, float]) -> float:
    return float(np.mean([one[cause] > limits.get(cause, 1.0) for one in detected]))


def fault_table(rows: Sequence[dict[str, Any]]) -> str:
    """Detection of known faults, as text."""
    lines = [
        ["distortion", "cause", *(f"AUC {k}" for k in LEVELS), *(f"found {k}" for k in LEVELS)]
    ]
    for row in rows:
        areas = [f"{value:.3f}" for value in row["auc"]]
        shares = [f"{value:.0%}" for value in row["told"]]
        lines.append([row["kind"], row["cause"], *areas, *shares])
    return aligned(lines, left=2)


def alarm_table(found: dict[str, dict[str, Any]], preset: str) -> str:
    """False alarms of one preset, as text."""
    lines = [["case", "pictures", *CAUSES]]
    for case, detected in found.items():
        shares = [f"{detected['alarms'][preset][cause]:.0%}" for cause in CAUSES]
        lines.append([case, str(detected["pictures"]), *shares])
    return aligned(lines)
