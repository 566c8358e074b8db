"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.files.size import parse_size, size_words


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1000", 1000), ("1b", 1), ("500MB", 500_000_000), ("1.5 G", 1_500_000_000),
        ("200 KiB", 204_800), ("2mi", 2_097_152), ("1t", 10**12), (" 7k ", 7000),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1e9", "5 PB", "1iB", "1,5G", "inf", "5MBs"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="MB"):
        parse_size(text)


@given(st.integers(0, 10**15))
def test_words_are_near_and_can_be_read_again(size: int) -> None:
    assert parse_size(size_words(size)) == pytest.approx(size, rel=0.006)


def test_words() -> None:
    sizes = (0, 999, 1000, 12_345, 999_999, 500_000_000, 5 * 10**12)
    words = ["0 B", "999 B", "1 kB", "12.3 kB", "1000 kB", "500 MB", "5000 GB"]
    assert [size_words(size) for size in sizes] == words
