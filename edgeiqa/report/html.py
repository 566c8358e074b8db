"""The static parts of the page, as HTML, which need no script.

All external text (names, folders, errors) goes through `text`.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

from edgeiqa.gating.gate import LOW_QUALITY
from edgeiqa.report.items import (
    ACCEPTED,
    OUTCOMES,
    REJECTED,
    UNJUDGED,
    UNREADABLE,
    Folder,
    Photo,
    fault_names,
    median,
)
from edgeiqa.results.row import printable

STRIP = 12
"""Photographs shown as worst and as best."""

FOLDER_ROWS = 200
UNREADABLE_ROWS = 1000


def text(value: str) -> str:
    """Escapes external text, including control characters that change the direction of text."""
    return html.escape(printable(value), quote=True)


def fault_words(name: str) -> str:
    """The label of a cause or reason."""
    return "low score" if name == LOW_QUALITY else name.replace("_", " ")


def number_tiles(photos: Sequence[Photo], groups: Sequence[Sequence[int]]) -> str:
    """The numbers at the top, which the script turns into buttons."""
    counts = [0] * len(OUTCOMES)
    for photo in photos:
        counts[photo.outcome] += 1
    middle = median(p.result.score for p in photos if p.result.score is not None)
    tiles = [
        ("data-all", "", f"{len(photos):,}", "photographs" if len(photos) != 1 else "photograph")
    ]
    for outcome in (ACCEPTED, REJECTED, UNJUDGED, UNREADABLE):
        if counts[outcome] or (outcome in (ACCEPTED, REJECTED) and counts[UNJUDGED] == 0):
            tab = (
                ' data-tab="unreadable"' if outcome == UNREADABLE else f' data-outcome="{outcome}"'
            )
            words = "without verdict" if outcome == UNJUDGED else OUTCOMES[outcome]
            tiles.append((tab.strip(), OUTCOMES[outcome], f"{counts[outcome]:,}", words))
    tiles.append(("", "", "-" if middle is None else f"{middle:.1f}", "median score"))
    if groups:
        more = sum(len(group) - 1 for group in groups)
        tiles.append(('data-tab="duplicates"', "", f"{more:,}", "near-duplicates"))
    return "".join(
        f"<li>{_tile(attributes, kind, number, words)}</li>"
        for attributes, kind, number, words in tiles
    )


def _tile(attributes: str, kind: str, number: str, words: str) -> str:
    inside = f"<b>{number}</b> <span>{words}</span>"
    css = f"tile-number {kind}".strip()
    if not attributes:
        return f'<div class="{css}">{inside}</div>'
    return f'<button type="button" class="{css}" {attributes} disabled>{inside}</button>'


def legend(judged: bool) -> str:
    """The legend of the histogram."""
    kinds = ("accepted", "rejected") if judged else ("scored",)
    items = [f'<li class="{kind}"><i></i>{kind}</li>' for kind in kinds]
    return f'<ul class="legend">{"".join(items)}<li class="middle"><i></i>median</li></ul>'


def causes_list(photos: Sequence[Photo]) -> str:
    """The number of photographs per fault, the most frequent first."""
    counts = dict.fromkeys(fault_names(photos), 0)
    for photo in photos:
        for name in photo.faults:
            counts[name] += 1
    found = sorted((-count, place, name) for place, (name, count) in enumerate(counts.items()))
    if not any(count for count, _, _ in found):
        return '<p class="faint">No faults were found.</p>'
    largest = -found[0][0]
    rows = []
    for negative, _, name in found:
        count = -negative
        if count:
            rows.append(
                f'<li><button type="button" class="fault bare" data-fault="{text(name)}" disabled>'
                f"<span>{text(fault_words(name))}</span>{_meter(count / largest)}"
                f'<span class="number">{count:,}</span></button></li>'
            )
    return f'<ul class="faults">{"".join(rows)}</ul>'


def _meter(share: float) -> str:
    return (
        '<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8" rx="2"/>'
        f'<rect class="value" width="{100 * share:.1f}" height="8" rx="2"/></svg>'
    )


def folder_table(folders: Sequence[Folder]) -> str:
    """The table of folders, the largest first."""
    order = sorted(folders, key=lambda folder: (-folder.count, folder.path))
    rows = []
    for folder in order[:FOLDER_ROWS]:
        middle = "–" if folder.median is None else f"{folder.median:.1f}"  # noqa: RUF001
        share = folder.share_rejected
        rejected = "–" if share is None else f"{100 * share:.0f}%"  # noqa: RUF001
        rows.append(
            f"<tr><td><bdi>{text(folder.label)}</bdi></td><td>{folder.count:,}</td>"
            f"<td>{middle}</td><td>{rejected}</td></tr>"
        )
    heads = (
        ("label", "Folder"),
        ("count", "Photos"),
        ("median", "Median"),
        ("rejected", "Rejected"),
    )
    head = "".join(
        f'<th scope="col" data-column="{key}"><button type="button" class="bare" disabled>{title}'
        "</button></th>"
        for key, title in heads
    )
    left = len(folders) - FOLDER_ROWS
    more = f"{left:,} more folders" if left > 0 else ""
    return (
        f'<div class="scroll" tabindex="-1"><table id="folders"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f'<p class="faint without-script">{more}</p>'
        '<button type="button" id="more-folders" class="quiet more needs-script" hidden></button>'
    )


def strips(
    photos: Sequence[Photo],
    ordered: Sequence[int],
    thumbnails: Mapping[int, bytes],
    media_type: str,
    links: Mapping[int, str],
) -> str:
    """The worst and the best photographs.

    Args:
        photos: All of them.
        ordered: Indices of those with a score, the worst first.
        thumbnails: By index.
        media_type: Of the thumbnails.
        links: URLs of files by index.
    """
    # With only a few, none may appear on both sides.
    count = min(STRIP, -(-len(ordered) // 2))
    sides = (
        ("Worst", ordered[:count]),
        ("Best", ordered[::-1][: min(count, len(ordered) - count)]),
    )
    found = []
    for title, places in sides:
        if not places:
            continue
        items = [
            _strip_item(photos[place], place, thumbnails.get(place), media_type, links.get(place))
            for place in places
        ]
        found.append(
            f'<section class="card strip" aria-labelledby="h-{title}"><h2 id="h-{title}">{title}'
            f"</h2><ol>{''.join(items)}</ol></section>"
        )
    return "".join(found)


def _strip_item(
    photo: Photo, place: int, thumbnail: bytes | None, media_type: str, link: str | None
) -> str:
    score = photo.result.score or 0.0
    kind = OUTCOMES[photo.outcome]
    name = text(photo.name)
    if thumbnail is None:
        picture = '<span class="none">no thumbnail</span>'
    else:
        encoded = base64.b64encode(thumbnail).decode("ascii")
        picture = f'<img alt="" src="data:{media_type};base64,{encoded}">'
    verdict = "" if photo.outcome == UNJUDGED else f", {kind}"
    href = f' href="{text(link)}"' if link else ' href="#photographs"'
    return (
        f'<li><a class="thumb" data-photo="{place}"{href} title="{text(photo.result.path)}" '
        f'aria-label="{name}, score {score:.1f}{verdict}"><span class="frame">{picture}</span>'
        f'<span class="score {kind}">{score:.1f}</span></a></li>'
    )


def unreadable_table(photos: Sequence[Photo]) -> str:
    """The unreadable files with their errors."""
    broken = [photo for photo in photos if photo.outcome == UNREADABLE]
    if not broken:
        return '<p class="nothing">All files could be read.</p>'
    rows = [
        f"<tr><td><bdi>{text(photo.result.path)}</bdi></td>"
        f"<td>{text(photo.result.error or 'no score')}</td></tr>"
        for photo in broken[:UNREADABLE_ROWS]
    ]
    left = len(broken) - UNREADABLE_ROWS
    more = f'<p class="faint">and {left:,} more</p>' if left > 0 else ""
    return (
        '<div class="card"><table><thead><tr><th scope="col">File</th><th scope="col">Error</th>'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table>{more}</div>"
    )


def notes_list(notes: Sequence[str]) -> str:
    """Remarks on the numbers."""
    if not notes:
        return ""
    return f'<ul class="notes">{"".join(f"<li>{text(note)}</li>" for note in notes)}</ul>'
