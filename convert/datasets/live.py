"""LIVE Image Quality Assessment Database, Release 2 (Sheikh, Sabir and Bovik, 2006).

``databaserelease2/{jp2k,jpeg,wn,gblur,fastfading}/img*.bmp`` with ``refnames_all.mat`` (the
reference of each of 982 pictures, in the order of the folders: 227, 233, 174, 174, 174) and
``dmos_realigned.mat`` (``dmos_new``, ``dmos_std``, ``orgs``). ``dmos.mat``, which is in the
archive too, holds the scores of the five studies before they were brought to one scale; the
authors advise the realigned ones across distortions, so only those are read.

``orgs`` marks the 203 pictures that are unharmed copies of a reference; they are left out, which
leaves 779. DMOS is nominally 0-100, lower is better, and realignment carries it to -2.64 and
111.77: scaled from -3..112, so that nothing is clipped. ``dmos_std`` (2.5 on average, of 20 to 29
observers) is the uncertainty of the mean and not the spread of opinions; it is not taken over.
"""

from __future__ import annotations

import re
from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import cell_strings, floats, matlab, text_lines

FOLDERS = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
SCALE = Scale(-3.0, 112.0, lower_is_better=True)


def read(base: Path) -> list[Label]:
    """Labels of the distorted pictures.

    Args:
        base: ``databaserelease2``.

    Raises:
        DataError: A table has another length than the folders together, or a folder's
            ``info.txt`` names another reference than ``refnames_all.mat``.
    """
    (names,) = matlab(base / "refnames_all.mat", "refnames_all")
    scores, originals = matlab(base / "dmos_realigned.mat", "dmos_new", "orgs")
    references = [Path(name).stem.lower() for name in cell_strings(names)]
    dmos, unharmed = floats(scores), floats(originals)
    expected = sum(count for _, count in FOLDERS)
    if not len(references) == len(dmos) == len(unharmed) == expected:
        raise DataError(
            f"LIVE: refnames_all, dmos_new and orgs must hold {expected} entries, got "
            f"{len(references)}, {len(dmos)} and {len(unharmed)}"
        )
    labels = []
    position = 0
    for folder, count in FOLDERS:
        _check_info(base / folder / "info.txt", references[position : position + count])
        for index in range(1, count + 1):
            if not unharmed[position]:
                what = f"dmos_new, entry {position + 1}"
                mos = SCALE.mos(dmos[position], what)
                reference = references[position]
                labels.append(Label(f"{folder}/img{index}.bmp", mos, None, reference, folder))
            position += 1
    return labels


def _check_info(file: Path, references: list[str]) -> None:
    """Compares ``info.txt`` (reference, picture, parameter) with the references of its folder."""
    if not file.is_file():
        return
    for where, words in text_lines(file):
        match = re.fullmatch(r"img(\d+)\.bmp", words[1]) if len(words) > 1 else None
        if match is None or not 1 <= int(match[1]) <= len(references):
            continue
        named, expected = Path(words[0]).stem.lower(), references[int(match[1]) - 1]
        if named != expected:
            raise DataError(
                f"{file.parent.name}/{where}: {words[1]} comes from {named}, but refnames_all.mat "
                f"says {expected}; the pictures are not in the published order"
            )


DATABASE = Database(
    name="live",
    title="LIVE Image Quality Assessment Database Release 2",
    kind="synthetic",
    citation="H. R. Sheikh, M. F. Sabir and A. C. Bovik, A statistical evaluation of recent full "
    "reference image quality assessment algorithms, IEEE TIP 15(11), 2006",
    where="live.ece.utexas.edu/research/Quality/subjective.htm (form and password; "
    "dmos_realigned.mat is a download of its own)",
    terms="free to use, copy, modify and distribute with the copyright notice; cite",
    pictures=779,
    scale="DMOS -3..112, inverted",
    split="by reference",
    folders=("databaserelease2", "LIVE", "live"),
    needs=(
        *((folder,) for folder, _ in FOLDERS),
        ("refnames_all.mat",),
        ("dmos_realigned.mat",),
    ),
    read=read,
)
