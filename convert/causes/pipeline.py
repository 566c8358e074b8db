"""``edgeiqa convert causes``: trains the network for causes and writes its int8 .tflite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeiqa.analysis.cause_detector import CauseDetector
from edgeiqa.analysis.severity import pooled
from edgeiqa.imaging.decode import decode
from edgeiqa.inference.contract import Contract, append
from edgeiqa.inference.contract_spec import InputSpec
from edgeiqa.inference.model import Model

from ..common import provenance
from ..common.files import write_bytes
from ..common.metrics import srocc
from ..datasets.manifest import ManifestRow
from ..datasets.pristine import CLEAN_SETS, find_clean
from ..training.loop import Schedule
from . import clean_images
from .degradation import LEARNED
from .limits import limits_of
from .patch_bags import Bags, load_bags

SPEC = InputSpec(64, 64, color="GRAY", views=("active",) * 16 + ("quiet",) * 4 + ("reduced",) * 4)
"""What the released network looks at."""

KEPT_BACK = ("CLIC 2025",)
"""Clean sets that are in the lists of large photographs, some of them for the report only."""

MARKED = "ss01"
"""Part of BIQ2021 whose pictures carry a phone maker's print."""

GOOD_MOS = 0.6
DEFAULT = Schedule(epochs=7, batch=32, rate=4e-3, head_rate=4e-3, weight_decay=1e-3)
_REPRESENTATIVE = 300


def sources(rows: Sequence[ManifestRow], root: Path, split: str) -> list[clean_images.Photograph]:
    """The clean pictures of a split.

    Args:
        rows: Of the rated database, all splits.
        root: The data root.
        split: "train" or "validation"; of the clean sets and large photographs none is kept for
            validation, as scenes of the rated database are.
    """
    small = clean_images.rated([row for row in rows if row.subset != MARKED], root, split)
    if split != "train":
        return clean_images.weighted(small, [])
    sets = [one for one in CLEAN_SETS if one.name not in KEPT_BACK]
    clean = [root / picture.path for picture in find_clean(root, sets)[0]]
    return clean_images.weighted([*small, *clean], clean_images.large("train", root))


def train_causes(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    *,
    bags: int = 24_000,
    schedule: Schedule = DEFAULT,
    spec: InputSpec = SPEC,
    jobs: int = 2,
) -> tuple[Any, Bags, Bags]:
    """Makes the bags and trains, or resumes either.

    Args:
        rows: Of the rated database, all splits.
        root: The data root.
        work: Folder of caches and runs.
        bags: How many degraded pictures to learn from.
        schedule: How long and how fast.
        spec: What the network looks at.
        jobs: Processes that make bags.

    Returns:
        The trained network, and the bags of training and validation.
    """
    from .train import train

    folder = work / "causes"
    held = load_bags(
        sources(rows, root, "validation"), spec, max(1, bags // 12), 2, folder / "bags", jobs
    )
    learned = load_bags(sources(rows, root, "train"), spec, bags, 1, folder / "bags", jobs)
    net = train(learned, held, spec.views, folder, schedule, {"bags": len(learned)})
    return net, learned, held


def release(
    net: Any,
    learned: Bags,
    held: Bags,
    good: Sequence[Path],
    output: Path,
    *,
    spec: InputSpec = SPEC,
    version: str = "0.1.0",
    training: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Quantises, compares with the float network, sets limits and writes the .tflite.

    Args:
        net: Trained.
        learned: To calibrate int8 with.
        held: To compare on.
        good: Good shots of the validation split, to set the limits of the gate by.
        output: The file to write.
        spec: What the network looks at.
        version: Of the model.
        training: For the contract.

    Returns:
        The report: errors and rank correlations of float and int8, limits, sizes.
    """
    from ..quantization.tflite_inspect import inspect
    from .export import OUTPUT, to_int8
    from .train import severities

    flatbuffer = to_int8(net, spec, learned.patches[:_REPRESENTATIVE])
    contract = Contract("causes", version, spec, (OUTPUT,), training=training or {})
    model = Model(append(flatbuffer, contract))
    quantised = np.array([_severities(model, patches) for patches in held.patches])
    floating = severities(net, held.patches)
    figures = {
        name: {
            cause: {
                "srocc": _figure(srocc(predicted[:, index], held.severities[:, index])),
                "error": _figure(float(np.mean(np.abs(predicted - held.severities)[:, index]))),
            }
            for index, cause in enumerate(LEARNED)
        }
        for name, predicted in (("float", floating), ("int8", quantised))
    }
    shift = np.abs(quantised - floating)
    inside = inspect(flatbuffer)
    limits = limits_of([CauseDetector(model).causes(decode(path)) for path in good])
    metrics = {
        "bags": len(held),
        **figures,
        "shift_p99": round(float(np.quantile(shift, 0.99)), 4),
        "macs": inside.macs,
        "bytes": len(flatbuffer),
        "command": provenance.command_line("edgeiqa convert causes"),
    }
    final = Contract(
        "causes", version, spec, (OUTPUT,), limits=limits, training=training or {}, metrics=metrics
    )
    write_bytes(output, append(flatbuffer, final))
    return {"limits": limits, **metrics}


def _figure(value: float) -> float | None:
    """For JSON, which has no NaN: the correlation of constants."""
    return round(value, 4) if np.isfinite(value) else None


def _severities(model: Model, patches: NDArray[np.uint8]) -> list[float]:
    spec, (output,) = model.contract.input, model.contract.outputs
    values = model.run(patches.reshape(spec.tensor_shape))[output.name]
    return list(pooled(values, spec.views, output.labels or ()).values())


def record(
    rows: Sequence[ManifestRow], root: Path, bags: int, schedule: Schedule
) -> dict[str, Any]:
    """What the contract says of the training."""
    return {
        "bags": bags,
        "schedule": repr(schedule),
        "initial": "random",
        "sources": [
            {
                "name": "BIQ2021, ss02 and ss03 of its training part, MOS from 0.65",
                "terms": "no licence file; its README allows research and benchmarking, the part "
                "from Unsplash also commercial use",
            },
            *(
                {"name": one.name, "terms": one.terms}
                for one in CLEAN_SETS
                if one.name not in KEPT_BACK and find_clean(root, [one])[0]
            ),
            {
                "name": f"{len(clean_images.large('train', root))} large photographs of public "
                "repositories, convert/causes/splits/large_train.txt",
                "terms": "as each repository says; CLIC 2025 under the Unsplash licence",
            },
        ],
        "versions": provenance.versions((*provenance.PACKAGES, "tensorflow", "keras")),
    }
