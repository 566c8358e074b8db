"""A folder of quality maps, one PNG per picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from edgeiqa.analysis.map_rendering import draw
from edgeiqa.files.atomic import AtomicFile
from edgeiqa.imaging.decode import decode
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer

SUFFIX = ".map.png"

# What most file systems allow, in bytes, minus room for a number.
_MAX_NAME = 255 - len(SUFFIX) - 8


class MapFolder:
    """Scores pictures and writes their maps under unique names."""

    def __init__(self, folder: str) -> None:
        """Creates the folder where it is missing.

        Raises:
            OSError: It cannot be created, is not a folder, or cannot be written to.
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
        self, scorer: Scorer, source: str | bytes, path: str, on_share: Callable[[float], None]
    ) -> tuple[Quality, dict[str, Any]]:
        """Scores and maps one picture and writes the map.

        Args:
            scorer: Scores the picture and its tiles.
            source: A path or the bytes of a file.
            path: The name of the picture; "-" for standard input.
            on_share: Called with the share of the work that each tile is.

        Returns:
            The quality, the same that `scorer.score` gives; and for JSON the file of the map and
            its grid, see `QualityMap.to_dict`.

        Raises:
            UnreadableImageError: As `Scorer.score`.
            OSError: The map cannot be written.
        """
        picture = decode(source)
        quality = scorer.score(picture)
        quality_map = scorer.quality_map(picture, on_tile=lambda _, total: on_share(1 / total))
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
        name = os.fsdecode(os.fsencode(name)[:_MAX_NAME])
        number, unique = 1, name
        while unique.casefold() in self._taken:  # Some file systems ignore case.
            number += 1
            unique = f"{name}-{number}"
        self._taken.add(unique.casefold())
        return os.path.join(self._folder, unique + SUFFIX)
