"""What is fuzzed: bytes in, the name of an outcome out, and everything else is a finding."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence

from tests.fuzz.mutate import mutated


class Target:
    """One entry point for untrusted bytes.

    Attributes:
        name: On the command line and in the report.
        about: What is fuzzed, for the report.
        tokens: Words of the format.
        doublings: See `mutated`.
    """

    name: str
    about: str
    tokens: Sequence[bytes] = ()
    doublings = 4

    def __init__(self) -> None:
        self._seeds: tuple[bytes, ...] | None = None

    def seeds(self) -> Sequence[bytes]:
        """Valid inputs, to be mutated."""
        raise NotImplementedError

    def open(self) -> None:
        """Prepares, once in each process; not part of what is timed."""

    def close(self) -> None:
        """Releases what `open` took."""

    def make(self, rng: random.Random) -> bytes:
        """The input that a random number generator stands for."""
        if self._seeds is None:
            self._seeds = tuple(self.seeds())
        return mutated(rng.choice(self._seeds), rng, self._seeds, self.tokens, self.doublings)

    def run(self, data: bytes) -> str:
        """Feeds one input.

        Returns:
            What came of it: the class of a documented exception, "score", "exit 3", ...

        Raises:
            Exception: Anything is a finding: what was raised is not documented, or an
                `AssertionError` says what an outcome lacked.
        """
        raise NotImplementedError


class DrawnTarget(Target):
    """A target whose bytes are choices; random ones are as good as mutated ones."""

    length = 160

    def seeds(self) -> Sequence[bytes]:
        """Zeros, for lack of valid input."""
        return (bytes(self.length),)

    def make(self, rng: random.Random) -> bytes:
        """Random bytes."""
        return rng.randbytes(self.length)


def number(seed: int, name: str, index: int) -> random.Random:
    """The generator of the input with this number; independent of all others."""
    return random.Random(f"{seed}/{name}/{index}")


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for files that are written again and again; in memory where there is such a place.

    A disk would be waited for each time that a file is replaced.
    """
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(
        prefix="edgeiqa-fuzz-", dir=memory if os.access(memory, os.W_OK) else None
    )


def has_text(error: Exception) -> None:
    """Raises AssertionError for an error that says nothing."""
    assert str(error).strip(), f"a {type(error).__name__} without a text"
