"""Rows of many pictures: here for a handful, in worker processes for more."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol, TypeVar

from edgeiqa.library.cores import usable_cores
from edgeiqa.library.pool import Pool
from edgeiqa.library.process import WorkerError, worker_command
from edgeiqa.library.recipe import Recipe
from edgeiqa.listing import STDIN
from edgeiqa.output import Row

HANDFUL = 32
"""So many pictures are scored before worker processes would have opened their models."""


class Listed(Protocol):
    """A picture to score, or a place where none can be had, as `edgeiqa.listing.Item`."""

    @property
    def path(self) -> str:
        """As it is to be shown and opened."""

    @property
    def error(self) -> str | None:
        """Why nothing can be scored here."""


T = TypeVar("T", bound=Listed)


@dataclass(frozen=True)
class Maker:
    """Makes rows.

    Attributes:
        here: Makes a row in this process.
        recipe: The same for worker processes; None if only `here` will do.
        workers: How many processes; None for as many as there are cores to use, and for none for
            a handful of pictures.
        timeout_s: Most seconds for one picture in a worker process.
    """

    here: Callable[[Listed], Row]
    recipe: Recipe | None
    workers: int | None
    timeout_s: float

    def rows(self, items: Iterable[T], *, in_order: bool) -> Generator[tuple[T, Row], None, None]:
        """Makes a row of each.

        Args:
            items: What to score; taken one by one, as it is needed.
            in_order: Whether rows come in their order, else as they are ready.

        Yields:
            Each with its row.

        Raises:
            WorkerError: Worker processes cannot be started.
        """
        coming = iter(items)
        first: list[T] = []
        workers = self.workers
        if workers is None:
            first = list(islice(coming, HANDFUL + 1))
            workers = 0 if len(first) <= HANDFUL else usable_cores()
        recipe = self._recipe_for(workers)
        if recipe is None:
            for item in chain(first, coming):
                yield item, self.here(item)
            return
        with Pool(recipe, workers, timeout_s=self.timeout_s) as pool:
            yield from pool.rows(
                chain(first, coming), in_order=in_order, here=self._here_if_need_be
            )

    def _recipe_for(self, workers: int) -> Recipe | None:
        if not workers:
            return None
        try:
            worker_command()
        except WorkerError:
            if self.workers is not None:
                raise
            return None
        return self.recipe

    def _here_if_need_be(self, item: T) -> Row | None:
        """The row of what is no file to open."""
        return self.here(item) if item.error is not None or item.path == STDIN else None
