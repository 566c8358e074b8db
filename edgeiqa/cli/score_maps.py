"""A folder of quality maps, one PNG per picture: `edgeiqa score --map`."""

from __future__ import annotations

import os
from typing import Any

from edgeiqa.analysis.map_rendering import draw
from edgeiqa.cli.progress import Progress
from edgeiqa.files.atomic import AtomicFile
from edgeiqa.imaging.decode import decode
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer

SUFFIX = ".map.png"

# What most file systems take, in bytes, less room for a number.
_LONGEST_NAME = 255 - len(SUFFIX) - 8


class MapFolder:
    """Scores pictures, maps them and keeps the maps under names of their own."""

    def __init__(self, folder: str) -> None:
        """Makes the folder where it is missing.

        Raises:
            OSError: It cannot be made, is no folder, or cannot be written to.
        """
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write to {folder}")
        self._folder = folder
        self._taken: set[str] = set()

    def is_map(self, path: str) -> bool:
        """Whether a path is that of a map in this folder."""
        if not path.endswith(SUFFIX):
            return False
        return os.path.realpath(os.path.dirname(path)) == os.path.realpath(self._folder)

    def score(
        self, scorer: Scorer, source: str | bytes, path: str, progress: Progress
    ) -> tuple[Quality, dict[str, Any]]:
        """Scores and maps one picture and writes the map.

        Args:
            scorer: Of the model.
            source: A path or the bytes of a file.
            path: What the picture is called; "-" for standard input.
            progress: Moved on by up to one step.

        Returns:
            The quality, the same that `scorer.score` gives; and for JSON the map's file and its
            grid, see `QualityMap.to_dict`.

        Raises:
            UnreadableImageError: As `Scorer.score`.
            OSError: The map cannot be written.
        """
        picture = decode(source)
        quality = scorer.score(picture)
        quality_map = scorer.quality_map(picture, on_tile=lambda _, total: progress.step(1 / total))
        file = self.take(path)
        try:
            with AtomicFile(file) as part:
                draw(picture, quality_map).save(part.stream, "PNG")
        except OSError as error:
            raise OSError(f"cannot write the map {file}: {error.strerror or error}") from error
        return quality, {"file": file, **quality_map.to_dict()}

    def take(self, picture: str) -> str:
        """A path for the map of a picture, given once.

        `a.jpg` gives `a.jpg.map.png`, a second `a.jpg`, from another folder, `a.jpg-2.map.png`;
        the same pictures in the same order get the same names again.

        Args:
            picture: Its path, or "-" for standard input.
        """
        name = "stdin" if picture == "-" else os.path.basename(picture)
        name = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
        number, unique = 1, name
        while unique.casefold() in self._taken:  # Some file systems do not tell A from a.
            number += 1
            unique = f"{name}-{number}"
        self._taken.add(unique.casefold())
        return os.path.join(self._folder, unique + SUFFIX)
