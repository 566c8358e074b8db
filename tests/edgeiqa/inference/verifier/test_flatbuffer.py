"""Bytes of any kind are read within bounds, or refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeiqa.inference.verifier import flatbuffer as reading
from edgeiqa.inference.verifier.flatbuffer import Field, FlatbufferError, Reader
from edgeiqa.inference.verifier.verify import check
from tests.edgeiqa.inference.verifier.made import shipped

SCHEMA = {
    "Root": (
        Field("number", "i32", 7),
        Field("text", "text", ""),
        Field("list", "[Root]", []),
        Field("flag", "bool", 0),
        Field("gone", "refused"),
        Field("longs", "[i64]"),
    )
}


def root(fields: dict[int, bytes], after: bytes = b"", slots: int = 6) -> bytes:
    """A flatbuffer of one table: 4 bytes per field, and what follows them."""
    inline, offsets = b"", [0] * slots
    for slot, value in fields.items():
        offsets[slot] = 4 + len(inline)
        inline += value
    vtable = struct.pack(f"<HH{slots}H", 4 + 2 * slots, 4 + len(inline), *offsets)
    vtable += bytes(-len(vtable) % 4)
    start = 8 + len(vtable)
    return (
        struct.pack("<I", start)
        + b"TEST"
        + vtable
        + struct.pack("<i", len(vtable))
        + inline
        + after
    )


def word(number: int) -> bytes:
    return struct.pack("<I", number % (1 << 32))


def test_what_is_there_is_read_and_what_is_not_has_its_default() -> None:
    text = word(4) + word(2) + b"hi\0\0"
    found = Reader(root({1: text[:4]}, text[4:]), SCHEMA).root("Root")
    assert (found["number"], found["text"], found["list"], found["flag"]) == (7, "hi", [], 0)
    assert Reader(root({0: word(-3)}), SCHEMA).root("Root")["number"] == -3
    assert len(Reader(root({}), SCHEMA).root("Root")["longs"]) == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "at least 8"),
        (word(0xFFFFFFF0) + b"TEST", "the Root at byte 4294967280 lies at bytes"),
        (word(5) + b"TEST" + bytes(8), "misaligned, at byte 5"),
        (root({1: word(1 << 31)}), "Root.text lies at bytes"),
        (root({1: word(4)}, word(1 << 30)), "Root.text lies at bytes"),
        (root({1: word(4)}, word(4) + b"four"), "without its terminating zero"),
        (root({1: word(4)}, word(2) + b"\xff\xff\0\0"), "not valid UTF-8"),
        (root({2: word(4)}, word(1 << 29)), "Root.list lies at bytes"),
        (root({3: b"\2\0\0\0"}), "Root.flag is 2, expected true or false"),
        (root({4: word(4)}), "Root.gone is present"),
        (root({5: word(4)}, word(1 << 28)), "Root.longs lies at bytes"),
        (root({6: word(1)}, slots=7), "field 6, which is unknown to this edgeiqa.*newer"),
    ],
)
def test_what_points_elsewhere_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FlatbufferError, match=message):
        Reader(data, SCHEMA).root("Root")


def test_a_table_within_itself_ends() -> None:
    # Its list has one entry: itself.
    data = root({2: word(4)}, word(1) + word(0))
    start = struct.unpack_from("<I", data)[0]
    at = len(data) - 4
    data = data[:at] + word(start - at)
    with pytest.raises((FlatbufferError, RecursionError)):
        Reader(data, SCHEMA).root("Root")


def test_what_is_shared_a_million_times_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    flatbuffer = shipped()[1]
    for limit, message in (
        ("MAX_TABLES", "tables|entries"),
        ("MAX_NUMBERS", "numbers"),
        ("MAX_TEXT_BYTES", "names"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(reading, limit, 40)
            with pytest.raises(FlatbufferError, match=message):
                check(flatbuffer)


@given(st.binary(max_size=400))
def test_rubbish_is_refused(rubbish: bytes) -> None:
    for data in (rubbish, b"\x08\0\0\0TFL3" + rubbish):
        with pytest.raises(FlatbufferError):
            check(data)


@settings(max_examples=200)
@given(st.data())
def test_any_change_of_the_structure_is_refused_or_read_within_bounds(data: st.DataObject) -> None:
    flatbuffer = bytearray(shipped()[1])
    for _ in range(data.draw(st.integers(1, 4))):
        # Tables and shapes lie in the last quarter of the file.
        place = data.draw(st.integers(len(flatbuffer) * 3 // 4, len(flatbuffer) - 1))
        flatbuffer[place] = data.draw(st.integers(0, 255))
    told = ""
    try:
        check(bytes(flatbuffer))
    except FlatbufferError as error:
        told = str(error)
    assert len(told) < 4000


def test_any_truncation_is_refused() -> None:
    flatbuffer = shipped()[1]
    for length in [*range(0, 4000, 7), *range(4000, len(flatbuffer) - 1, 997), len(flatbuffer) - 1]:
        with pytest.raises(FlatbufferError):
            check(flatbuffer[:length])
