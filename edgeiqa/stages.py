"""Named stages of the scoring path, so that `edgeiqa bench` can time them where they happen.

A function of the path is declared a stage once, with `@stage("name")`. Nothing is measured until a
`Watch` is installed with `watched`; until then a call costs one comparison more.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Watch(Protocol):
    """Measures stages; called from whichever thread runs them."""

    def enter(self, stage: str, /) -> None:
        """A stage begins."""
        ...

    def leave(self, stage: str, /) -> None:
        """The stage entered last ends."""
        ...


_watch: Watch | None = None


def stage(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Declares a function to be a stage."""

    def declare(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            watch = _watch
            if watch is None:
                return function(*args, **kwargs)
            watch.enter(name)
            try:
                return function(*args, **kwargs)
            finally:
                watch.leave(name)

        return call

    return declare


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Installs a watch for the time of a `with` block; one at a time per process."""
    global _watch
    if _watch is not None:
        raise RuntimeError("another watch is installed")
    _watch = watch
    try:
        yield
    finally:
        _watch = None
