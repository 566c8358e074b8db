"""``edgeiqa convert data --list``: which databases there are, and which of them are here."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from .database import Database
from .registry import DATABASES


def found(database: Database, root: Path | None) -> str:
    """Whether a database is below the data root.

    Args:
        database: Any.
        root: The data root, None if there is none to look at.

    Returns:
        "yes", "no", "partly" (the folder is there, something in it is not), "" if it is not known.
    """
    if root is None or not database.folders:
        return ""
    if database.base(root) is None:
        return "no"
    return "partly" if database.missing(root) else "yes"


def entries(root: Path | None) -> list[dict[str, Any]]:
    """All databases, JSON-ready.

    Args:
        root: The data root, None if there is none to look at.
    """
    return [
        {
            "name": database.name,
            "title": database.title,
            "kind": database.kind,
            "pictures": database.pictures or None,
            "scale": database.scale,
            "split": database.split,
            "repeats": database.repeats,
            "trainable": database.trainable,
            "only_for": database.only_for or None,
            "found": found(database, root) or None,
            "missing": database.missing(root) if root is not None and database.folders else [],
            "layout": database.layout,
            "where": database.where,
            "terms": database.terms,
            "citation": database.citation or None,
        }
        for database in DATABASES.values()
    ]


def table(root: Path | None, width: int = 100) -> str:
    """The same as text: a line of facts per database, and below it where it is and the terms."""
    longest = max(len(name) for name in DATABASES)
    lines = [f"{'':<{longest}}  {'kind':<9}  {'pictures':>8}  {'found':<6}  {'train':<5}  split"]
    indent = " " * (longest + 2)
    for name, database in DATABASES.items():
        pictures = f"{database.pictures:,}" if database.pictures else "-"
        here = found(database, root) or "-"
        train = "yes" if database.trainable else "never"
        lines.append(
            f"{name:<{longest}}  {database.kind:<9}  {pictures:>8}  {here:<6}  {train:<5}  "
            f"{database.split}"
        )
        facts = [f"terms: {database.terms}"]
        if database.folders:
            facts.append(f"{database.layout}; offered at {database.where}")
        if here == "partly" and root is not None:
            facts.append(f"missing: {', '.join(database.missing(root))}")
        for fact in facts:
            lines += textwrap.wrap(
                fact,
                width,
                initial_indent=indent,
                subsequent_indent=f"{indent}  ",
                break_on_hyphens=False,
            )
    return "\n".join(lines)
