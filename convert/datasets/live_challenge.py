"""LIVE In the Wild Image Quality Challenge (Ghadiyaram and Bovik, IEEE TIP 25(1), 2016): the exam.

``ChallengeDB_release/Images/*`` with ``Data/AllImages_release.mat``, ``AllMOS_release.mat`` and
``AllStdDev_release.mat``: 1,169 entries in the same order. The first seven, ``t1`` to ``t7``,
trained the observers and are dropped. MOS 0-100, higher is better, with the observers' standard
deviation.

Every row is in the split "test", and :class:`convert.datasets.manifest.ManifestRow` refuses any
other for these pictures: the database is scored on the finished model and used for nothing else.
The original .mat files were not available when this was written; their layout is that of the
release's readme.
"""

from __future__ import annotations

import re
from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .holdout import LIVE_CHALLENGE
from .scale import Scale
from .tables import cell_strings, floats, matlab, stored_names

SCALE = Scale(0.0, 100.0)
_VARIABLES = ("AllImages_release", "AllMOS_release", "AllStdDev_release")


def read(base: Path) -> list[Label]:
    """Labels of the pictures that observers were examined on.

    Args:
        base: ``ChallengeDB_release``.

    Raises:
        DataError: The three tables differ in length.
    """
    files = [matlab(base / "Data" / f"{name}.mat", name)[0] for name in _VARIABLES]
    names, scores, deviations = cell_strings(files[0]), floats(files[1]), floats(files[2])
    if not len(names) == len(scores) == len(deviations):
        raise DataError(
            f"LIVE Challenge: {len(names)} pictures, {len(scores)} scores and "
            f"{len(deviations)} deviations do not belong together"
        )
    stored = stored_names(base / "Images")
    return [
        Label(
            f"Images/{stored.get(name.lower(), name)}",
            SCALE.mos(score, name),
            SCALE.std(deviation),
            split="test",
        )
        for name, score, deviation in zip(names, scores, deviations, strict=True)
        if not re.fullmatch(r"t[1-7]\.\w+", name, re.IGNORECASE)
    ]


DATABASE = Database(
    name="live-challenge",
    title="LIVE In the Wild Image Quality Challenge",
    kind="authentic",
    citation="D. Ghadiyaram and A. C. Bovik, Massive online crowdsourced study of subjective and "
    "objective picture quality, IEEE TIP 25(1), 2016",
    where="live.ece.utexas.edu/research/ChallengeDB (form and password)",
    terms="free for any purpose with the copyright notice; cite",
    pictures=1162,
    scale="MOS 0..100; std",
    split="all test: the exam",
    folders=("ChallengeDB_release",),
    needs=(("Images",), *((f"Data/{name}.mat",) for name in _VARIABLES)),
    read=read,
    official_split=True,
    only_for=f"LIVE Challenge {LIVE_CHALLENGE.why}",
)
