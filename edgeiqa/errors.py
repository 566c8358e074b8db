"""The exceptions of the package."""

from __future__ import annotations


class OutputError(OSError):
    """The place for results cannot be written; the text is for the user."""


class UnreadableImageError(ValueError):
    """No picture can be had from this source.

    Attributes:
        reason: One line for people, without the path.
        path: The file, or None where there is none.
    """

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(reason if path is None else f"{path}: {reason}")
        self.reason = reason
        self.path = path

    def __reduce__(self) -> tuple[type, tuple[str, str | None]]:
        """Lets the error travel between processes."""
        return type(self), (self.reason, self.path)


class ModelError(ValueError):
    """A model that is not there, cannot be opened, or is not what its contract says."""


class ContractError(ValueError):
    """A model file without a contract, or with one that cannot be trusted or understood."""


class ClosedError(RuntimeError):
    """Something was handed to a worker or a scorer that has been closed."""


class SourceError(Exception):
    """Nothing can be had from a source, or no longer; its text is one line for people."""


class WorkerError(RuntimeError):
    """A worker process cannot be started; the text is for the user."""


class ResultsError(ValueError):
    """A file that holds no results; the text is for the user."""
