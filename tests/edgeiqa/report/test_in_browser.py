"""The page in Chromium: mouse, keyboard, names that mean harm, 10,000 photographs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.cli.main import main
from edgeiqa.report.page import Report, render
from edgeiqa.report.thumbnails import Look, look_at
from edgeiqa.results.reader import Result
from scripts.browser import Browser, opened
from tests.edgeiqa.report.pages import accepted, photos, rejected, result, sample, write_results
from tests.edgeiqa.report.test_page import HOSTILE
from tests.tools import needs

pytestmark = pytest.mark.browser

SAMPLES = {path.stem: path for path in sample_paths()}
RESULTS = (
    accepted("in/astronaut.jpg", 81.2),
    rejected("in/chelsea-noisy.jpg", 35.7, "noise", 0.71),
    accepted("in/chelsea.jpg", 78.2),
    rejected("in/coffee-motion-blur.jpg", 45.9, "blur", 0.57),
    accepted("out/coffee.jpg", 76.0),
    accepted("out/coffee-small.jpg", 72.5),
    accepted("out/raccoon.jpg", 84.7),
    rejected("out/rocket.jpg", 52.5, "blur", 0.61),
    result("out/broken.jpg", None, error="damaged or truncated"),
)
PROBES = Path(__file__).with_name("probes.js")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("chromium")
    folder = tmp_path_factory.mktemp("report")
    for one in RESULTS:
        target = folder / one.path
        target.parent.mkdir(exist_ok=True)
        if target.stem in SAMPLES:
            shutil.copy(SAMPLES[target.stem], target)
    small = sample("coffee.jpg")
    small.resize((small.width // 2, small.height // 2)).save(folder / "out/coffee-small.jpg")
    results = write_results(folder / "results.jsonl", RESULTS)
    assert main(["report", str(results), "--root", str(folder)]) == 0
    return folder / "results.html"


@pytest.fixture(scope="module")
def shared(page: Path) -> Iterator[Browser]:
    with opened(page, PROBES) as browser:
        yield browser


@pytest.fixture
def browser(shared: Browser, page: Path) -> Iterator[Browser]:
    shared.resize(1280, 900)
    shared.requests.clear()
    shared.open(page)
    shared.settle()
    yield shared
    # Whatever a test did, the page asked for nothing but itself and the photographs beside it.
    near = page.parent.as_uri()
    assert [url for url in shared.requests if not url.startswith(near)] == []
    assert shared.complaints == []


def shown(browser: Browser) -> list[str]:
    browser.settle()
    return list(browser.run("probe.shown()"))


def choose(browser: Browser, field: str, value: str) -> None:
    assert browser.run(f"probe.choose('{field}', {json.dumps(value)})") == value


def test_the_worst_come_first_and_nothing_is_missing(browser: Browser) -> None:
    assert shown(browser) == [
        *("chelsea-noisy.jpg", "coffee-motion-blur.jpg", "rocket.jpg", "coffee-small.jpg"),
        *("coffee.jpg", "chelsea.jpg", "astronaut.jpg", "raccoon.jpg", "broken.jpg"),
    ]
    assert browser.run("document.getElementById('matches').textContent") == "9 photographs"
    images = browser.run("probe.widths()")
    # Eight in the grid and four and four beside it; the broken one has none.
    assert len(images) == 16
    assert min(images) > 50


def test_the_histogram_filters(browser: Browser) -> None:
    browser.click('.bin[data-low="75"]')
    assert shown(browser) == ["coffee.jpg", "chelsea.jpg"]
    assert browser.run("document.getElementById('chips').textContent") == "score 75\u201380"
    browser.click(".chip")
    assert len(shown(browser)) == 9


def test_fields_filter_together(browser: Browser) -> None:
    browser.click("#search")
    browser.type("OUT/ coffee")
    assert shown(browser) == ["coffee-small.jpg", "coffee.jpg"]
    browser.run("document.getElementById('low').focus()")
    browser.type("73")
    assert shown(browser) == ["coffee.jpg"]
    browser.click("#search")
    browser.type("nothing like this")
    assert shown(browser) == []
    browser.click("#reset")
    assert len(shown(browser)) == 9
    assert browser.run("document.getElementById('low').value") == ""
    choose(browser, "verdict", "1")
    assert shown(browser) == ["chelsea-noisy.jpg", "coffee-motion-blur.jpg", "rocket.jpg"]
    blur = browser.run(
        "[...document.getElementById('fault').options].find(o => o.text === 'blur').value"
    )
    choose(browser, "fault", blur)
    assert shown(browser) == ["coffee-motion-blur.jpg", "rocket.jpg"]


def test_causes_folders_and_numbers_are_clicked(browser: Browser) -> None:
    browser.click("[data-fault=noise]")
    assert shown(browser) == ["chelsea-noisy.jpg"]
    browser.click("[data-fault=noise]")
    browser.click("#folders tbody tr:nth-child(2) button")
    assert browser.run("document.querySelector('tr.chosen').textContent") == "in462.050%"
    assert len(shown(browser)) == 4
    browser.click("#folders tbody tr:nth-child(2) button")
    browser.click("[data-outcome='2']")
    assert len(shown(browser)) == 5
    browser.click("[data-all]")
    assert len(shown(browser)) == 9


def test_the_table_of_folders_is_sorted(browser: Browser) -> None:
    def labels() -> list[str]:
        return list(browser.run("probe.texts('#folders tbody button')"))

    assert labels() == ["out", "in"]
    browser.click("th[data-column=label] button")
    assert labels() == ["in", "out"]
    browser.click("th[data-column=rejected] button")
    assert labels() == ["in", "out"]
    browser.click("th[data-column=rejected] button")
    assert labels() == ["out", "in"]
    sorting = "document.querySelector('th[data-column=rejected]').getAttribute('aria-sort')"
    assert browser.run(sorting) == "ascending"


def test_sorting(browser: Browser) -> None:
    choose(browser, "sort", "blur")
    assert shown(browser)[:2] == ["rocket.jpg", "coffee-motion-blur.jpg"]
    choose(browser, "sort", "name")
    assert shown(browser)[:3] == ["astronaut.jpg", "broken.jpg", "chelsea-noisy.jpg"]
    browser.click("#direction")
    assert shown(browser)[0] == "rocket.jpg"
    choose(browser, "sort", "score")
    browser.click("#direction")
    # What has no score is last either way.
    assert shown(browser)[0] == "raccoon.jpg"
    assert shown(browser)[-1] == "broken.jpg"


def test_the_keyboard_reaches_everything(browser: Browser) -> None:
    browser.press("/")
    assert browser.run("probe.focus()") == "search"
    browser.press("Tab", times=5)
    assert browser.run("probe.focus()") == "direction"
    browser.press("Tab", times=4)
    assert browser.run("probe.focus()") == "chelsea-noisy.jpg"
    browser.press("ArrowRight")
    assert browser.run("probe.focus()") == "coffee-motion-blur.jpg"
    columns = browser.run("Number(document.getElementById('grid').getAttribute('aria-colcount'))")
    assert columns > 2
    order = shown(browser)
    browser.press("ArrowDown")
    assert browser.run("probe.focus()") == order[1 + columns]
    browser.press("ArrowUp")
    browser.press("Home")
    assert browser.run("probe.focus()") == order[0]
    browser.press("End", control=True)
    assert browser.run("probe.focus()") == order[-1]
    browser.press("Home", control=True)
    assert browser.run("probe.focus()") == order[0]
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.run(outline) == "solid"
    browser.press("Enter")
    assert browser.run("document.getElementById('details').open") is True
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.run("document.getElementById('details-name').textContent") == order[2]
    browser.press("Escape")
    assert browser.run("document.getElementById('details').open") is False
    assert browser.run("probe.focus()") == order[2]


def test_tab_alone_comes_to_every_button_and_field(browser: Browser) -> None:
    """Whatever takes a click takes the focus, but in the grid, where the arrow keys go on."""
    reached = set()
    wanted = browser.run("probe.markClickable()")
    for _ in range(wanted + 5):
        browser.press("Tab")
        reached.add(browser.run("document.activeElement.dataset.seen"))
    assert len(reached - {None}) == wanted
    assert wanted > 50


def test_bins_are_pressed_with_keys(browser: Browser) -> None:
    browser.run("document.querySelector('.bin[data-low=\"50\"]').focus()")
    browser.press("Enter")
    assert shown(browser) == ["rocket.jpg"]
    browser.run("document.querySelector('.bin[data-low=\"50\"]').focus()")
    browser.press(" ")
    assert len(shown(browser)) == 9


def test_details_tell_everything(browser: Browser, page: Path) -> None:
    browser.click('.photo[data-place="1"]')
    assert browser.run("document.activeElement.closest('dialog') !== null")
    text = browser.run("document.getElementById('details').innerText")
    for words in (
        *("coffee-motion-blur.jpg", "in/", "45.9", "\u00b1 4.5", "of 100", "rejected"),
        "too blurred: focus again and hold still (0.57, at most 0.50)",
        *("blur", "0.57", "kB", "MP", "2 of 9"),
    ):
        assert words in text
    link = browser.run("document.getElementById('details-link').href")
    assert link == f"{page.parent.as_uri()}/in/coffee-motion-blur.jpg"
    # The photograph itself takes the place of its thumbnail.
    browser.until("document.getElementById('details-image').src.startsWith('file:')")
    assert max(browser.run("probe.widths()")) == sample("coffee-motion-blur.jpg").width
    browser.click("#details-close")
    browser.click('.photo[data-place="8"]')
    text = browser.run("document.getElementById('details').innerText")
    assert "No score" in text
    assert "damaged or truncated" in text


def test_a_strip_opens_details_and_goes_through_itself(browser: Browser) -> None:
    browser.click("a.thumb[data-photo='6']")
    assert browser.run("document.getElementById('details-name').textContent") == "raccoon.jpg"
    assert browser.run("document.getElementById('details-place').textContent") == "1 of 4"


def test_near_duplicates(browser: Browser) -> None:
    browser.click("#tab-duplicates")
    head = browser.run("probe.texts('.group h3')")
    assert "3 photographs, the best is coffee.jpg (76.0)" in head
    names = browser.run("probe.texts('.group .thumb .name')")
    at = names.index("coffee.jpg")
    assert names[at : at + 3] == ["coffee.jpg", "coffee-small.jpg", "coffee-motion-blur.jpg"]
    browser.press("ArrowRight")
    assert browser.run("probe.focus()") == "tab-unreadable"
    assert "damaged or truncated" in browser.run("document.getElementById('unreadable').innerText")
    browser.press("Home")
    assert browser.run("probe.focus()") == "tab-photographs"
    choose(browser, "copies", "best")
    assert "coffee-small.jpg" not in shown(browser)
    assert "coffee.jpg" in shown(browser)


def test_the_list_shows_reasons(browser: Browser) -> None:
    browser.click("#as-list")
    assert len(shown(browser)) == 9
    why = "document.querySelector('.photo[data-place=\"0\"] .why')"
    assert browser.run(f"{why}.checkVisibility()") is True
    assert browser.run(f"{why}.textContent").startswith("too noisy")


def test_the_list_is_saved(browser: Browser, tmp_path: Path) -> None:
    choose(browser, "verdict", "1")
    with browser.page.expect_download() as download:
        browser.click("#save")
    assert download.value.suggested_filename == "photographs.txt"
    file = tmp_path / "photographs.txt"
    download.value.save_as(file)
    assert [Path(line).name for line in file.read_text(encoding="utf-8").splitlines()] == [
        *("chelsea-noisy.jpg", "coffee-motion-blur.jpg", "rocket.jpg")
    ]
    browser.requests[:] = [url for url in browser.requests if not url.startswith("blob:")]


@pytest.mark.parametrize("width", [320, 400, 800, 1280, 2000])
def test_nothing_is_wider_than_the_window(browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    browser.settle()
    for tab in ("duplicates", "unreadable", "photographs"):
        browser.run(f"document.getElementById('tab-{tab}').click()")
        browser.settle()
        assert browser.run("document.documentElement.scrollWidth") <= width
    browser.run("document.querySelector('.photo').click()")
    browser.settle()
    assert browser.run("probe.isInWindow('details')") is True


def luminance(color: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_the_contrast_that_wcag_asks_for(browser: Browser, scheme: str) -> None:
    browser.prefer(color_scheme=scheme)
    inks = ("text", "faint", "accent", "accepted", "rejected", "scored", "unreadable")
    colors = browser.run(f"probe.colors({json.dumps(['page', 'card', *inks])})")
    assert (luminance(colors["page"]) < 0.1) == (scheme == "dark")
    for name in inks:
        lights = sorted((luminance(colors[name]), luminance(colors["card"])))
        least = 4.5 if name in ("text", "faint", "accent") else 3.0  # Scores are large and bold.
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= least, name


def test_without_a_script_the_essentials_are_there(page: Path) -> None:
    with Browser() as browser:
        browser.send("Emulation.setScriptExecutionDisabled", value=True)
        browser.open(page)
        browser.send("DOM.enable")
        root = browser.send("DOM.getDocument", depth=0)["root"]["nodeId"]

        def count(selector: str) -> int:
            found = browser.send("DOM.querySelectorAll", nodeId=root, selector=selector)
            return len(found["nodeIds"])

        assert count(".strip a.thumb img") == 8
        assert count(".histogram .bar") >= 5
        assert count("#folders tbody tr") == 2
        assert count("#unreadable tbody tr") == 1
        assert count("noscript p") == 1
        assert browser.complaints == []


def test_names_that_mean_harm_are_only_shown(tmp_path: Path) -> None:
    needs("chromium")
    results = []
    for number, name in enumerate(HOSTILE):
        text = name.replace("/", "_")
        path = os.path.join(text if number % 3 == 0 else "a", text)
        with contextlib.suppress(OSError, UnicodeError):  # Else it is among what is gone.
            (tmp_path / path).parent.mkdir(exist_ok=True)
            shutil.copy(sample_paths()[number % 12], tmp_path / path)
        results.append(rejected(path, 10 + number, name, 0.75))
        results.append(Result(f"{path}.broken", error=name))
    written = write_results(tmp_path / "r.jsonl", results)
    # With half a surrogate pair in it such a file does not exist.
    assert main(["report", str(written), "--root", str(tmp_path), "--title", HOSTILE[2]]) == 3
    with Browser() as browser:
        browser.page.add_init_script("window.harm = []; window.alert = text => harm.push(text);")
        browser.help(PROBES)
        browser.resize(1280, 5000)  # So that all have elements.
        browser.open(tmp_path / "r.html")
        names = shown(browser)
        assert len(names) == len(results)
        assert "<img src=x onerror=alert(1)>.jpg" in names
        assert "rtl\\u202egpj.exe" in names
        assert "line\\nbreak" in names
        browser.click("#as-list")
        for place in range(len(results)):
            browser.run(f"document.querySelector('#grid .photo[data-place=\"{place}\"]')?.click()")
            browser.settle()
            link = browser.run("document.getElementById('details-link').href")
            assert link == "" or link.startswith("file:///")
            browser.run("document.getElementById('details').close()")
        for tab in ("duplicates", "unreadable", "photographs"):
            browser.click(f"#tab-{tab}")
        for button in range(
            browser.run("document.querySelectorAll('#folders tbody button').length")
        ):
            browser.run(f"document.querySelectorAll('#folders tbody button')[{button}].click()")
        assert browser.run("document.querySelectorAll('#chips .chip').length") == 1
        assert browser.run("harm") == []
        # Nothing became an element that is not ours.
        assert (
            browser.run("document.querySelectorAll('img[onerror], svg[onload], u, b b').length")
            == 0
        )
        assert browser.run("document.querySelectorAll('script').length") < 6
        assert browser.complaints == []
        assert all(url.startswith(tmp_path.as_uri()) for url in browser.requests)
        # A photograph of an odd name is found through its link.
        assert any("caf%E9.jpg" in url for url in browser.requests)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("chromium")
    count = 10_000
    thumbs = [look_at(str(path)).thumbnail for path in sample_paths()]
    results = [
        (accepted if i % 3 else rejected)(f"f{i % 40:02}/IMG_{i:05}.jpg", i * 37 % 9973 / 100)
        for i in range(count)
    ]
    looks = {i: Look(thumbs[i % 12], 4000, 3000, 3_000_000 + i) for i in range(count)}
    groups = [list(range(i, i + 3)) for i in range(0, 3000, 3)]
    file = tmp_path_factory.mktemp("many") / "many.html"
    with open(file, "w", encoding="utf-8", newline="") as stream:
        stream.writelines(render(Report("10,000", photos(*results), looks, groups)))
    return file


def test_ten_thousand_photographs_stay_usable(many: Path) -> None:
    assert many.stat().st_size < 60_000_000
    with opened(many, PROBES) as browser:
        browser.settle()
        assert browser.run("document.getElementById('matches').textContent") == "10,000 photographs"
        elements = "probe.elements()"
        assert 10 < browser.run(elements) < 200
        # Through the whole of it: what is in the window is always there.
        seen = []
        for step in range(6):
            browser.run(f"window.scrollTo(0, document.body.scrollHeight * {step / 5})")
            browser.settle()
            browser.settle()
            assert 10 < browser.run(elements) < 200
            seen.append(browser.run("probe.placeAtFoot()"))
        assert seen[1] > 100
        assert seen[1:5] == sorted(seen[1:5])
        browser.run("document.querySelector('#grid .photo').focus()")
        browser.press("End", control=True)
        assert browser.run("document.activeElement.dataset.place") == "9999"
        browser.press("Home", control=True)
        assert browser.run("document.activeElement.dataset.place") == "0"
        browser.press("PageDown", times=3)
        assert int(browser.run("document.activeElement.dataset.place")) > 20
        # The focus stays where it was, though its line is far away.
        browser.run("window.scrollTo(0, document.body.scrollHeight / 2)")
        browser.settle()
        assert browser.run("document.activeElement.classList.contains('photo')") is True
        browser.press("/")
        browser.type("f07 img_00007")
        assert shown(browser) == ["IMG_00007.jpg"]
        browser.click("#tab-duplicates")
        assert browser.run("document.querySelectorAll('.group').length") == 30
        browser.click("#more-groups")
        assert browser.run("document.querySelectorAll('.group').length") == 60
        assert browser.complaints == []
        assert browser.requests == [many.as_uri()]
