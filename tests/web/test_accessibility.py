"""axe-core, the keyboard, and narrow windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgeiqa import sample_paths
from tests.web.site import AXE

OPEN = Callable[..., Any]


def fill(page: Any) -> None:
    page.set_input_files("#files-input", sample_paths()[:4])
    page.wait_for_selector("#rows tr:not(.none):nth-child(4)", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desktop", "phone"])
def test_axe_finds_nothing(scheme: str, size: tuple[int, int], open_page: OPEN) -> None:
    page = open_page(
        color_scheme=scheme, viewport={"width": size[0], "height": size[1]}, bypass_csp=True
    )
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    for state in ("empty", "filled", "problem"):
        if state == "filled":
            fill(page)
        if state == "problem":
            page.click("#camera")
            page.wait_for_selector("#problem:not([hidden])")
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        told = [
            f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]
        assert told == [], state


def test_everything_can_be_reached_and_used_by_keyboard(open_page: OPEN) -> None:
    page = open_page()
    fill(page)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.id || document.activeElement.getAttribute('aria-label') || ''"
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if name and name in reached:
            break
        reached.append(name)
        if page.evaluate("document.activeElement !== document.body"):
            assert outline != "none", name
    for name in ("model", "preset", "camera", "files", "folder", "strip", "csv", "json", "clear"):
        assert name in reached
    assert any(name.startswith("Save ") for name in reached)
    page.focus("#clear")
    page.keyboard.press("Enter")
    assert page.eval_on_selector_all("#rows tr:not(.none)", "rows => rows.length") == 0
    page.focus("#files")
    with page.expect_file_chooser():
        page.keyboard.press("Space")


def test_a_screen_reader_is_told_verdicts_and_numbers(open_page: OPEN) -> None:
    page = open_page()
    fill(page)
    tree = page.locator("body").aria_snapshot()
    assert 'meter "Quality score"' in tree
    assert "status: " in tree
    assert 'meter "Blur"' in tree
    assert "Scores of the photographs so far" in tree
    assert 'columnheader "Verdict"' in tree
    assert page.get_attribute("#dial", "aria-valuetext").endswith("give or take 5")


@pytest.mark.parametrize("width", [320, 390, 600, 768, 1024, 1600])
def test_no_width_needs_scrolling_sideways(width: int, open_page: OPEN) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    fill(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = """buttons => buttons
      .filter(b => b.offsetParent && !b.hidden)
      .filter(b => b.getBoundingClientRect().height < 40)
      .map(b => b.id)"""
    assert page.eval_on_selector_all("button, select", small) == []
