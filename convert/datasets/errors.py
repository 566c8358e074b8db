"""The one error of this package."""

from __future__ import annotations


class DataError(ValueError):
    """The data on disk is not what its authors published, is not there, or may not be used so."""
