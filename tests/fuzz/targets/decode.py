"""Pictures: from bytes and files to pixels, and to a score."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeiqa import Scorer
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode, decode_small
from tests.fuzz import pictures
from tests.fuzz.target import Target, scratch

MAX_PIXELS = 16_000_000
"""The limit for the scorer, which bounds the memory of a long run."""

SIDE = 64


class Decode(Target):
    """Whole files."""

    name = "decode"
    about = (
        "files of 21 formats, mutated: `decode` from bytes and from a file, `decode_small`, "
        "`Scorer.score` on what can be decoded"
    )
    tokens = pictures.TOKENS

    def seeds(self) -> Sequence[bytes]:
        """One file of each kind, in two sizes."""
        return (*pictures.files().values(), *pictures.files(7, 9).values())

    def open(self) -> None:
        """Opens the model, and a folder for files."""
        warnings.simplefilter("ignore")
        self._scorer = Scorer("nano", max_pixels=MAX_PIXELS)
        self._folder = scratch()
        self._file = os.path.join(self._folder.name, "picture")

    def close(self) -> None:
        """Takes the folder away."""
        self._folder.cleanup()

    def run(self, data: bytes) -> str:
        """Decodes it in three ways, and scores it."""
        Path(self._file).write_bytes(data)
        small: object = None
        try:
            small, _ = decode_small(self._file, SIDE, max_pixels=MAX_PIXELS)
        except UnreadableImageError as error:
            _told_well(error)
        try:
            picture = decode(data, max_pixels=MAX_PIXELS)
        except UnreadableImageError as error:
            _told_well(error)
            try:
                decode(self._file, max_pixels=MAX_PIXELS)
            except UnreadableImageError as again:
                _told_well(again)
                return "UnreadableImageError"
            raise AssertionError(f"decodes as a file, but not as bytes: {error}") from None
        assert small is not None, "decodes whole, but not small"
        assert picture.mode == "RGB", picture.mode
        assert 1 <= picture.width * picture.height <= MAX_PIXELS, picture.size
        from_file = decode(self._file, max_pixels=MAX_PIXELS)
        assert picture.size == from_file.size, "the file gives another picture than its bytes"
        if data[-1:] < b"\x40":  # A quarter of them.
            assert np.array_equal(np.asarray(picture), np.asarray(from_file)), "other pixels"
        quality = self._scorer.score(picture)
        assert 0 <= quality.score <= 100, quality
        assert quality.std is None or 0 <= quality.std <= 100, quality
        assert all(0 <= value <= 1 for value in quality.causes.values()), quality
        assert math.isfinite(quality.score)
        return "score"


def _told_well(error: UnreadableImageError) -> None:
    assert error.reason, "an error without a reason"
    assert "\n" not in error.reason, error.reason
    assert len(error.reason) < 400, error.reason
