"""JSON of strangers: what is refused, and that all else is read as json reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.inference.strict_json import MAX_DEPTH, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_what_json_writes_is_read(value: Any) -> None:
    text = json.dumps(value)
    assert loads(text) == loads(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * (MAX_DEPTH + 1), "33 deep, expected at most 32"),
        ('{"a":' * 50 + "1" + "}" * 50, "50 deep"),
        ("[" * 1_000_000, "1000000 deep"),
        ('{"a": 1, "b": {"a": 1, "a": 2}}', "key 'a' occurs twice"),
        ("NaN", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not"),
        ("1e400", "1e400 is too large"),
        ("0." + "1" * 500, "too large or too long"),
        ("9" * 5000, "has 5000 digits"),
        ("{", "Expecting"),
        ("", "Expecting"),
    ],
)
def test_what_is_endless_or_ambiguous_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loads(text)


def test_brackets_in_texts_are_no_brackets() -> None:
    deep = "[" * 100
    assert loads(json.dumps({deep: f'{deep}"{deep}\\'})) == {deep: f'{deep}"{deep}\\'}
    with pytest.raises(ValueError, match=r"Unterminated|Invalid"):
        loads('"' + "[" * 100_000)
    assert loads("[[]" + ",[]" * 10_000 + "]") == [[]] * 10_001  # Wide is not deep.


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_other_encodings_than_utf_8_are_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match=r"utf-8|UTF-8"):
        loads('"é"'.encode(encoding))


@given(st.text() | st.binary())
def test_anything_else_is_a_value_error(text: str | bytes) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        with pytest.raises(ValueError):  # noqa: PT011 - Of any text.
            loads(text)
    else:
        assert expected is None or json.dumps(expected)
