"""LIVE Multiply Distorted Image Quality Database (Jayaraman, Mittal, Moorthy and Bovik, 2012).

``LIVEmultidistortiondatabase/To_Release/Part 1/blurjpeg/*.bmp`` and ``Part 2/blurnoise/*.bmp``;
each part has ``Imagelists.mat`` (``distimgs``, ``refimgs``) and ``Scores.mat`` (``DMOSscores``).
Both parts distort the same 15 references, 225 pictures each, so a split goes through both.

DMOS is in 0-100, lower is better. The release holds raw differences by observer, but on another
scale than the DMOS: no standard deviation is taken over. The original .mat files were not available
when this was written; their layout is the one that public readers of the release agree on.
"""

from __future__ import annotations

from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import cell_strings, floats, matlab

PARTS = (("Part 1", "blurjpeg"), ("Part 2", "blurnoise"))
SCALE = Scale(0.0, 100.0, lower_is_better=True)


def read(base: Path) -> list[Label]:
    """Labels of both parts, the first first.

    Args:
        base: ``LIVEmultidistortiondatabase``.

    Raises:
        DataError: A list and its scores differ in length, or a picture has no known reference.
    """
    inside = base / "To_Release" if (base / "To_Release").is_dir() else base
    labels = []
    for part, kind in PARTS:
        folder = next(
            (inside / name for name in _spellings(part) if (inside / name).is_dir()), inside / part
        )
        if not (folder / "Imagelists.mat").is_file() or not (folder / "Scores.mat").is_file():
            raise DataError(
                f"LIVE-MD: {part}/Imagelists.mat or {part}/Scores.mat is missing; {DATABASE.where}"
            )
        distorted, originals = matlab(folder / "Imagelists.mat", "distimgs", "refimgs")
        (scores,) = matlab(folder / "Scores.mat", "DMOSscores")
        names, dmos = cell_strings(distorted), floats(scores)
        references = {Path(name).stem for name in cell_strings(originals)}
        if len(names) != len(dmos):
            raise DataError(f"LIVE-MD {part}: {len(names)} pictures, but {len(dmos)} scores")
        prefix = (folder / kind).relative_to(base).as_posix()
        for name, score in zip(names, dmos, strict=True):
            reference = name.partition("_")[0]
            if reference not in references:
                raise DataError(f"LIVE-MD {part}: {name} has no reference among refimgs")
            mos = SCALE.mos(score, f"{part}, {name}")
            labels.append(Label(f"{prefix}/{name}", mos, None, reference, kind))
    return labels


def _spellings(part: str) -> tuple[str, str, str]:
    return part, part.replace(" ", "_"), part.replace(" ", "")


DATABASE = Database(
    name="live-md",
    title="LIVE Multiply Distorted Image Quality Database",
    kind="synthetic",
    citation="D. Jayaraman, A. Mittal, A. K. Moorthy and A. C. Bovik, Objective quality assessment "
    "of multiply distorted images, Asilomar 2012",
    where="live.ece.utexas.edu/research/Quality/live_multidistortedimage.html (form and password)",
    terms="free to use, copy, modify and distribute with the copyright notice; cite",
    pictures=450,
    scale="DMOS 0..100, inverted",
    split="by reference, through both parts",
    folders=("LIVEmultidistortiondatabase", "LIVE_MD", "LIVEMD"),
    needs=tuple(
        tuple(f"{above}{name}" for above in ("To_Release/", "") for name in _spellings(part))
        for part, _ in PARTS
    ),
    read=read,
)
