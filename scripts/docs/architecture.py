"""Draws the layers of `edgeiqa` and the life of a frame, from the code itself.

Usage: python scripts/docs/architecture.py [--check]

docs/images/layers.svg shows the packages by layer with the imports between them; an import that
follows from others (a imports b, b imports c, so a may well import c) is left out of the drawing.
docs/images/frame.svg shows the calls between packages while `edgeiqa live` scores one picture,
recorded from a run. With --check nothing is written; the exit code is 1 if a drawing is out of
date.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.docs.structure import LAYERS, graph_of, modules_in, packages_of  # noqa: E402

LAYERS_SVG = ROOT / "docs" / "images" / "layers.svg"
FRAME_SVG = ROOT / "docs" / "images" / "frame.svg"

THROUGH = "stages"
"""What only stands between a function and its caller: decorators that time a stage."""

_WIDTH, _ROW, _BOX = 900, 78, (112, 34)
_STYLE = (
    "<style>text{font:14px system-ui,sans-serif;fill:#1b2330}"
    ".box{fill:#e8eefb;stroke:#4a6cb3;stroke-width:1.2}"
    ".line{fill:none;stroke:#8795ad;stroke-width:1.1;marker-end:url(#arrow)}"
    ".life{stroke:#c4ccda;stroke-dasharray:3 4}.call{font:12px ui-monospace,monospace}</style>"
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8795ad"/></marker></defs>'
)


class Call(NamedTuple):
    """A call from one package into another."""

    caller: str
    callee: str
    function: str


def drawn_imports() -> dict[str, set[str]]:
    """Imports between packages of `edgeiqa` without those that follow from others."""
    graph = {
        package: {name for _, name in imported if _is_drawn(name)}
        for (_, package), imported in packages_of(graph_of(modules_in(ROOT, "edgeiqa"))).items()
        if _is_drawn(package)
    }

    def below(package: str) -> set[str]:
        return set().union(graph[package], *(below(one) for one in graph[package]))

    return {
        package: imported - set().union(*(below(one) for one in imported))
        for package, imported in graph.items()
    }


def _is_drawn(package: str) -> bool:
    return bool(package) and not package.startswith("_")


def layers_svg() -> str:
    """The packages by layer, the imports between them as arrows."""
    place = {}
    layers = [list(filter(_is_drawn, layer)) for layer in LAYERS["edgeiqa"]]
    for row, names in enumerate(layers):
        for column, name in enumerate(names):
            x = _WIDTH * (2 * column + 1) / (2 * len(names))
            place[name] = (x, 30 + row * _ROW)
    wide, high = _BOX
    parts = []
    for name, imported in sorted(drawn_imports().items()):
        for other in sorted(imported):
            (x, y), (to_x, to_y) = place[name], place[other]
            if y == to_y:  # Neighbours in one layer.
                side = wide / 2 if x < to_x else -wide / 2
                parts.append(
                    f'<path class="line" d="M{x + side:g} {y:g} {to_x - side:g} {to_y:g}"/>'
                )
                continue
            top, bottom = y + high / 2, to_y - high / 2
            bend = (bottom - top) / 2
            parts.append(
                f'<path class="line" d="M{x:g} {top:g}C{x:g} {top + bend:g} '
                f'{to_x:g} {bottom - bend:g} {to_x:g} {bottom:g}"/>'
            )
    for name, (x, y) in place.items():
        parts.append(
            f'<rect class="box" x="{x - wide / 2:g}" y="{y - high / 2:g}" width="{wide}" '
            f'height="{high}" rx="5"/><text x="{x:g}" y="{y + 5:g}" text-anchor="middle">'
            f"{escape(name)}</text>"
        )
    return _svg(_WIDTH, len(layers) * _ROW, parts)


def recorded_calls() -> list[Call]:
    """The first call from each package into each other one while one picture is scored live.

    It is the second of two pictures, so that what happens once is not among the calls. Frames and
    contracts are asked for their properties by all; of these calls only those of `sources` and
    `scorer` are kept.
    """
    from edgeiqa.assets import sample_paths
    from edgeiqa.cli.main import main as edgeiqa

    folder = f"{ROOT / 'edgeiqa'}/"
    calls: list[Call] = []
    pictures = 0

    def record(frame: FrameType, event: str, _: object) -> None:
        nonlocal pictures
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(folder):
            return
        caller = _caller(frame, folder)
        callee = _package(code.co_filename, folder)
        next_picture = callee == "sources" and code.co_name == "frames"
        pictures += next_picture
        if code.co_flags & inspect.CO_GENERATOR and not next_picture:
            return  # It is being resumed, not called.
        known = {(call.caller, call.callee) for call in calls}
        if pictures != 2 or caller in (None, callee) or (caller, callee) in known:
            return
        if callee == THROUGH:
            return
        if callee in ("imaging", "inference") and caller not in ("sources", "scorer"):
            return
        name = getattr(code, "co_qualname", code.co_name)
        calls.append(Call(str(caller), callee, f"{_module(code.co_filename, folder)}.{name}"))

    with tempfile.TemporaryDirectory() as work, _silent():
        for picture in sample_paths()[:2]:
            (Path(work) / picture.name).write_bytes(picture.read_bytes())
        sys.setprofile(record)
        try:
            edgeiqa(["live", work, "--format", "jsonl"])
        finally:
            sys.setprofile(None)
    return calls


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _module(file: str, folder: str) -> str:
    return file.removeprefix(folder).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _package(file: str, folder: str) -> str:
    return _module(file, folder).partition(".")[0]


def _caller(frame: FrameType, folder: str) -> str | None:
    outer = frame.f_back
    while outer is not None:
        file = outer.f_code.co_filename
        if file.startswith(folder) and _package(file, folder) != THROUGH:
            return _package(file, folder)
        outer = outer.f_back
    return None


def frame_svg(calls: Sequence[Call]) -> str:
    """The calls as a sequence: a column for each package, a row for each call."""
    used = {name for call in calls for name in (call.caller, call.callee)}
    names = [name for layer in LAYERS["edgeiqa"] for name in layer if name in used]
    step, row, head = 112, 36, 44
    column = {name: 66 + index * step for index, name in enumerate(names)}
    width, height = 66 * 2 + (len(names) - 1) * step, head + (len(calls) + 1) * row
    wide, high = _BOX[0] - 8, 28
    parts = []
    for name, x in column.items():
        parts.append(f'<path class="life" d="M{x} {head - 8}V{height - 12}"/>')
        parts.append(
            f'<rect class="box" x="{x - wide / 2:g}" y="6" width="{wide}" height="{high}" rx="5"/>'
            f'<text x="{x}" y="25" text-anchor="middle">{escape(name)}</text>'
        )
    for number, call in enumerate(calls, start=1):
        y = head + number * row - 8
        start, end = column[call.caller], column[call.callee]
        anchor, at = ("start", start + 6) if start < width / 2 else ("end", start - 6)
        parts.append(f'<path class="line" d="M{start} {y}H{end}"/>')
        parts.append(
            f'<text class="call" x="{at}" y="{y - 5}" text-anchor="{anchor}">'
            f"{number} {escape(call.function)}</text>"
        )
    return _svg(width, height, parts)


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n{_STYLE}\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def drawings() -> Iterator[tuple[Path, str]]:
    """Each file with what it should hold."""
    yield LAYERS_SVG, layers_svg()
    yield FRAME_SVG, frame_svg(recorded_calls())


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes or checks the drawings; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether they are up to date")
    args = parser.parse_args(arguments)
    stale = [
        (file, text)
        for file, text in drawings()
        if not file.is_file() or file.read_text(encoding="utf-8") != text
    ]
    for file, text in stale:
        name = file.relative_to(ROOT)
        if args.check:
            print(f"{name} is out of date; run: python scripts/docs/architecture.py")
        else:
            file.write_text(text, encoding="utf-8")
            print(f"{name}: drawn")
    return int(args.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
