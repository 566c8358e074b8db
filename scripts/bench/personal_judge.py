"""Measures how soon a model learns a taste: a made-up rater, and 50, 200 or 1,000 of its ratings.

Usage: python scripts/bench/personal_judge.py --data-root DIR --work DIR [--model nano|base]

The rater prefers dark photographs and does not mind grain: its rating is 0.45 times what people
gave the picture before exposure and grain were changed, plus 0.55 times its darkness, plus noise
of 0.05. It keeps the better half. Pictures come from the training part of BIQ2021; 400 of them are
judged by nobody but the measurement.

Compared are a threshold on the shipped model's score, fitted to the ratings, and the same on the
score of `convert distill --init MODEL`, trained on four fifths of the ratings and validated on the
rest. Agreement is the share of the 400 that are kept or rejected as the rater would.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from convert.common.files import write_json
from convert.common.metrics import srocc
from convert.common.opinion import bin_centres, expected
from convert.datasets import biq2021
from convert.datasets.cache import load_pixels
from convert.datasets.manifest import ManifestRow, select
from convert.distortions.distort import distort

RATINGS = (50, 200, 1000)
EXAM = 400
SIDE = 512


def darkness(rgb: NDArray[np.uint8]) -> float:
    """1 for black, 0 from a mean luma of 200 on."""
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    return float(np.clip(1.0 - luma.mean() / 200.0, 0.0, 1.0))


def make_rated(root: Path, folder: Path, count: int, seed: int = 0) -> list[ManifestRow]:
    """Writes pictures with other exposure and grain, and rates them."""
    rows = select(biq2021.build_manifest(root, strict_counts=False), "train")
    generator = np.random.default_rng(seed)
    drawn = [rows[int(i)] for i in generator.permutation(len(rows))[:count]]
    folder.mkdir(parents=True, exist_ok=True)
    rated = []
    for number, row in enumerate(drawn):
        exposure, grain = generator.uniform(0.0, 0.7), generator.uniform(0.0, 0.6)
        kind = "under_exposure" if generator.random() < 0.5 else "over_exposure"
        noise = generator.normal(0, 0.05)
        with Image.open(root / row.path) as opened:
            rgb = np.asarray(opened.convert("RGB").resize((SIDE, SIDE)))
        rgb = distort(rgb, kind, strength=exposure, seed=number)
        rating = float(np.clip(0.45 * row.mos + 0.55 * darkness(rgb) + noise, 0, 1))
        rgb = distort(rgb, "noise", strength=grain, seed=number)
        Image.fromarray(rgb).save(folder / f"{number}.jpg", quality=95)
        rated.append(ManifestRow(f"{number}.jpg", rating, None, "train", ""))
    return rated


def agreement(
    fitted: NDArray[np.float64], exam: NDArray[np.float64], keep: NDArray[np.bool_], wanted: Any
) -> float:
    """Share decided rightly by the threshold that is best on the ratings."""
    levels = np.unique(fitted)
    shares = [np.mean((fitted >= level) == keep) for level in levels]
    return float(np.mean((exam >= levels[int(np.argmax(shares))]) == wanted))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the measurement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="nano", choices=("nano", "base"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(arguments)

    import keras

    from convert.nets import keras_nets
    from convert.nets.shipped import load_shipped
    from convert.training.distill import train_student
    from convert.training.loop import predict
    from convert.training.student import personal
    from edgeiqa.inference.model import find

    pictures = args.work / "pictures"
    rated = make_rated(args.data_root, pictures, max(RATINGS) + EXAM)
    exam, pool = rated[-EXAM:], rated[:-EXAM]
    middle = float(np.median([row.mos for row in rated]))
    recipe = personal(args.model)
    centres = np.array(bin_centres(recipe.bins), np.float32)

    def scores(model: Any, rows: Sequence[ManifestRow]) -> NDArray[np.float64]:
        pixels = load_pixels(rows, pictures, recipe.size, args.work, label="pictures")
        return np.asarray(expected(predict(model, pixels)[0], centres), np.float64)

    shipped = load_shipped(find(args.model))
    plain = keras_nets.build(keras, shipped.arch, recipe.size, bins=recipe.bins)
    shipped.fill(plain)
    wanted = np.array([row.mos for row in exam])
    found = []
    for count in RATINGS:
        given = pool[:count]
        rows = [
            replace(row, split="validation" if number % 5 == 4 else "train")
            for number, row in enumerate(given)
        ]
        began = time.monotonic()
        name = f"{args.model}-{count}"
        train_student(rows, pictures, args.work, recipe, name, follow=False)
        seconds = time.monotonic() - began
        own = keras.models.load_model(args.work / name / "student.keras", compile=False)
        keep = np.array([row.mos >= middle for row in given])
        line: dict[str, Any] = {"ratings": count, "seconds": round(seconds, 1)}
        for label, model in (("threshold", plain), ("personal", own)):
            judged = scores(model, exam)
            share = agreement(scores(model, given), judged, keep, wanted >= middle)
            line |= {f"{label}_agreement": round(share, 4)}
            line |= {f"{label}_srocc": round(srocc(judged, wanted), 4)}
        found.append(line)
        print(json.dumps(line), flush=True)
    if args.json:
        write_json(args.json, {"model": args.model, "exam": EXAM, "lines": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
