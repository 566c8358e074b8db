"""Ratings in sidecars: ours appear, everybody else's stays byte by byte."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.burst.xmp import (
    OURS,
    XMP,
    XmpError,
    embedded_rating,
    properties,
    rate,
    sidecar_of,
    with_properties,
)

LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:CreatorTool="a > b"
   crs:Exposure2012="+0.35"{extra}>
   <dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/">
    <rdf:Bag><rdf:li>Käse</rdf:li></rdf:Bag>
   </dc:subject>{inner}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def lightroom(extra: str = "", inner: str = "") -> str:
    return LIGHTROOM.replace("{extra}", extra).replace("{inner}", inner)


def test_a_new_sidecar_says_keep_or_leave(tmp_path: Path) -> None:
    for keep, rating, label in ((True, "5", "Select"), (False, "1", "")):
        path = tmp_path / f"{keep}.jpg.xmp"
        assert rate(str(path), keep, 71.238) is None
        found = properties(path.read_text(encoding="utf-8"))
        assert found[XMP, "Rating"] == rating
        assert found.get((XMP, "Label"), "") == label
        assert found[OURS, "pick"] == ("keep" if keep else "leave")
        assert found[OURS, "score"] == "71.24"
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{adobe:ns:meta/}xmpmeta"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["False.jpg.xmp", "True.jpg.xmp"]


def test_only_our_properties_change_in_an_existing_one(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_text(lightroom(), encoding="utf-8")
    assert rate(str(path), True, 50) is None
    text = path.read_text(encoding="utf-8")
    found = properties(text)
    assert found[XMP, "Rating"] == "5"
    assert found["http://ns.adobe.com/camera-raw-settings/1.0/", "Exposure2012"] == "+0.35"
    assert "Käse" in text
    # Taking ours out again gives the very same bytes, but for the one declaration.
    gone = with_properties(
        text,
        {
            **{(XMP, "Rating"): "", (XMP, "Label"): ""},
            **{(OURS, name): "" for name in ("pick", "score", "label")},
        },
    )
    assert gone.replace(f' xmlns:edgeiqa="{OURS}"', "") == lightroom()


@pytest.mark.parametrize(
    ("extra", "inner"),
    [
        ('\n   xmp:Rating="3"', ""),
        ("\n   xmp:Rating='3'", ""),
        ("", "\n   <xmp:Rating>3</xmp:Rating>"),
        ("", "\n   <xmp:Rating> 3\n </xmp:Rating>"),
    ],
)
def test_a_persons_rating_stays(tmp_path: Path, extra: str, inner: str) -> None:
    path = tmp_path / "a.xmp"
    path.write_text(lightroom(extra, inner), encoding="utf-8")
    for _ in range(2):  # Also the second time, when our own mark is there.
        remark = rate(str(path), False, 50)
        assert remark is not None
        found = properties(path.read_text(encoding="utf-8"))
        assert found[XMP, "Rating"].strip() == "3"
        assert found[OURS, "pick"] == "leave"


@pytest.mark.parametrize(
    ("extra", "inner"),
    [
        ('\n   xmp:Rating="0"', ""),
        ("", "\n   <xmp:Rating>0</xmp:Rating>"),
        ("", "\n   <xmp:Rating/>"),
        ("", '\n   <x2:Rating xmlns:x2="http://ns.adobe.com/xap/1.0/">0</x2:Rating>'),
    ],
)
def test_no_rating_yet_becomes_ours_in_every_form(tmp_path: Path, extra: str, inner: str) -> None:
    path = tmp_path / "a.xmp"
    path.write_text(lightroom(extra, inner), encoding="utf-8")
    for keep, rating in ((True, "5"), (False, "1"), (True, "5")):
        assert rate(str(path), keep, 50) is None
        text = path.read_text(encoding="utf-8")
        assert properties(text)[XMP, "Rating"] == rating
        assert text.count("Rating") == (1 if extra else 2)


def test_a_rating_changed_after_ours_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    rate(str(path), True, 50)
    path.write_text(path.read_text().replace('Rating="5"', 'Rating="2"'))
    assert "was rated 2 since" in str(rate(str(path), False, 40))
    found = properties(path.read_text())
    assert (found[XMP, "Rating"], found[OURS, "score"]) == ("2", "40.00")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "well-formed"),
        (b"not xml", "well-formed"),
        (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>", "well-formed"),
        (b"<html><body/></html>", "not XMP"),
        ("<a>\u00e4</a>".encode("latin-1"), "UTF-8"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
        (
            lightroom(inner="<xmp:Rating><rdf:Bag/></xmp:Rating>").encode(),
            "Rating is not a simple value",
        ),
    ],
)
def test_what_is_not_understood_is_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(content)
    with pytest.raises(XmpError, match=message):
        rate(str(path), True, 50)
    assert path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_a_label_of_somebody_else_stays_even_if_it_is_the_one_we_use(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    for label in ("Select", "Red"):
        path.write_text(lightroom(f'\n   xmp:Label="{label}"'), encoding="utf-8")
        for keep in (False, True, False):
            rate(str(path), keep, 50)
            assert properties(path.read_text(encoding="utf-8"))[XMP, "Label"] == label


def test_our_own_label_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    for keep, label in ((True, "Select"), (False, ""), (True, "Select")):
        rate(str(path), keep, 50)
        assert properties(path.read_text(encoding="utf-8")).get((XMP, "Label"), "") == label


@pytest.mark.parametrize("how", ["xmp", "exif"])
@pytest.mark.parametrize("stars", ["3", "-1", "0", ""])
def test_a_rating_inside_the_photograph_is_found(how: str, stars: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    options: dict = {"exif": exif}
    if stars and how == "xmp":
        options["xmp"] = lightroom(f'\n   xmp:Rating="{stars}"').encode()
    elif stars and stars != "-1":
        exif[0x4746] = int(stars)
    Image.new("RGB", (8, 8)).save(path, **options)
    expected = None if stars in ("", "0") or (how, stars) == ("exif", "-1") else stars
    assert embedded_rating(str(path)) == expected
    path.write_bytes(path.read_bytes()[:40])
    assert embedded_rating(str(path)) is None


def test_rating_again_leaves_the_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    rate(str(path), True, 50)
    before = path.stat().st_mtime_ns, path.stat().st_ino
    rate(str(path), True, 50)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20))
def test_any_value_survives(value: str) -> None:
    text = with_properties(lightroom(), {(XMP, "Label"): value})
    assert properties(text).get((XMP, "Label"), "") == value
    other = with_properties(lightroom(inner="<xmp:Label>x</xmp:Label>"), {(XMP, "Label"): value})
    assert properties(other).get((XMP, "Label"), "") == value


def test_the_sidecar_that_is_there_is_taken(tmp_path: Path) -> None:
    photo = tmp_path / "IMG_1.JPG"
    assert sidecar_of(str(photo)) == f"{photo}.xmp"
    (tmp_path / "IMG_1.xmp").touch()
    assert sidecar_of(str(photo)) == str(tmp_path / "IMG_1.xmp")
    (tmp_path / "IMG_1.JPG.xmp").touch()
    assert sidecar_of(str(photo)) == f"{photo}.xmp"
