"""Blocks are filled, nothing else is touched, and broken markers are reported."""

from __future__ import annotations

import pytest

from scripts.docs.markdown import command_output, fill, table


def test_fill_replaces_blocks_and_nothing_else() -> None:
    text = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n<!-- begin: y -->\n<!-- end: y -->\n"
    expected = (
        "a\n<!-- begin: x -->\nnew \\1\n<!-- end: x -->\nb\n<!-- begin: y -->\n7\n<!-- end: y -->\n"
    )
    blocks = {"x": lambda: "new \\1\n", "y": lambda: "7"}
    assert fill(text, blocks) == expected
    assert fill(expected, blocks) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- begin: z -->\n<!-- end: z -->", "nobody fills the block 'z'"),
        ("no block", "no block 'x'"),
        ("<!-- begin: x -->\n<!-- end: x -->\n<!-- begin: x -->\n", "no partner"),
        ("<!-- begin: x -->\n<!-- end: x -->\n<!-- end: y -->\n", "no partner"),
    ],
)
def test_fill_refuses_broken_markers(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fill(text, {"x": lambda: "1"})


def test_tables_flush_the_first_columns_left() -> None:
    assert table(["a", "b", "c"], [["1", "2", "3"]], left=2).splitlines() == [
        "| a | b | c |",
        "| --- | --- | ---: |",
        "| 1 | 2 | 3 |",
    ]


def test_command_output_is_a_shell_session() -> None:
    shown = command_output("models")
    assert shown.startswith("```console\n$ edgeiqa models\n")
    assert "base" in shown
    with pytest.raises(RuntimeError, match="exit code 3"):
        command_output("models", "no-such-file.tflite")
