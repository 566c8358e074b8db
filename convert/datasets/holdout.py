"""Pictures that may never be learned from, and how to refuse them.

* **LIVE Challenge** is the exam. It may be scored, and nothing else: no training, tuning,
  calibration or selection. A manifest row of it with another split than "test" cannot be made.
* **Kodak24** and the **29 references of LIVE1** are the clean originals of TID2008, TID2013, LIVE
  and LIVE-MD. Taken as clean training photographs, they would hand a network the scenes that it is
  later examined on.
* Every row of **a split called "test"**, whatever the database.

Steps that learn from pictures call :func:`refuse_reserved` with what they are about to use.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from .errors import DataError


@dataclass(frozen=True, slots=True)
class ReservedSet:
    """A set of pictures that is kept out of training.

    Attributes:
        name: Short, for messages.
        why: One clause that follows "it".
        folders: Names of folders, in lower case, that hold nothing but this set.
        pattern: Regular expression that whole lower-case file names without suffix match, or "".
        names: File names without suffix, in lower case, that are the set's own wherever they are.
        common: Names that mean this set only together: three in one folder are not a coincidence.
    """

    name: str
    why: str
    folders: frozenset[str] = frozenset()
    pattern: str = ""
    names: frozenset[str] = frozenset()
    common: frozenset[str] = frozenset()

    def holds(self, path: str | os.PathLike[str]) -> bool:
        """Whether folder or file name give the picture away as one of this set."""
        parts = PurePosixPath(os.fspath(path).replace("\\", "/").lower())
        if any(folder in self.folders for folder in parts.parts[:-1]):
            return True
        return parts.stem in self.names or bool(
            self.pattern and re.fullmatch(self.pattern, parts.stem)
        )


LIVE_CHALLENGE = ReservedSet(
    "LIVE Challenge",
    "is the exam: it may be scored with `evaluate` and used for nothing else",
    folders=frozenset(
        {
            "challengedb_release",
            "live_challenge",
            "livechallenge",
            "live-challenge",
            "livec",
        }
    ),
)

KODAK24 = ReservedSet(
    "Kodak24",
    "holds the originals of TID2008 and TID2013",
    folders=frozenset({"kodak", "kodak24", "kodakcd", "kodak_dataset", "kodak-dataset"}),
    pattern=r"kodim\d\d",
)

LIVE1_REFERENCES = ReservedSet(
    "LIVE1",
    "holds the originals of LIVE and LIVE-MD",
    folders=frozenset({"refimgs", "live1"}),
    names=frozenset(
        {
            "building2",
            "carnivaldolls",
            "cemetry",
            "churchandcapitol",
            "coinsinfountain",
            "flowersonih35",
            "lighthouse2",
            "manfishing",
            "paintedhouse",
            "sailing1",
            "sailing2",
            "sailing3",
            "sailing4",
            "studentsculpture",
            "womanhat",
        }
    ),
    common=frozenset(
        {
            "bikes",
            "buildings",
            "caps",
            "dancers",
            "house",
            "lighthouse",
            "monarch",
            "ocean",
            "parrots",
            "plane",
            "rapids",
            "statue",
            "stream",
            "woman",
        }
    ),
)

RESERVED = (LIVE_CHALLENGE, KODAK24, LIVE1_REFERENCES)
"""All reserved sets."""

TEST_SPLIT = "test"


class RatedPicture(Protocol):
    """What a manifest row has that matters here."""

    @property
    def path(self) -> str:
        """Where the picture is."""

    @property
    def split(self) -> str:
        """Which split it belongs to."""


def reserved_by(path: str | os.PathLike[str]) -> ReservedSet | None:
    """The reserved set that a picture belongs to, identified by its folder and file name.

    Args:
        path: Absolute, or relative to whatever; only names are looked at.

    Returns:
        The set, or None if the picture may be learned from.
    """
    return next((known for known in RESERVED if known.holds(path)), None)


def exam_only(path: str | os.PathLike[str]) -> bool:
    """Whether a picture belongs to LIVE Challenge."""
    return LIVE_CHALLENGE.holds(path)


def refuse_reserved(
    pictures: Iterable[str | os.PathLike[str] | RatedPicture], purpose: str = "training"
) -> None:
    """Lets through what may be learned from, and stops everything else.

    Args:
        pictures: Paths or manifest rows. A row is also refused for its split.
        purpose: What the pictures are wanted for, as a noun: "training", "calibration".

    Raises:
        DataError: One or more pictures are reserved; the message names the sets and an example
            of each.
    """
    found: dict[str, str] = {}
    together: Counter[tuple[str, str]] = Counter()
    for picture in pictures:
        if isinstance(picture, str | os.PathLike):
            path, split = os.fspath(picture), ""
        else:
            path, split = picture.path, picture.split
        if split == TEST_SPLIT:
            found.setdefault("", f"a test split is for final reports only ({path})")
        known = reserved_by(path)
        if known is None:
            known = _one_of_many(path, together)
        if known is not None:
            found.setdefault(known.name, f"{known.name} {known.why} ({path})")
    if found:
        reasons = "; ".join(found.values())
        raise DataError(f"pictures that may not be used for {purpose}: {reasons}")


def _one_of_many(path: str, together: Counter[tuple[str, str]]) -> ReservedSet | None:
    """Counts everyday names such as ``house``; the third of one set in one folder is reserved."""
    pure = PurePosixPath(path.replace("\\", "/"))
    for known in RESERVED:
        if pure.stem.lower() in known.common:
            key = (known.name, str(pure.parent))
            together[key] += 1
            return known if together[key] >= 3 else None
    return None
