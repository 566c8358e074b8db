"""Words that systemd would misread unless escaped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.service.unit import command, listed, quoted
from tests.edgeiqa.service.units import words


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("/usr/bin/python3.11", "/usr/bin/python3.11"),
        ("mqtt://pi@10.0.0.2:1883/a/b", "mqtt://pi@10.0.0.2:1883/a/b"),
        ("", '""'),
        ("a b", '"a b"'),
        ("100%", '"100%%"'),
        ("$HOME ${X}", '"$HOME ${X}"'),
        ('"\\', '"\\"\\\\"'),
        ("a\nb\t\x7f", '"a\\x0ab\\x09\\x7f"'),
        ("Tür\udcff", '"Tür\\xff"'),
        (";", '";"'),
    ],
)
def test_words(word: str, expected: str) -> None:
    assert quoted(word) == expected


@given(
    st.lists(st.text(st.characters(blacklist_characters="\0", max_codepoint=0x2FFF), max_size=9))
)
def test_a_command_can_be_read_again(more: list[str]) -> None:
    more = [word.encode("utf-8", "ignore").decode() for word in more]
    line = command(["/opt/a b/$x/python", *more])
    assert "\n" not in line
    assert words(line) == ["/opt/a b/$x/python", *more]


def test_paths_in_lists() -> None:
    assert listed("/home/pi/v") == '"/home/pi/v"'
    assert listed("/a b/%:'\"\\") == '"/a b/%%\\:\\\'\\"\\\\"'


@pytest.mark.parametrize("call", [quoted, listed, lambda word: command(["/bin/sh", word])])
def test_what_a_unit_cannot_represent(call: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match=r"a.x00b"):
        call("a\0b")


def test_systemd_cannot_represent_paths_with_newlines() -> None:
    with pytest.raises(ValueError, match=r"/a.nb"):
        listed("/a\nb")
