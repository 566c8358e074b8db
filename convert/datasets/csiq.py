"""CSIQ, Categorical Subjective Image Quality (Larson and Chandler, J. Electron. Imaging, 2010).

``CSIQ/dst_imgs/<type>/1600.AWGN.1.png`` with ``csiq.DMOS.xlsx`` (``csiq.beta.xlsx`` in earlier
releases), sheet ``all_by_image``: image, dst_idx, dst_type, dst_lev, dmos_std, dmos from the fourth
row and column on. Image names that are numbers (``1600``) come as numbers, and the sheet's words
for a distortion (``noise``, ``jpeg 2000``) are not those of folders and files.

866 pictures of 30 references; DMOS 0-1, lower is better, with the observers' standard deviation.
"""

from __future__ import annotations

from pathlib import Path

from .database import Database, Label
from .errors import DataError
from .scale import Scale
from .tables import number, sheet_records, stored_names

TABLES = ("csiq.DMOS.xlsx", "csiq.beta.xlsx")
SHEET = "all_by_image"
SCALE = Scale(0.0, 1.0, lower_is_better=True)

KINDS = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}
"""The sheet's word for a distortion: its folder and the middle of its file names."""


def read(base: Path) -> list[Label]:
    """Labels of the distorted pictures.

    Args:
        base: ``CSIQ``.

    Raises:
        DataError: The sheet is another one or names an unknown distortion.
    """
    table = next(base / name for name in TABLES if (base / name).is_file())
    folders = stored_names(base / "dst_imgs")
    stored = {
        folder: stored_names(base / "dst_imgs" / folders.get(folder, folder))
        for folder, _ in KINDS.values()
    }
    labels = []
    columns = ("image", "dst_type", "dst_lev", "dmos", "dmos_std")
    for where, record in sheet_records(table, columns, SHEET):
        kind = " ".join(str(record["dst_type"]).lower().split())
        if kind not in KINDS:
            raise DataError(f"{where}: distortion {record['dst_type']!r} is not one of CSIQ's")
        folder, word = KINDS[kind]
        image = record["image"]
        reference = str(int(image)) if isinstance(image, float) else str(image).strip()
        name = f"{reference}.{word}.{int(number(record['dst_lev'], where))}.png"
        labels.append(
            Label(
                f"dst_imgs/{folders.get(folder, folder)}/{stored[folder].get(name.lower(), name)}",
                SCALE.mos(number(record["dmos"], where), where),
                SCALE.std(number(record["dmos_std"], where)),
                reference,
                kind,
            )
        )
    return labels


DATABASE = Database(
    name="csiq",
    title="CSIQ",
    kind="synthetic",
    citation="E. C. Larson and D. M. Chandler, Most apparent distortion: full-reference image "
    "quality assessment and the role of strategy, J. Electron. Imaging 19(1), 2010",
    where="s2.smu.edu/~eclarson/csiq.html",
    terms="offered for research; no licence is named, ask its authors for other uses; cite",
    pictures=866,
    scale="DMOS 0..1, inverted; std",
    split="by reference",
    folders=("CSIQ", "csiq"),
    needs=(("dst_imgs",), TABLES),
    read=read,
)
