"""One progress bar for every long step."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")

DELAY_SECONDS = 2.0
"""Work that takes less shows no bar."""

LINE_SECONDS = 10.0
"""Seconds between two lines where there is no terminal."""


def progress(iterable: Iterable[Item], total: int | None = None, label: str = "") -> Iterator[Item]:
    """Pass items through and show on stderr how far the work is.

    A bar on a terminal, once the work takes over two seconds; else a line every ten seconds.

    Args:
        iterable: What to go through.
        total: Number of items; taken from the iterable when it has a length.
        label: What is being done, shown before the bar.

    Yields:
        The items, unchanged and in order.
    """
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:  # the bar is a comfort, never a reason to fail
            pass
        else:
            yield from tqdm(iterable, desc=label, total=total, delay=DELAY_SECONDS, file=sys.stderr)
            return
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    said = time.monotonic()
    for number, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            share = f" of {total} ({number / total:.0%})" if total else ""
            print(f"{label or 'done'}: {number}{share}", file=sys.stderr, flush=True)
