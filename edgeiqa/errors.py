"""The exceptions of the package. All of them descend from `EdgeIQAError`.

Each is also the built-in exception that fits best, so that `except ValueError` or
`except OSError` catches it too::

    EdgeIQAError
    ├── UnreadableImageError (ValueError)  a picture that cannot be decoded
    ├── ModelError (ValueError)            a model that is missing, invalid or unsafe
    ├── ContractError (ValueError)         a model file whose contract is missing or invalid
    ├── ResultsError (ValueError)          a file that holds no results
    ├── MissingVariableError (ValueError)  ${NAME} in an address, and no such variable
    ├── SourceError                        a camera, stream or folder that delivers no frames
    ├── OutputError (OSError)              results that cannot be written
    ├── WorkerError (RuntimeError)         a worker process that cannot be started
    └── ClosedError (RuntimeError)         an object that is used after `close()`

Errors of a single module, such as `edgeiqa.burst.xmp.XmpError`, are defined there and descend
from `EdgeIQAError` as well. Wrong arguments raise plain `TypeError` and `ValueError`.
"""

from __future__ import annotations


class EdgeIQAError(Exception):
    """Base of all exceptions of the package; its text is one line that can be shown to users."""


class UnreadableImageError(EdgeIQAError, ValueError):
    """A picture cannot be decoded.

    Attributes:
        reason: The cause in one line, without the path.
        path: The file, or None if the picture did not come from a file.
    """

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(reason if path is None else f"{path}: {reason}")
        self.reason = reason
        self.path = path

    def __reduce__(self) -> tuple[type, tuple[str, str | None]]:
        """Pickles both attributes, so that the error can cross process boundaries."""
        return type(self), (self.reason, self.path)


class ModelError(EdgeIQAError, ValueError):
    """A model does not exist, cannot be opened, is unsafe, or does not match its contract."""


class ContractError(EdgeIQAError, ValueError):
    """The contract of a model file is missing, damaged, invalid, or of a newer format."""


class ResultsError(EdgeIQAError, ValueError):
    """A file contains no results of edgeiqa."""


class MissingVariableError(EdgeIQAError, ValueError):
    """An address refers to an environment variable that is not set."""


class SourceError(EdgeIQAError):
    """A source delivers no frames, or no more frames."""


class OutputError(EdgeIQAError, OSError):
    """Results cannot be written."""


class WorkerError(EdgeIQAError, RuntimeError):
    """A worker process cannot be started."""


class ClosedError(EdgeIQAError, RuntimeError):
    """An object was used after it had been closed."""
