"""Writes a rating into an XMP sidecar, the file beside a photograph that photo programs read.

A sidecar that is there already belongs to somebody else: only the properties named here are set
in it, and everything else stays as it is, byte by byte. What cannot be understood is refused.

XMP: ISO 16684-1. `xmp:Rating` and `xmp:Label` are what Bridge, Lightroom, darktable and digiKam
show as stars and label.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import write_atomically

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
OURS = "urn:edgeiqa:pick:1.0:"

_PREFIXES = {XMP: "xmp", OURS: "edgeiqa"}
_DESCRIPTION = (RDF, "Description")
_MOST_BYTES = 16 << 20

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


class XmpError(EdgeIQAError, ValueError):
    """A sidecar that is left as it is, and why; one line for people."""


def sidecar_of(photo: str) -> str:
    """Where the sidecar of a photograph is, or should be.

    Args:
        photo: Path, such as "a/IMG_1.JPG".

    Returns:
        The one that is there: "a/IMG_1.JPG.xmp" or "a/IMG_1.xmp", in any case of the suffix;
        else "a/IMG_1.JPG.xmp", which cannot be taken for that of "a/IMG_1.CR3".
    """
    stem = os.path.splitext(photo)[0]
    for candidate in (f"{photo}.xmp", f"{photo}.XMP", f"{stem}.xmp", f"{stem}.XMP"):
        if os.path.lexists(candidate):
            return candidate
    return f"{photo}.xmp"


def rate(path: str, keep: bool, score: float) -> str | None:
    """Writes a verdict of `edgeiqa pick` into a sidecar.

    `xmp:Rating` becomes 5 for a photograph to keep, 1 for another; `xmp:Label` becomes "Select"
    or vanishes. Both only where no other hand has rated: our own property `edgeiqa:pick` tells
    what we wrote before. `edgeiqa:pick` ("keep" or "leave") and `edgeiqa:score` are always set.

    Args:
        path: The sidecar; it appears, or changes, whole or not at all.
        keep: Whether the photograph is to be kept.
        score: 0-100.

    Returns:
        A remark for people, or None.

    Raises:
        XmpError: A sidecar that is no XMP, too large, or has its properties in a form that
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
        remark = f"has a rating of its own ({found[XMP, 'Rating'].strip()}), which stays"
    elif _ours(found) not in (found.get((XMP, "Rating")), None):
        remark = f"was rated {found.get((XMP, 'Rating'), 'nothing')} since, which stays"
    else:
        wanted[XMP, "Rating"] = "5" if keep else "1"
        label = found.get((XMP, "Label"), "")
        if label in ("", "Select"):
            wanted[XMP, "Label"] = "Select" if keep else ""
    changed = with_properties(text, wanted)
    if changed != text or not os.path.exists(path):
        write_atomically(path, changed.encode(), durable=True)
    return remark


def _ours(found: Mapping[Name, str]) -> str | None:
    """The rating that an earlier run gave."""
    return {"keep": "5", "leave": "1"}.get(found.get((OURS, "pick"), ""))


@dataclass
class _Place:
    """Where a property stands in the bytes: an element from start to end, or an attribute."""

    value: str
    start: int
    end: int
    attribute: str | None = None


class _Reader:
    """Finds simple properties of the topmost resource, and where they stand."""

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
            raise XmpError(f"no well-formed XML ({error})") from error

    def _entity(self, *_: object) -> None:
        raise XmpError("declares entities, which XMP has no need of")

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._pending[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        pair = _split(name)
        scope = {**self._scopes[-1], **self._pending}
        declared = set(self._pending)
        self._pending = {}
        self._scopes.append(scope)
        if self._open is not None:  # An element within a property: a structure.
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
                raise XmpError(f"{name[1]} is no simple value")


def properties(text: str) -> dict[Name, str]:
    """Reads the simple properties of a sidecar.

    Args:
        text: The sidecar.

    Returns:
        (namespace, name) to value.

    Raises:
        XmpError: It is no XMP.
    """
    reader = _Reader(text.encode())
    if reader.description is None:
        raise XmpError("no XMP: there is no rdf:Description in an rdf:RDF")
    return {name: place.value for name, place in reader.places.items()}


def with_properties(text: str, wanted: Mapping[Name, str]) -> str:
    """Sets simple properties and leaves all else as it is.

    Args:
        text: The sidecar.
        wanted: (namespace, name) to value; an empty value takes the property out. Namespaces
            are `XMP` and `OURS`.

    Returns:
        The new text.

    Raises:
        XmpError: It is no XMP, or one of the properties is no simple value in it.
    """
    for name, value in wanted.items():
        reader = _Reader(text.encode())
        if reader.description is None:
            raise XmpError("no XMP: there is no rdf:Description in an rdf:RDF")
        reader.check(wanted)
        text = _set(reader, name, value).decode()
    now = properties(text)
    for name, value in wanted.items():  # Rather leave a sidecar alone than spoil it.
        if now.get(name, "") != value:
            raise XmpError(f"{name[1]} stands in it in a form that cannot be edited")
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
            raise XmpError(f"{name[1]} stands in it in a form that cannot be edited")
        return data[: place.start] + tag.encode() + data[place.end :]
    if place is not None:
        whole = data[place.start : place.end].decode()
        opening = re.match(r"<([^\s/>]+)", whole)
        if opening is None:
            raise XmpError(f"{name[1]} stands in it in a form that cannot be edited")
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
    """Where the tag that begins at `start` ends; a > within quotes does not end it."""
    match = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""").match(data, start)
    if match is None:
        raise XmpError("a tag has no end")
    return match.end()


def _read(path: str) -> str:
    if not os.path.lexists(path):
        return _EMPTY
    with open(path, "rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise XmpError(f"more than {_MOST_BYTES >> 20} MiB, too large for a sidecar")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise XmpError("not in UTF-8") from error
