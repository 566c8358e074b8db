"""XMP sidecars that somebody else wrote."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgeiqa.burst import xmp
from tests.fuzz.target import Target, has_text, scratch

_RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
_OTHERS = (
    f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {_RDF}>
 <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating = '3'
  xmp:Label="a&gt;b" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt>
  <rdf:li xml:lang="x-default">ä</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>
</x:xmpmeta>""",
    f"""<?xml version="1.0"?><!-- > --><r:RDF {_RDF.replace("rdf=", "r=")}>
 <r:Description xmlns="http://ns.adobe.com/xap/1.0/" xmlns:p="urn:edgeiqa:pick:1.0:">
 <Rating>5</Rating><Label><![CDATA[Select]]></Label><p:pick>keep</p:pick><p:score/>
 </r:Description></r:RDF>""",
)


class Sidecars(Target):
    """`rate` and what it stands on."""

    name = "xmp"
    about = "XMP sidecars, damaged, through `xmp.rate`: rated, or refused and left unchanged"
    doublings = 1
    tokens = (
        *(
            b"<![CDATA[",
            b"]]>",
            b"<!--",
            b"-->",
            b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
            b"&a;",
            b"&#0;",
        ),
        *(
            b"xmlns:xmp=",
            b'"',
            b"'",
            b">",
            b"/>",
            b"<rdf:Description",
            b"xmp:Rating='4'",
            b"<?x ?>",
        ),
        *(
            b"<xmp:Rating>",
            b"</xmp:Rating>",
            b"rdf:parseType='Resource'",
            b"\xef\xbb\xbf",
            b"\0",
            b"\xff",
        ),
        *(b"xmlns:a='http://ns.adobe.com/xap/1.0/'", b" a:Rating='2'", b"<a:Rating>2</a:Rating>"),
    )

    def seeds(self) -> Sequence[bytes]:
        """Sidecars of several programs."""
        empty = xmp._EMPTY
        rated = xmp.with_properties(
            empty,
            {(xmp.XMP, "Rating"): "5", (xmp.OURS, "pick"): "keep", (xmp.XMP, "Label"): "Select"},
        )
        return [text.encode() for text in (empty, rated, *_OTHERS)]

    def open(self) -> None:
        """Makes a folder for the sidecar."""
        self._folder = scratch()
        self._file = Path(self._folder.name) / "a.jpg.xmp"

    def close(self) -> None:
        """Takes it away."""
        self._folder.cleanup()

    def run(self, data: bytes) -> str:
        """Rates a photograph in it."""
        self._file.write_bytes(data)
        keep = len(data) % 2 == 0
        try:
            remark = xmp.rate(os.fspath(self._file), keep, 12.3456)
        except xmp.XmpError as error:
            has_text(error)
            assert self._file.read_bytes() == data, "refused, and yet changed"
            return "XmpError"
        found = xmp.properties(self._file.read_text(encoding="utf-8"))
        assert found[xmp.OURS, "pick"] == ("keep" if keep else "leave")
        assert found[xmp.OURS, "score"] == "12.35"
        assert os.listdir(self._folder.name) == [self._file.name]
        if remark is None:
            assert found[xmp.XMP, "Rating"] == ("5" if keep else "1")
            again = xmp.rate(os.fspath(self._file), keep, 12.3456)
            assert again is None, again
        return "rated" if remark is None else "left"
