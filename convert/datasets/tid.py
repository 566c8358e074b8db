"""TID2008 and TID2013 (Ponomarenko and others, 2009 and 2015).

``tid2008/distorted_images/I01_01_1.bmp`` with ``mos_with_names.txt``: one line per picture, MOS and
file name. 25 references times 17 distortions times 4 levels (1,700), and 24 times 5 (3,000). The
number after the reference is the distortion. Labels and files differ in capitalisation
(``i01_01_1.bmp``, ``I01_01_1.bmp``), also from picture to picture.

MOS counts the comparisons that a picture won, 0-9, higher is better. ``mos_std.txt`` holds the
standard deviation of the MOS (about 0.1 of 9), not that of the opinions; it is not taken over.
The references are Kodak24, cropped, and one synthetic picture. ``mos_with_names.txt`` itself could
not be obtained for this reader: its form is the one that public readers agree on, its values were
compared with tables made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import number, stored_names, text_lines

SCALE = Scale(0.0, 9.0)
TABLE = "mos_with_names.txt"
PICTURES = "distorted_images"

KINDS = (
    "additive Gaussian noise",
    "additive noise in colour",
    "spatially correlated noise",
    "masked noise",
    "high frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG compression",
    "JPEG2000 compression",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of colour saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "colour quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)
"""Distortions by number from 1; TID2008 has the first 17."""

_NAME = re.compile(r"(i\d\d)_(\d\d)_\d\.bmp", re.IGNORECASE)


def reader(kinds: int) -> Callable[[Path], list[Label]]:
    """The loader of a TID database.

    Args:
        kinds: How many distortions it has.
    """

    def read(base: Path) -> list[Label]:
        stored = stored_names(base / PICTURES)
        labels = []
        for where, words in text_lines(base / TABLE):
            match = _NAME.fullmatch(words[1]) if len(words) == 2 else None
            if match is None or not 1 <= int(match[2]) <= kinds:
                raise DataError(f"{where}: not a MOS and a picture's name: {' '.join(words)}")
            name = stored.get(words[1].lower(), words[1])
            labels.append(
                Label(
                    f"{PICTURES}/{name}",
                    SCALE.mos(number(words[0], where), where),
                    None,
                    match[1].lower(),
                    KINDS[int(match[2]) - 1],
                )
            )
        return labels

    return read


TID2008 = Database(
    name="tid2008",
    title="TID2008 (Tampere Image Database)",
    kind="synthetic",
    citation="N. Ponomarenko et al., TID2008 - a database for evaluation of full-reference visual "
    "quality assessment metrics, Advances of Modern Radioelectronics 10, 2009",
    where="www.ponomarenko.info/tid2008.htm",
    terms="offered for research; no licence is named, ask its authors for other uses; cite",
    pictures=1700,
    scale="MOS 0..9",
    split="by reference",
    folders=("tid2008", "TID2008"),
    needs=((PICTURES,), (TABLE,)),
    read=reader(17),
)

TID2013 = Database(
    name="tid2013",
    title="TID2013 (Tampere Image Database)",
    kind="synthetic",
    citation="N. Ponomarenko et al., Image database TID2013: peculiarities, results and "
    "perspectives, Signal Processing: Image Communication 30, 2015",
    where="www.ponomarenko.info/tid2013.htm",
    terms="offered for research; no licence is named, ask its authors for other uses; cite",
    pictures=3000,
    scale="MOS 0..9",
    split="by reference",
    folders=("tid2013", "TID2013"),
    needs=((PICTURES,), (TABLE,)),
    read=reader(24),
)
