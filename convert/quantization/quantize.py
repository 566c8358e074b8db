"""The release: a trained student into a full int8 .tflite with its contract.

Quantisation-aware training is the release path; post-training quantisation is the quick one. The
line from raw score to 0-100 and the gate's thresholds are fitted on the validation split, with the
int8 network itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeiqa.inference.contract import Calibration, Contract, InputSpec, OutputSpec, append
from edgeiqa.inference.model import Model

from ..common import provenance
from ..common.files import write_bytes, write_json
from ..common.metrics import validation_figures
from ..common.opinion import bin_centres
from ..common.progress import progress
from ..datasets.cache import load_pixels
from ..datasets.holdout import refuse_reserved
from ..datasets.manifest import ManifestRow, select
from ..evaluation import uncertainty
from ..evaluation.operating_points import BAD_MOS, GOOD_MOS, KEPT_GOOD
from ..nets import keras_nets
from ..nets.weights import save_keras
from ..training.student import StudentRecipe
from .model_provenance import training_record
from .qat import QatRecipe, load_student, train_aware
from .tflite_export import to_tflite
from .tflite_inspect import inspect

MODES = ("qat", "ptq")


def quantize(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    output: Path,
    *,
    run: str = "student",
    mode: str = "qat",
    name: str = "student",
    version: str = "1",
    size: int | None = None,
    recipe: QatRecipe | None = None,
    terms: str = "",
    database: str = "biq2021",
) -> dict[str, Any]:
    """Quantises a student run and writes the .tflite with its contract.

    The report goes to ``work/RUN/NAME-MODE.json`` as well, and the float student at another size
    to ``work/RUN/student-SIZE.keras``, for ``verify`` to compare with.

    Args:
        rows: The manifest; train for calibration and training, validation for the contract.
        root: The data root.
        work: Folder of caches and runs.
        output: The .tflite to write.
        run: Name of the student run in ``work``.
        mode: ``qat`` or ``ptq``.
        name: Name of the model, in its contract.
        version: Version of the model, in its contract.
        size: Another input size than the student was trained for (``ptq`` only).
        recipe: Calibration and training (``ptq`` trains nothing); None takes the defaults.
        terms: Terms of the initial weights, for the contract.
        database: Name of the database, for the contract.

    Returns:
        Validation figures, gate thresholds and what is inside the file.

    Raises:
        ValueError: Unknown mode, or a combination that is not supported.
        FileNotFoundError: The student run is not there.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}, got {mode!r}")
    if mode == "qat" and size is not None:
        raise ValueError("--size works with --mode ptq only: QAT trains at the student's size")
    student, student_recipe = load_student(work / run, size)
    side = size or student_recipe.size
    if size is not None:
        save_keras(student, work / run / f"student-{size}.keras")
    recipe = recipe or QatRecipe()
    if mode == "ptq":
        recipe = replace(recipe, steps=0)
    resized = replace(student_recipe, size=side, source=None) if size else student_recipe
    pictures = calibration_frames(select(rows, "train"), root, work, side, recipe.calibration)
    folder = work / f"{run}-qat"
    aware = train_aware(student, resized, rows, root, work, folder, recipe, pictures)
    flatbuffer = to_tflite(
        aware, quantize="int8", rescale=(keras_nets.PIXEL_SCALE, keras_nets.PIXEL_OFFSET)
    )
    contract = _contract(flatbuffer, student_recipe, side, name, version)
    validation = select(rows, "validation")
    raw = raw_scores(append(flatbuffer, contract), validation, root, work, side)
    mos = np.array([row.mos for row in validation])
    if np.ptp(raw) == 0:
        raise ValueError("the int8 network gives every validation picture the same score")
    scale, offset = np.polyfit(raw, mos * 100.0, 1)
    if scale <= 0:
        raise ValueError(
            "the int8 network ranks validation pictures the wrong way round; train it longer"
        )
    score = np.clip(scale * raw + offset, 0.0, 100.0)
    gate, operating_points = gate_presets(score, mos)
    figures = validation_figures(score / 100.0, mos, [row.subset for row in validation])
    training = training_record(
        student_recipe, rows, root, work, run, name=database, terms=terms
    ) | {"quantization": {"mode": mode, **asdict(recipe)}}
    metrics = {
        "command": provenance.command_line("convert.quantization.quantize.quantize"),
        "split": f"{database} validation, {len(validation):,} pictures of its training part",
        # A correlation does not exist where all scores are equal, and JSON has no NaN.
        "validation": {
            key.removeprefix("val_"): round(value, 4) if np.isfinite(value) else None
            for key, value in figures.items()
        },
        "gate": operating_points,
    }
    contract = replace(
        contract,
        calibration=Calibration(round(float(scale), 4), round(float(offset), 4)),
        gate=gate,
        training=training,
        metrics=metrics,
    )
    if len(validation) >= uncertainty.MIN_PICTURES:
        fitted = uncertainty.fitted_calibration(append(flatbuffer, contract), validation, root)
        contract = replace(contract, calibration=fitted)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(output, append(flatbuffer, contract))
    summary = inspect(flatbuffer)
    report = {
        "model": str(output),
        "mode": mode,
        "bytes": output.stat().st_size,
        "macs": summary.macs,
        "calibration": asdict(contract.calibration),
        **metrics,
        "gate_thresholds": gate,
    }
    write_json(work / run / f"{name}-{mode}.json", report)
    return report


