"""One progress bar for every long step."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

DELAY_SECONDS = 2.0


def progress(iterable: Iterable[Item], total: int | None = None, label: str = "") -> Iterator[Item]:
    """Pass items through and show a bar on stderr once the work takes over two seconds.

    Silent when stderr is not a terminal, so logs stay clean.

    Args:
        iterable: What to go through.
        total: Number of items; taken from the iterable when it has a length.
        label: What is being done, shown before the bar.

    Yields:
        The items, unchanged and in order.
    """
    if not sys.stderr.isatty():
        yield from iterable
        return
    try:
        from tqdm import tqdm
    except ImportError:  # the bar is a comfort, never a reason to fail
        yield from iterable
        return
    yield from tqdm(iterable, desc=label, total=total, delay=DELAY_SECONDS, file=sys.stderr)
