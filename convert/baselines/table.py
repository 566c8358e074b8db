"""The comparison as a document, as text and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..datasets.manifest import DataError

Entry = Mapping[str, Any]
"""One method: name, title, paper, ours, parameters, macs, bytes, milliseconds, groups, pictures."""

FORMAT = "edgeiqa-baselines-1"


def document(entries: Sequence[Entry], protocol: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON document of a comparison."""
    return {"format": FORMAT, "protocol": dict(protocol), "methods": [dict(e) for e in entries]}


def read_document(file: Path) -> dict[str, Any]:
    """Reads a document that ``--json`` wrote.

    Raises:
        DataError: There is none, or it is something else.
    """
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"no results at {file}: write them with --json {file}") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DataError(f"{file} holds no results of edgeiqa convert baselines")
    return found


def text_table(found: Mapping[str, Any]) -> str:
    """The comparison as aligned columns."""
    header, lines = _cells(found, _plain)
    table = [header, *lines]
    widths = [max(len(line[i]) for line in table) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    )


def markdown_table(found: Mapping[str, Any]) -> str:
    """The comparison as Markdown, our models in bold, and a line on how it was measured."""
    header, lines = _cells(found, _fancy)
    marked = [
        [f"**{cell}**" if entry["ours"] else cell for cell in line[:1]] + line[1:]
        for entry, line in zip(found["methods"], lines, strict=True)
    ]
    rule = ["---", *["---:"] * (len(header) - 1)]
    rows = ["| " + " | ".join(line) + " |" for line in (header, rule, *marked)]
    protocol = found["protocol"]
    notes = [
        f"{protocol['database']}, {protocol['split']} split; small print: 95% bootstrap interval.",
        f"Milliseconds: {protocol['timing']}.",
        f"Measured with `{protocol['command']}`.",
    ]
    return "\n".join([*rows, "", " ".join(notes)])


def _cells(found: Mapping[str, Any], show: Any) -> tuple[list[str], list[list[str]]]:
    entries: Sequence[Entry] = found["methods"]
    groups: list[str] = []
    for entry in entries:
        groups += [name for name in entry["groups"] if name not in groups]
    header = ["method", *(f"SROCC {name}" for name in groups), "PLCC", "MACs", "size", "ms"]
    lines = []
    for entry in entries:
        line = [entry["title"]]
        line += [show(entry["groups"].get(name, {}).get("SROCC")) for name in groups]
        line.append(show(entry["groups"][groups[0]].get("PLCC")))
        line += [count(entry["macs"]), size(entry["bytes"])]
        line.append(_time(entry.get("milliseconds")))
        lines.append(line)
    return header, lines


def _plain(interval: Mapping[str, float | None] | None) -> str:
    value = None if interval is None else interval.get("value")
    return "-" if value is None else f"{value:.3f}"


def _fancy(interval: Mapping[str, float | None] | None) -> str:
    if interval is None or interval.get("value") is None:
        return "-"
    shown = f"{interval['value']:.3f}"
    if interval.get("low") is None or interval.get("high") is None:
        return shown
    return f"{shown} <sub>{interval['low']:.3f}-{interval['high']:.3f}</sub>"


def count(number: float) -> str:
    """A number of operations: 880 M, 1.2 G."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # What three digits round up to a thousand is one of the next unit.
        if number >= 0.9995 * factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.0f}"


def size(number: float) -> str:
    """A number of bytes: 16 B, 2.73 MB."""
    for factor, unit in ((1e6, "MB"), (1e3, "kB")):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.0f} B"


def _time(found: Mapping[str, float] | None) -> str:
    return "-" if found is None else f"{found['median']:.1f}"
