"""Reports as `convert` writes them, small and made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from convert.evaluation.predictions import causes_sha256
from scripts.docs.tables.reports import Measured, Shipped, shipped

SHA, FILE_SHA = "ab" * 32, "ef" * 32


def protocol(sha: str = SHA, **more: Any) -> dict[str, Any]:
    return {
        "model": "base",
        "model_version": "1.0.0",
        "model_sha256": FILE_SHA,
        "flatbuffer_sha256": sha,
        "causes_sha256": causes_sha256(),
        "database": "biq2021",
        "split": "test",
        "pictures": 2000,
        "command": "python -m convert something",
        **more,
    }


def model(folder: Path) -> Shipped:
    """The shipped base model with reports elsewhere, of which the made-up ones count."""
    real = shipped("base")
    return Shipped("base", real.contract, real.size, Measured(SHA, FILE_SHA), folder)


def interval(x: float) -> dict[str, float]:
    return {"value": x, "low": x - 0.01, "high": x + 0.01}


def evaluation(srocc: float = 0.8312) -> dict[str, Any]:
    group = {"SROCC": interval(srocc), "RMSE": interval(0.0714), "logistic": [1.0]}
    return {
        "protocol": protocol(),
        "groups": {"pooled": {"pictures": 2000, **group}, "ss02": {"pictures": 3, "logistic": []}},
        "unreadable": [],
    }


def verification() -> dict[str, Any]:
    return {
        "srocc_mos": {"keras float": 0.8401, "tflite int8": 0.8388},
        "shifts": [
            {
                "reference": "keras float",
                "other": "tflite int8",
                "srocc": 0.99871,
                "largest": 4.256,
                "p99": 1.504,
                "mean": 0.1,
            }
        ],
        "tflite": {"bytes": 2_710_000, "macs": 870_400_000, "float_islands": []},
        "protocol": protocol(),
    }


def ladder() -> dict[str, Any]:
    count = {"pairs": 35, "violations": 1, "share": 1 / 35, "drop": 31.26}
    right = {"pairs": 35, "accuracy": 0.9143, "low": 0.8, "high": 1.0}
    return {
        "kinds": {"motion_blur": count},
        "total": count,
        "pictures": ["a", "b"],
        "protocol": protocol(),
        "burst": {
            "protocol": {
                "scenes": 2,
                "least_share_of_sides": 0.96,
                "most_stops": 0.06,
                "jpeg_quality": 95,
            },
            "total": right,
            "kinds": {"motion_blur": right},
            "levels": {"1": right, "2": right},
            "unrest": 0.434,
        },
    }


def calibration(coverage: float = 0.803) -> dict[str, Any]:
    figures = {"pictures": 1000, "nll": 3.6, "coverage": coverage, "sharpness": 8.11, "rmse": 9.6}
    return {
        "protocol": protocol(split="validation", nll="Gaussian", coverage="share inside"),
        "reliability": [{"pictures": 100, "score": 25.48, "mos": 27.65, "low": 25.1, "high": 30.2}],
        "expected_calibration_error": 1.532,
        "plcc": 0.8672,
        "plcc_logistic": 0.8701,
        "plcc_gap": 0.0029,
        "std": {"pooled": figures, "ss02": {**figures, "coverage": 0.4458}},
        "std_fitted": {"pooled": {**figures, "coverage": 0.8}},
        "fit": {"std_scale": 0.09, "std_power": 1.5},
    }


def stability() -> dict[str, Any]:
    moved = {"pictures": 200, "median": 0.773, "p95": 3.368, "largest": 4.563, "mean_shift": -0.19}
    changes = {"flip": moved, "JPEG 95": moved, "size x 0.75": moved}
    return {"protocol": protocol(), "groups": {"validation": changes}}


def maps(iou: float = 0.7629) -> dict[str, Any]:
    found = {
        "maps": 28,
        "mean_iou": iou,
        "worst_iou": 0.5898,
        "found": 0.75,
        "spoilt_score": 36.12,
        "sound_score": 63.77,
    }
    return {
        "protocol": protocol(level=3, rule="below Otsu's threshold"),
        "kinds": {"gaussian_blur": found, "motion_blur": {**found, "mean_iou": 0.1}},
        "pictures": {"a.jpg": found},
    }
