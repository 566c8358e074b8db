"""Counts per bin add up, and the drawing shows them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.report.histogram import BINS, bin_of, histogram, histogram_svg
from tests.edgeiqa.report.pages import accepted, photos, rejected, result


@given(st.lists(st.floats(0, 100), max_size=50), st.integers(1, 40))
def test_counts_add_up(scores: list[float], bins: int) -> None:
    everything = photos(*(accepted(str(i), score) for i, score in enumerate(scores)))
    found = histogram(everything, bins)
    assert len(found) == bins
    assert sum(one.count for one in found) == len(scores)
    assert (found[0].low, found[-1].high) == (0, 100)


@pytest.mark.parametrize(("score", "place"), [(0, 0), (4.999, 0), (5, 1), (99.9, 19), (100, 19)])
def test_a_bin_holds_its_lower_end_and_the_last_one_both(score: float, place: int) -> None:
    assert bin_of(score) == place
    (photo,) = photos(result("a", score))
    assert [one.count for one in histogram([photo])].index(1) == place


def test_rejected_and_unreadable_ones_are_distinguished() -> None:
    found = histogram(photos(rejected("a", 12), accepted("b", 13), result("c", None)))
    assert (found[2].rejected, found[2].others, found[2].count) == (1, 1, 2)


def test_heights_are_counts() -> None:
    everything = photos(
        *(accepted(f"a{i}", 72) for i in range(8)),
        *(rejected(f"b{i}", 22) for i in range(4)),
        result("c", None),
    )
    svg = histogram_svg(histogram(everything), 72.0, True)
    tree = ET.fromstring(svg)
    groups = tree.findall("g")
    assert len(groups) == BINS
    high, low = groups[14].findall("rect"), groups[4].findall("rect")
    assert [rect.get("class") for rect in high] == ["reach", "bar accepted"]
    assert [rect.get("class") for rect in low] == ["reach", "bar rejected"]
    assert float(high[1].get("height", 0)) == 2 * float(low[1].get("height", 0))
    assert groups[4].get("aria-label") == "score 20 to 25: 4 photographs, 4 rejected"
    assert all(len(one.findall("rect")) == 1 for i, one in enumerate(groups) if i not in (4, 14))
    assert re.search(r'class="median" x1="230.40"', svg)


def test_one_among_many_is_still_seen() -> None:
    everything = photos(accepted("one", 2), *(accepted(f"{i}", 72) for i in range(3000)))
    rect = ET.fromstring(histogram_svg(histogram(everything), None, True)).findall("g")[0][2]
    assert float(rect.get("height", 0)) == 2


def test_nothing_is_drawn_of_nothing() -> None:
    svg = histogram_svg(histogram([]), None, False)
    assert "median" not in svg
    assert 'class="bar' not in svg
