"""The photographs that come with the package, good and spoilt ones; see samples/README.md."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "samples"
MODELS = Path(__file__).parent / "models"


def sample_paths() -> list[Path]:
    """Paths of the sample photographs, in alphabetical order."""
    return sorted(FOLDER.glob("*.jpg"))