def calibration_frames(
    rows: Sequence[ManifestRow], root: Path, work: Path, size: int, count: int, seed: int = 0
) -> NDArray[np.uint8]:
    """Training pictures that set the activation ranges: real ones, and dark, bright, flat ones.

    Args:
        rows: Training rows.
        root: The data root.
        work: Cache folder.
        size: Height and width of the network.
        count: Number of real pictures; an eighth as many degraded ones are added.
        seed: Seed of the draw.

    Returns:
        uint8 [M, size, size, 3] RGB.
    """
    from ..distortions.distort import distort

    refuse_reserved(rows, "calibration")
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(rows))[:count]
    chosen = [rows[int(index)] for index in sorted(order)]
    pictures = load_pixels(chosen, root, size, work, label="calibration pictures")
    extra = [
        distort(np.asarray(pictures[index]), kind, strength=0.9, seed=index)
        for index in range(0, len(pictures), 16)
        for kind in ("under_exposure", "over_exposure")
    ]
    flat = [np.full((size, size, 3), level, np.uint8) for level in (16, 128, 240)]
    return np.concatenate([pictures, np.stack([*extra, *flat])])


def raw_scores(
    model: bytes, rows: Sequence[ManifestRow], root: Path, work: Path, size: int
) -> NDArray[np.float64]:
    """Expected opinions on 0-1 of the int8 network itself, before calibration.

    Args:
        model: A .tflite with a contract whose calibration is 100 and 0.
        rows: The pictures.
        root: The data root.
        work: Cache folder.
        size: Height and width of the network.
    """
    from edgeiqa.quality import quality_from_outputs

    opened = Model(model, threads=2)
    pixels = load_pixels(rows, root, size, work, label="validation pictures")
    bar = progress(pixels, len(pixels), "scoring validation")
    return np.array(
        [
            quality_from_outputs(opened.run(np.array(picture)[None]), opened.contract).score / 100
            for picture in bar
        ]
    )


def gate_presets(
    score: NDArray[np.float64], mos: NDArray[np.float64]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Thresholds that keep stated shares of the good pictures, and what they catch.

    Args:
        score: Calibrated scores, 0-100.
        mos: Mean opinion scores, 0-1.

    Returns:
        Least score per preset, and per preset the shares ``good_kept`` and ``bad_rejected`` on
        the same pictures; the latter is left out where no picture is bad.
    """
    good = score[mos >= GOOD_MOS]
    bad = score[mos < BAD_MOS]
    if not len(good):
        raise ValueError(f"no validation picture has a MOS of {GOOD_MOS}: no gate can be set")
    thresholds: dict[str, float] = {}
    points: dict[str, dict[str, float]] = {}
    for preset, share in KEPT_GOOD.items():
        lowest_kept = np.quantile(good, 1.0 - share, method="lower")
        threshold = float(np.floor(lowest_kept * 10) / 10)
        thresholds[preset] = threshold
        points[preset] = {"good_kept": round(float(np.mean(good >= threshold)), 4)}
        if len(bad):
            points[preset]["bad_rejected"] = round(float(np.mean(bad < threshold)), 4)
    return thresholds, points


def _contract(
    flatbuffer: bytes, recipe: StudentRecipe, size: int, name: str, version: str
) -> Contract:
    """A contract with everything but what is measured."""
    outputs = inspect(flatbuffer).outputs
    if len(outputs) != 1 or outputs[0].shape[-1] != recipe.bins:
        raise ValueError(f"expected one output of {recipe.bins} opinion logits, got {outputs}")
    return Contract(
        name=name,
        version=version,
        input=InputSpec(height=size, width=size),
        outputs=(
            OutputSpec(keras_nets.OPINION, "histogram_logits", bins=bin_centres(recipe.bins)),
        ),
        calibration=Calibration(100.0, 0.0),
    )
