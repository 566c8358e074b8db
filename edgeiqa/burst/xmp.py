"""Writes ratings to XMP sidecars, the files beside photographs that photo programs read.

An existing sidecar belongs to somebody else: only the properties named here are set, and everything
else stays as it is, byte by byte. What cannot be parsed is refused.

XMP: ISO 16684-1. Bridge, Lightroom, darktable and digiKam show `xmp:Rating` and `xmp:Label` as
stars and label.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import write_atomically
from edgeiqa.files.plain import open_plain
from edgeiqa.imaging.decode import open_picture
from edgeiqa.imaging.openers import identify

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
OURS = "urn:edgeiqa:pick:1.0:"

_PREFIXES = {XMP: "xmp", OURS: "edgeiqa"}
_DESCRIPTION = (RDF, "Description")
_MAX_BYTES = 16 << 20

_EMPTY = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""

Name = tuple[str, str]
"""(namespace, local name) of a property."""

_LABEL = "Select"
_EXIF_RATING = 0x4746


class XmpError(EdgeIQAError, ValueError):
    """Why a sidecar was left as it is; one line for people."""


def sidecar_of(photo: str) -> str:
    """The path of a photograph's sidecar.

    Args:
        photo: Path, such as "a/IMG_1.JPG".

    Returns:
        The existing one, "a/IMG_1.JPG.xmp" or "a/IMG_1.xmp", in either case of the suffix; else
        "a/IMG_1.JPG.xmp", which cannot be mistaken for that of "a/IMG_1.CR3".
    """
    stem = os.path.splitext(photo)[0]
    for candidate in (f"{photo}.xmp", f"{photo}.XMP", f"{stem}.xmp", f"{stem}.XMP"):
        if os.path.lexists(candidate):
            return candidate
    return f"{photo}.xmp"


def rate(path: str, keep: bool, score: float) -> str | None:
    """Writes a verdict of `edgeiqa pick` to a sidecar, atomically.

    `xmp:Rating` becomes 5 for a photograph to keep, 1 for any other, and `xmp:Label` "Select" or
    nothing; but never over a rating or label of somebody else. `edgeiqa:pick` ("keep" or "leave")
    and `edgeiqa:label` record what we wrote, `edgeiqa:score` the score.

    Args:
        path: The sidecar.
        keep: Whether to keep the photograph.
        score: 0-100.

    Returns:
        A remark for people, or None.

    Raises:
        XmpError: A sidecar that is not XMP, is too large, or has its properties in a form that
            cannot be edited safely.
        OSError: It cannot be read or written.
    """
    text = _read(path)
    found = properties(text)
    wanted: dict[Name, str] = {
        (OURS, "pick"): "keep" if keep else "leave",
        (OURS, "score"): f"{score:.2f}",
    }
    remark = None
    other = found.get((XMP, "Rating"), "0").strip() not in ("", "0")
    if other and (OURS, "pick") not in found:
        remark = f"has a rating of its own ({found[XMP, 'Rating'].strip()}), unchanged"
    elif _ours(found) not in (found.get((XMP, "Rating")), None):
        remark = f"was rated {found.get((XMP, 'Rating'), 'nothing')} since, unchanged"
    else:
        wanted[XMP, "Rating"] = "5" if keep else "1"
        label = found.get((XMP, "Label"), "")
        if label in ("", found.get((OURS, "label"))):
            wanted[XMP, "Label"] = wanted[OURS, "label"] = _LABEL if keep else ""
    changed = with_properties(text, wanted)
    if changed != text or not os.path.exists(path):
        write_atomically(path, changed.encode(), durable=True)
    return remark


def embedded_rating(photo: str) -> str | None:
    """The stars in a photograph itself, as written by Lightroom and cameras; None for none."""
    stars, packet = "0", ""
    with contextlib.suppress(Exception), open_picture(photo) as stream:  # Damaged metadata.
        image = identify(stream, photo)
        if image is not None:
            found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or ""
            packet = found if isinstance(found, str) else bytes(found).decode("utf-8", "replace")
            stars = str(image.getexif().get(_EXIF_RATING, "0")).strip()
    with contextlib.suppress(XmpError):
        stars = properties(packet.strip("\0")).get((XMP, "Rating"), stars).strip()
    return None if stars in ("", "0") else stars


def _ours(found: Mapping[Name, str]) -> str | None:
    """The rating given by an earlier run."""
    return {"keep": "5", "leave": "1"}.get(found.get((OURS, "pick"), ""))


@dataclass
class _Place:
    """The position of a property: an element from start to end, or an attribute."""

    value: str
    start: int
    end: int
    attribute: str | None = None


class _Reader:
    """Finds simple properties of the topmost resource and their positions."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.places: dict[Name, _Place] = {}
        self.description: tuple[int, int] | None = None
        self.bound: dict[str, str] = {}
        self.declared: set[str] = set()
        self._path: list[Name] = []
        self._scopes: list[dict[str, str]] = [{}]
        self._pending: dict[str, str] = {}
        self._open: tuple[Name, int, list[str]] | None = None
        self._structured: set[Name] = set()
        parser = expat.ParserCreate(namespace_separator="\n")
        parser.namespace_prefixes = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartNamespaceDeclHandler = self._declare
        parser.EntityDeclHandler = self._entity
        self._parser = parser
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise XmpError(f"not well-formed XML ({error})") from error

    def _entity(self, *_: object) -> None:
        raise XmpError("declares entities, which XMP does not need")

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._pending[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        pair = _split(name)
        scope = {**self._scopes[-1], **self._pending}
        declared = set(self._pending)
        self._pending = {}
        self._scopes.append(scope)
        if self._open is not None:  # An element inside a property: a structure.
            self._structured.add(self._open[0])
        top = self._path[-1:] == [(RDF, "RDF")] and pair == _DESCRIPTION
        if top:
            end = _tag_end(self.data, start)
            if self.description is None:
                self.description, self.bound, self.declared = (start, end), scope, declared
            for key, value in attributes.items():
                prefixed = _prefixed(_split(key), scope)
                if prefixed is not None:
                    self.places[_split(key)] = _Place(value, start, end, prefixed)
        elif self._path[-2:] == [(RDF, "RDF"), _DESCRIPTION]:
            self._open = (pair, start, [])
        self._path.append(pair)

    def _text(self, text: str) -> None:
        if self._open is not None:
            self._open[2].append(text)

    def _end(self, name: str) -> None:
        self._path.pop()
        self._scopes.pop()
        pair = _split(name)
        at_property = self._path[-2:] == [(RDF, "RDF"), _DESCRIPTION]
        if at_property and self._open is not None and self._open[0] == pair:
            end = _tag_end(self.data, self._open[1])
            if self.data[end - 2 : end] != b"/>":
                end = _tag_end(self.data, self._parser.CurrentByteIndex)
            self.places[pair] = _Place("".join(self._open[2]), self._open[1], end)
            self._open = None

    def check(self, names: Mapping[Name, str]) -> None:
        """Refuses to edit properties that are structures."""
        for name in names:
            if name in self._structured:
                raise XmpError(f"{name[1]} is not a simple value")


def properties(text: str) -> dict[Name, str]:
    """Reads the simple properties of a sidecar, by (namespace, name); XmpError if it is not XMP."""
    reader = _Reader(text.encode())
    if reader.description is None:
        raise XmpError("not XMP: no rdf:Description in an rdf:RDF")
    return {name: place.value for name, place in reader.places.items()}


def with_properties(text: str, wanted: Mapping[Name, str]) -> str:
    """Sets simple properties and leaves everything else unchanged.

    Args:
        text: The sidecar.
        wanted: Values by (namespace, name), the namespace `XMP` or `OURS`; an empty value removes
            the property.

    Returns:
        The new text.

    Raises:
        XmpError: It is not XMP, or one of the properties is not a simple value in it.
    """
    for name, value in wanted.items():
        reader = _Reader(text.encode())
        if reader.description is None:
            raise XmpError("not XMP: no rdf:Description in an rdf:RDF")
        reader.check(wanted)
        text = _set(reader, name, value).decode()
    now = properties(text)
    for name, value in wanted.items():  # Rather leave a sidecar alone than damage it.
        if now.get(name, "") != value:
            raise XmpError(f"{name[1]} has a form that cannot be edited")
    return text


def _set(reader: _Reader, name: Name, value: str) -> bytes:
    data, place = reader.data, reader.places.get(name)
    if place is not None and place.value == value:
        return data
    if place is not None and place.attribute is not None:
        tag = data[place.start : place.end].decode()
        pattern = re.compile(rf"""\s+{re.escape(place.attribute)}\s*=\s*("[^"]*"|'[^']*')""")
        new = f" {place.attribute}={quoteattr(value)}" if value else ""
        tag, count = pattern.subn(lambda _: new, tag)
        if count != 1:
            raise XmpError(f"{name[1]} has a form that cannot be edited")
        return data[: place.start] + tag.encode() + data[place.end :]
    if place is not None:
        whole = data[place.start : place.end].decode()
        opening = re.match(r"<([^\s/>]+)", whole)
        if opening is None:
            raise XmpError(f"{name[1]} has a form that cannot be edited")
        tag = opening[1]
        declared = " ".join(re.findall(r"""xmlns(?::\w+)?\s*=\s*(?:"[^"]*"|'[^']*')""", whole))
        space = f" {declared}" if declared else ""
        new = f"<{tag}{space}>{escape(value)}</{tag}>" if value else ""
        return data[: place.start] + new.encode() + data[place.end :]
    if not value or reader.description is None:
        return data
    start = reader.description[0]
    prefix = next((p for p, uri in reader.bound.items() if uri == name[0] and p), None)
    declaration = ""
    if prefix is None:
        prefix = _PREFIXES[name[0]]
        while prefix in reader.bound:
            prefix += "_"
        declaration = f' xmlns:{prefix}="{name[0]}"'
    head = re.match(rb"<[^\s/>]+", data[start:])
    assert head is not None  # expat found an element here.
    at = start + head.end()
    added = f"{declaration} {prefix}:{name[1]}={quoteattr(value)}"
    return data[:at] + added.encode() + data[at:]


def _split(name: str) -> Name:
    uri, _, local = name.rpartition("\n")
    return uri, local


def _prefixed(name: Name, scope: Mapping[str, str]) -> str | None:
    return next((f"{p}:{name[1]}" for p, uri in scope.items() if uri == name[0] and p), None)


def _tag_end(data: bytes, start: int) -> int:
    """Where the tag that starts at `start` ends; a > in quotes does not end it."""
    match = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""").match(data, start)
    if match is None:
        raise XmpError("a tag does not end")
    return match.end()


def _read(path: str) -> str:
    if not os.path.lexists(path):
        return _EMPTY
    with open_plain(path) as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise XmpError(f"more than {_MAX_BYTES >> 20} MiB, too large for a sidecar")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise XmpError("not UTF-8") from error
