"""Formats a benchmark as a table; the JSON has the same figures and more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgeiqa.bench.profiler import STAGES
from edgeiqa.results.row import printable

COLUMNS = ("p50", "p90", "p99", "min")
_WIDTH = max(len(text) for text in STAGES.values()) + 2


def table(document: Mapping[str, Any]) -> str:
    """Formats the document of `edgeiqa bench --format json` as lines of text."""
    return "".join(f"{printable(line)}\n" for line in _lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _head(document)
    for subject in document["subjects"]:
        yield ""
        yield from _subject(subject)
    if document["notes"]:
        yield ""
    for note in document["notes"]:
        yield f"note: {note}"


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    model, machine = document["model"], document["machine"]
    causes = model["causes"]
    second = "" if causes is None else f", causes {causes['name']} {causes['version']}"
    threads = document["threads"]
    yield f"model      {model['name']} {model['version']}{second}; threads: {threads}"
    yield f"versions   {', '.join(f'{k} {v}' for k, v in document['versions'].items())}"
    features = " ".join(machine["features"]) or "features unknown"
    board = f"{machine['board']}, " if machine["board"] else ""
    yield (
        f"processor  {board}{machine['processor'] or 'unknown'}, {machine['architecture']}, "
        f"{machine['cores']} cores ({features})"
    )
    load = "unknown" if machine["load"] is None else f"{machine['load']:g}"
    yield (
        f"state      governor {machine['governor'] or 'unknown'}; priority "
        f"{machine['priority'] or 'unknown'}; load {load}; {machine['system']}"
    )
    memory = document["memory"]
    words = ", ".join(
        f"{text} {_megabytes(memory[key])}"
        for key, text in (
            ("before_opening", "before opening"),
            ("opened", "opened"),
            ("idle", "with inputs"),
            ("after", "after scoring"),
            ("peak", "peak while scoring"),
            ("end", "at the end"),
        )
    )
    yield f"memory     {words}"


def _subject(subject: Mapping[str, Any]) -> Iterator[str]:
    yield f"{describe(subject)}, {subject['runs']} runs, ms"
    yield f"  {'':<{_WIDTH}}{''.join(f'{name:>9}' for name in COLUMNS)}"
    for name, times in subject["stages"].items():
        yield _row(STAGES[name], times)
    yield _row("total", subject["total"])
    yield _row("outside the networks", subject["outside"])
    ratio = subject["ratio"]
    if ratio["p50"] is not None:
        bar = subject.get("bar")
        verdict = ""
        if bar is not None:
            verdict = (
                f" (target: at most {bar['at_most']:g}, {'met' if bar['holds'] else 'missed'})"
            )
        yield (
            f"  outside / inside the scoring network: {ratio['p50']:.2f}, "
            f"fastest runs {ratio['min']:.2f}{verdict}"
        )
    if subject["rivals"]:
        heads = "".join(f"{name:>9}" for name in (*COLUMNS, "/ ours"))
        yield f"  {'baseline':<{_WIDTH}}{heads}"
    for row in subject["rivals"]:
        if "error" in row:
            yield f"  {row['name']:<{_WIDTH}} {row['error']}"
            continue
        yield f"{_row(row['name'], row)}{row['ratio']:>9.2f}  {row['about']}"


def describe(subject: Mapping[str, Any]) -> str:
    """A short description of an input."""
    size = f"{subject['width']}x{subject['height']}"
    if subject["kind"] == "file":
        return f"{subject['name']}: file, {size}"
    turned = f", rotation {subject['rotation']}" if subject["rotation"] else ""
    return f"{subject['name']}: frame {size} {subject['pixel_format']}{turned}"


def _row(name: str, times: Mapping[str, Any]) -> str:
    return f"  {name:<{_WIDTH}}{''.join(f'{times[column]:>9.2f}' for column in COLUMNS)}"


def _megabytes(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} MB"
