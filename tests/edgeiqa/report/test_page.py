"""The page as text: complete, compact, and safe whatever names there are."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeiqa.gating.gate import Reason
from edgeiqa.report import page as page_module
from edgeiqa.report.items import Photo
from edgeiqa.report.page import GENERATOR, Report, render
from edgeiqa.report.payload import CHUNK, file_url, folder_url, script_safe_json
from edgeiqa.report.thumbnails import Look
from edgeiqa.results.reader import Result
from tests.edgeiqa.report.pages import accepted, data_of, photos, rejected, result

WEB = Path(str(resources.files("edgeiqa.report").joinpath("web")))
HOSTILE = (
    "<img src=x onerror=alert(1)>.jpg",
    "'\"><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "line\nbreak",
    "rtl\u202egpj.exe",
    "\u2028\u2029",
    "caf\udce9.jpg",
    "half\ud800",
    "javascript:alert(1)",
    "{{SCRIPT}}{{DATA}}",
    "&lt;b&gt;&amp;",
    "../../../etc/passwd",
    "100%25 #?.jpg",
)


class Elements(HTMLParser):
    """Names and attributes of all elements, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else ""
        if self._inside:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data


def written(*results: Result, **options: Any) -> str:
    found = photos(*results)
    text = "".join(render(Report("Title", found, **options)))
    text.encode("utf-8")  # No lone surrogate is left.
    return text


def test_the_policy_allows_what_is_in_the_page_and_nothing_else() -> None:
    text = written(accepted("a.jpg", 80))
    elements = Elements(text)
    metas = [a for tag, a in elements.found if tag == "meta" and a.get("http-equiv")]
    policy = str(metas[0]["content"])
    assert metas[0]["http-equiv"] == "Content-Security-Policy"
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy
    scripts = [a for tag, a in elements.found if tag == "script"]
    code = [raw for raw, a in zip(elements.raw["script"], scripts, strict=True) if "type" not in a]
    assert len(code) == 2
    for name, sources in (("script-src", code), ("style-src", elements.raw["style"])):
        hashes = {
            f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'"
            for s in sources
        }
        assert set(directives[name].split()) == hashes
    # The policy comes before all that it is about.
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_nothing_comes_from_elsewhere() -> None:
    elements = Elements(written(accepted("a.jpg", 80), rejected("b.jpg", 20)))
    for tag, attributes in elements.found:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#", "file:///", "./")), (tag, value)
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
    code = "".join(elements.raw["script"] + elements.raw["style"])
    assert "http://" not in code.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in code
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|\beval\b|new Function", code)


def test_scripts_are_all_used_and_short() -> None:
    names = {file.stem for file in WEB.glob("*.js")}
    assert names == {*page_module._SCRIPTS, "early"}
    for file in WEB.iterdir():
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 400, file.name
        assert "</script" not in file.read_text(encoding="utf-8") or file.name == "page.html"


def test_every_place_of_the_page_is_filled() -> None:
    assert not re.search(r"\{\{[A-Z_]+\}\}", written(accepted("a.jpg", 80)))


def shape(text: str) -> list[tuple[str, list[str]]]:
    """Elements and the names of their attributes, which strangers' texts must not change."""
    return [(tag, sorted(attributes)) for tag, attributes in Elements(text).found]


