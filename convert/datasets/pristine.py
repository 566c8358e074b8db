"""Clean photographs to distort on purpose: where they are, and which must not be used.

None of them is rated. Each set is looked for under the data root in its authors' layout; nothing
is downloaded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from edgeiqa.imaging.discovery import SUFFIXES

from .holdout import KODAK24, RESERVED


@dataclass(frozen=True)
class CleanSet:
    """A set of photographs without visible faults.

    Attributes:
        name: What it is called.
        patterns: Globs below the data root, in the order in which they are tried.
        pictures: How many the authors publish.
        offered: Where the authors offer it.
        terms: Under which terms.
        within: Name of a larger set that contains the same photographs, if there is one.
    """

    name: str
    patterns: tuple[str, ...]
    pictures: int
    offered: str
    terms: str
    within: str | None = None


_SELF_EX = "github.com/jbhuang0604/SelfExSR, folder data"

CLEAN_SETS: tuple[CleanSet, ...] = (
    CleanSet(
        "BSDS500",
        (
            "BSDS500/data/images/*/*.jpg",
            "BSR/BSDS500/data/images/*/*.jpg",
            "BSDS500/BSDS500/data/images/*/*.jpg",
        ),
        500,
        "github.com/BIDS/BSDS500 or UC Berkeley's BSR_bsds500.tgz",
        "non-commercial research and education",
    ),
    CleanSet(
        "CID22",
        ("CID22/CID22-512/*/*.png", "CID22-512/*/*.png", "codec-corpus/CID22/CID22-512/*/*.png"),
        250,
        "cloudinary.com/labs/cid22 or github.com/imazen/codec-corpus, folder CID22",
        "CC BY-SA 4.0",
    ),
    CleanSet(
        "CLIC 2025",
        ("clic2025/*/*.png", "codec-corpus/clic2025/*/*.png"),
        62,
        "compression.cc or github.com/imazen/codec-corpus, folder clic2025",
        "Unsplash licence",
    ),
    CleanSet(
        "Urban100",
        (
            "Urban100/image_SRF_4/*_HR.png",
            "SelfExSR/data/Urban100/image_SRF_4/*_HR.png",
            "Urban100/image_SRF_2/*_HR.png",
            "SelfExSR/data/Urban100/image_SRF_2/*_HR.png",
        ),
        100,
        _SELF_EX,
        "CC BY 4.0 (Huang, Singh & Ahuja, CVPR 2015)",
    ),
    CleanSet(
        "BSD100",
        ("BSD100/image_SRF_4/*_HR.png", "SelfExSR/data/BSD100/image_SRF_4/*_HR.png"),
        100,
        _SELF_EX,
        "non-commercial research and education",
        within="BSDS500",
    ),
    CleanSet(
        "Sun-Hays80",
        ("Sun-Hays80/image_SRF_8/*_HR.png", "SelfExSR/data/Sun-Hays80/image_SRF_8/*_HR.png"),
        80,
        _SELF_EX,
        "research (Sun & Hays, ICCP 2012)",
    ),
)
"""Every set that is looked for."""

# They go by more names than the disc gave them: kodim01, kodak-01, kodak_1.
_KODAK = re.compile(r"kod(?:ak|im)[-_ ]?\d{1,2}")


@dataclass(frozen=True)
class CleanPicture:
    """One clean photograph.

    Attributes:
        path: Relative to the data root, with forward slashes.
        source: Name of its set.
    """

    path: str
    source: str


def refused(path: str | os.PathLike[str]) -> str | None:
    """Why a photograph must not be trained on, or None if it may.

    Classic databases are built on Kodak24 (TID2008, TID2013) and LIVE1 (LIVE, LIVE-MD); a model
    that saw these scenes would be measured on what it knows. Only names are looked at; clean
    sets have none of LIVE1's common ones (house, plane) by chance, so these are refused too.

    Args:
        path: Any path.
    """
    stem = PurePath(path).stem.lower()
    for one in RESERVED:
        if one.holds(path) or stem in one.common or (one is KODAK24 and _KODAK.fullmatch(stem)):
            return f"{one.name}, which {one.why}"
    return None


def find_clean(
    root: Path, sets: Sequence[CleanSet] = CLEAN_SETS
) -> tuple[list[CleanPicture], list[str]]:
    """Finds the clean photographs under a data root.

    Args:
        root: The data root.
        sets: The sets to look for.

    Returns:
        The photographs, set by set, sorted by path; and one line for each set that is missing or
        incomplete, and for what was refused, for people.
    """
    found: dict[str, list[str]] = {}
    notes = []
    for one in sets:
        names = next((hits for hits in (_glob(root, p) for p in one.patterns) if hits), [])
        allowed = [name for name in names if refused(name) is None]
        if len(allowed) < len(names):
            notes.append(f"{one.name}: {len(names) - len(allowed)} refused ({refused_why(names)})")
        if not names:
            notes.append(
                f"{one.name}: missing; its authors offer it at {one.offered} ({one.terms}); "
                f"expected {one.patterns[0]} below {root}"
            )
        elif len(names) < one.pictures:
            notes.append(f"{one.name}: {len(names)} of {one.pictures} pictures, from {one.offered}")
        if one.within is not None and found.get(one.within):
            if names:
                notes.append(f"{one.name}: left out, {one.within} has the same photographs")
            continue
        found[one.name] = allowed
    pictures = [CleanPicture(path, name) for name, paths in found.items() for path in paths]
    return pictures, notes


def refused_why(names: Iterable[str]) -> str:
    """The reasons for which some of these are refused, each once."""
    return "; ".join(sorted({why for why in map(refused, names) if why}))


def _glob(root: Path, pattern: str) -> list[str]:
    paths = sorted(p for p in root.glob(pattern) if p.suffix.lower() in SUFFIXES)
    return [path.relative_to(root).as_posix() for path in paths]
