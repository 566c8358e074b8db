"""Marked blocks of a Markdown document, and what fills them: tables and shown commands."""

from __future__ import annotations

import contextlib
import io
import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]

Blocks = dict[str, Callable[[], str]]
"""Name of a block to the function that writes it."""

_LINK = re.compile(r"\]\((?P<target>(?!\w+:|#)[^)\s]+)\)")
_BLOCK = re.compile(r"<!-- begin: (?P<name>[\w-]+) -->\n.*?<!-- end: (?P=name) -->", re.DOTALL)


def fill(text: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """Writes every marked block anew.

    Args:
        text: A Markdown document.
        blocks: Block name to a function that makes its content.

    Raises:
        ValueError: A block that nobody can fill, a marker without its partner, or a block that
            the document lacks.
    """
    seen: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in blocks:
            raise ValueError(f"nobody fills the block {name!r}; known: {', '.join(blocks)}")
        seen.append(name)
        return f"<!-- begin: {name} -->\n{blocks[name]().strip()}\n<!-- end: {name} -->"

    filled = _BLOCK.sub(replace, text)
    if filled.count("<!-- begin: ") != len(seen) or filled.count("<!-- end: ") != len(seen):
        raise ValueError("a begin or end marker has no partner of the same name")
    missing = sorted(set(blocks) - set(seen))
    if missing:
        raise ValueError(f"the document has no block {missing[0]!r}")
    return filled


def relink(text: str, folder: str) -> str:
    """Links that start at the root of the checkout, made to start at a document's folder.

    Args:
        text: Markdown.
        folder: Of the document, below the root; "" for the root itself.
    """
    return _LINK.sub(lambda match: f"]({posixpath.relpath(match['target'], folder or '.')})", text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table.

    Args:
        head: Titles of the columns.
        rows: Cells.
        left: So many columns are flushed left, the others right.
    """
    rule = ["---" if column < left else "---:" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def measured_with(facts: Mapping[str, Any]) -> str:
    """The sentence that says how a figure was made."""
    return f"Measured with `{facts['command']}`."


def command_output(*arguments: str) -> str:
    """Runs `edgeiqa ARGUMENTS` in the root of the checkout and returns it as a shell session.

    Raises:
        RuntimeError: The command failed.
    """
    from edgeiqa.cli.main import main as edgeiqa

    printed = io.StringIO()
    before = os.getcwd()
    os.chdir(ROOT)  # so that the paths shown are short, and the same everywhere
    try:
        with contextlib.redirect_stdout(printed), mock.patch.dict(os.environ, {"COLUMNS": "100"}):
            code = edgeiqa(list(arguments))
    finally:
        os.chdir(before)
    if code != 0:
        raise RuntimeError(f"edgeiqa {' '.join(arguments)} ended with exit code {code}")
    return f"```console\n$ edgeiqa {' '.join(arguments)}\n{printed.getvalue().rstrip()}\n```"