def of_name(name: str) -> str:
    return written(
        Result(f"a/{name}", 20.0, 5.0, {name: 0.75}, False, (Reason(name, 0.75, 0.5),)),
        Result(f"{name}/b.jpg", error=name),
        accepted("a/c.jpg", 80),
        notes=[name],
        meta=[name],
        groups=[[0, 2]],
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_strangers_texts_are_never_markup(name: str) -> None:
    # A name without a slash, as that makes folders.
    plain = name.replace("/", "_")
    assert shape(of_name(plain)) == shape(of_name("plain"))
    assert shape(of_name(name))[:12] == shape(of_name("plain"))[:12]
    assert data_of(of_name(plain))["names"][0].isprintable()


@given(
    st.text(st.characters(codec=None), min_size=1, max_size=12).map(lambda s: s.replace("/", "_"))
)
@settings(max_examples=60)
def test_no_text_at_all_is_markup(name: str) -> None:
    # Lone dots and dashes mean something as paths.
    assert shape(of_name("x" + name)) == shape(of_name("plain"))


@given(st.text(st.characters(codec="utf-8")))
def test_json_cannot_end_its_element(text: str) -> None:
    safe = script_safe_json({"text": text})
    assert "<" not in safe
    assert data_of(f'<script type="application/json" id="data">{safe}</script>') == {"text": text}


def test_columns_say_what_the_results_say() -> None:
    text = written(
        accepted("top/a/1.jpg", 81.25),
        rejected("top/b/2.jpg", 20.5, "dark", 0.74),
        result("top/b/3.jpg", None, error="empty, 0 bytes"),
        groups=[[0, 1]],
        looks={
            0: Look(b"first", 300, 200, 1234, np.zeros(256), 3.0),
            1: Look(size=99, error="no such file"),
        },
    )
    data = data_of(text)
    assert data["names"] == ["1.jpg", "2.jpg", "3.jpg"]
    assert [data["folders"][i]["path"] for i in data["folder"]] == ["top/a/", "top/b/", "top/b/"]
    assert [folder["label"] for folder in data["folders"]] == ["a", "b"]
    assert data["folders"][1]["stats"] == [2, 1, 1, 1, 20.5]
    assert data["outcome"] == [2, 1, 0]
    assert data["score"] == [81.25, 20.5, None]
    assert data["std"] == [3.5, 4.5, None]
    dark = data["causes"].index("dark")
    assert data["severity"][dark] == [10, 740, None]
    assert data["wrong"] == [0, 1 << data["faults"].index("dark"), 0]
    assert data["sentences"] == {"1": ["too dark: add light or expose longer (0.74, at most 0.50)"]}
    assert data["errors"] == {"1": "no such file", "2": "empty, 0 bytes"}
    assert (data["bytes"], data["width"]) == ([1234, 99, None], [300, None, None])
    assert (data["thumb"], data["groups"]) == ([0, -1, -1], [[0, 1]])
    # Without the script, too.
    for words in ("81.2", "20.5", "empty, 0 bytes", "dark", "median score"):
        assert words in text.split('id="data"')[0]


def test_thumbnails_come_the_worst_first_in_chunks() -> None:
    count = CHUNK + 5
    results = [accepted(f"{i}.jpg", 90 - i / 4) for i in range(count)]
    looks = {i: Look(thumbnail=b"%d" % i) for i in range(count)}
    text = written(*results, looks=looks)
    chunks = re.findall(r'class="thumbs">([^<]*)</script>', text)
    assert [len(chunk.split("\n")) for chunk in chunks] == [CHUNK, 5]
    lines = [base64.b64decode(line) for chunk in chunks for line in chunk.split("\n")]
    assert lines == [b"%d" % i for i in reversed(range(count))]
    assert data_of(text)["thumb"] == list(reversed(range(count)))


def test_no_results_make_a_page_that_says_so() -> None:
    text = written(notes=["This file contains no results."])
    assert "This file contains no results." in text
    assert data_of(text)["names"] == []
    assert GENERATOR in text


@pytest.mark.parametrize(
    ("folder", "beside", "wanted"),
    [
        ("/p/photos", "/p", "./photos/"),
        ("/p/a b/ü#?", "/p", "./a%20b/%C3%BC%23%3F/"),
        ("/p", "/p", "./"),
        ("/photos", "/p", "file:///photos/"),
        ("/p2/x", "/p", "file:///p2/x/"),
        ("/caf\udce9", None, "file:///caf%E9/"),
        ("/", None, "file:///"),
        ("/half\ud800", None, None),
        ("/p/half\ud800", "/p", None),
    ],
)
def test_addresses_of_folders(folder: str, beside: str | None, wanted: str | None) -> None:
    assert folder_url(folder, beside) == wanted


def test_addresses_of_files_have_no_scheme_of_their_own() -> None:
    def url(name: str) -> str | None:
        return file_url(Photo(Result(name, 1.0), f"/p/{name}", "", name), "/p")

    assert url("javascript:alert(1).jpg") == "./javascript%3Aalert%281%29.jpg"
    assert url("caf\udce9.jpg") == "./caf%E9.jpg"
    assert url("half\ud800") is None
    assert file_url(Photo(Result("-", 1.0), None, "", "-"), "/p") is None
