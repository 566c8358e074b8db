"""The page itself: one self-contained HTML file.

Its Content-Security-Policy allows its own two scripts and style, by their hashes, embedded pictures
and pictures on the same disk; no network. Names, folders and errors are untrusted: they are escaped
in the HTML, and encoded as JSON in the data so that no tag can end there.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from edgeiqa._version import __version__
from edgeiqa.report import html
from edgeiqa.report.histogram import histogram, histogram_svg
from edgeiqa.report.html import text
from edgeiqa.report.items import UNREADABLE, Photo, folders_of, median, worst_first
from edgeiqa.report.payload import CHUNK, file_url, payload, script_safe_json
from edgeiqa.report.thumbnails import Look, thumbnail_type

GENERATOR = '<meta name="generator" content="edgeiqa report '
"""Identifies our pages."""

# In the order of concatenation.
_SCRIPTS = (
    *("data", "thumbs", "filter", "tile", "grid", "details", "facets", "folders", "duplicates"),
    *("tabs", "main"),
)
_PLACE = re.compile(r"\{\{([A-Z_]+)\}\}")


@dataclass(frozen=True)
class Report:
    """The content of the page.

    Attributes:
        title: At the top.
        photos: In the order of the results.
        looks: What was found by reading photographs, by index.
        groups: Near-duplicates, the best first; None if not searched for.
        meta: Short facts for the line below the title.
        notes: Sentences about what is missing or was left out.
        beside: The folder of the page, to which links are relative; None for full paths.
    """

    title: str
    photos: Sequence[Photo]
    looks: Mapping[int, Look] = field(default_factory=dict)
    groups: Sequence[Sequence[int]] | None = None
    meta: Sequence[str] = ()
    notes: Sequence[str] = ()
    beside: str | None = None


def render(report: Report) -> Iterator[str]:
    """Yields the page in pieces, as 10,000 thumbnails take tens of megabytes.

    The pieces contain no lone surrogates.
    """
    photos, looks = report.photos, report.looks
    ordered = worst_first(photos)
    # What is shown first is stored together.
    scored = set(ordered)
    places = [*ordered, *(place for place in range(len(photos)) if place not in scored)]
    with_thumbs = [p for p in places if p in looks and looks[p].thumbnail is not None]
    numbers = {place: number for number, place in enumerate(with_thumbs)}
    fills = _static_parts(report, ordered)
    fills["DATA"] = script_safe_json(
        payload(
            photos,
            looks,
            report.groups or (),
            numbers,
            media_type=thumbnail_type(),
            beside=report.beside,
        )
    )
    template = _asset("page.html")
    end = 0
    for match in _PLACE.finditer(template):
        yield template[end : match.start()]
        if match[1] == "THUMBS":
            yield from _thumbnail_chunks(looks, with_thumbs)
        else:
            yield fills[match[1]]
        end = match.end()
    yield template[end:]


def _static_parts(report: Report, ordered: Sequence[int]) -> dict[str, str]:
    photos = report.photos
    groups = report.groups or ()
    judged = any(photo.result.accept is not None for photo in photos)
    middle = median(photos[place].result.score or 0.0 for place in ordered)
    folders = folders_of(photos)
    unreadable = sum(photo.outcome == UNREADABLE for photo in photos)
    edges = {*ordered[: html.STRIP], *ordered[-html.STRIP :]}
    style, early, script = _asset("style.css"), _asset("early.js"), _script()
    thumbnails = {
        place: data
        for place in edges
        if place in report.looks and (data := report.looks[place].thumbnail) is not None
    }
    links = {p: url for p in edges if (url := file_url(photos[p], report.beside)) is not None}
    return {
        "CSP": _policy(style, (early, script)),
        "VERSION": text(__version__),
        "TITLE": text(report.title),
        "STYLE": style,
        "EARLY": early,
        "SCRIPT": script,
        "META": " &middot; ".join(f"<bdi>{text(fact)}</bdi>" for fact in report.meta),
        "NOTES": html.notes_list(report.notes),
        "TILES": html.number_tiles(photos, groups),
        "HISTOGRAM": histogram_svg(histogram(photos), middle, judged),
        "LEGEND": html.legend(judged) if ordered else '<p class="faint">No scores.</p>',
        "CAUSES": html.causes_list(photos),
        "FOLDERS": html.folder_table(folders),
        "FOLDER_COUNT": f"{len(folders):,}",
        "STRIPS": html.strips(photos, ordered, thumbnails, thumbnail_type(), links),
        "COUNT": f"{len(photos):,}",
        "GROUP_COUNT": "" if report.groups is None else f"{len(groups):,}",
        "GROUPS_SUMMARY": _groups_summary(report),
        "UNREADABLE": html.unreadable_table(photos),
        "UNREADABLE_COUNT": f"{unreadable:,}",
    }


def _groups_summary(report: Report) -> str:
    if report.groups is None:
        return "Near-duplicates were not searched for."
    if not report.groups:
        return "No two photographs look the same."
    count = sum(map(len, report.groups))
    noun = "group" if len(report.groups) == 1 else "groups"
    return (
        f"{count:,} photographs form {len(report.groups):,} {noun} of near-duplicates: copies, "
        "other sizes or qualities, the same view taken again. The best of each comes first."
    )


def _thumbnail_chunks(looks: Mapping[int, Look], places: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(places), CHUNK):
        lines = [
            base64.b64encode(looks[place].thumbnail or b"").decode("ascii")
            for place in places[start : start + CHUNK]
        ]
        yield '<script type="text/plain" class="thumbs">' + "\n".join(lines) + "</script>\n"


def _policy(style: str, scripts: Sequence[str]) -> str:
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; "
        "img-src data: file:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _script() -> str:
    files = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{files}}})();\n'


@cache
def _asset(name: str) -> str:
    # Read as text, so that line ends are those that a browser hashes, on any system.
    return (
        resources.files("edgeiqa.report").joinpath("web").joinpath(name).read_text(encoding="utf-8")
    )
