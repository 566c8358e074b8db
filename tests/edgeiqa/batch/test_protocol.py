"""Messages arrive as they were sent, or not at all."""

from __future__ import annotations

import io
import os
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.batch import protocol
from edgeiqa.batch.protocol import MAX_BYTES, MessageError, read_message, write_message
from edgeiqa.imaging import decode

FACTS = st.dictionaries(st.text(max_size=8).filter(lambda key: key != "bytes"), st.text())


@given(st.lists(st.tuples(FACTS, st.none() | st.binary())))
def test_what_is_sent_arrives(sent: list[tuple[dict[str, str], bytes | None]]) -> None:
    stream = io.BytesIO()
    for facts, content in sent:
        write_message(stream, facts, content)
    stream.seek(0)
    for message in sent:
        assert read_message(stream) == message
    assert read_message(stream) is None


def test_odd_names_and_other_kinds_of_bytes_arrive() -> None:
    wide = memoryview(bytes(range(8))).cast("H")
    for content in (wide, bytearray(wide.tobytes()), memoryview(wide.tobytes())):
        stream = io.BytesIO()
        write_message(stream, {"path": "\udcff\n.jpg"}, content)
        stream.seek(0)
        assert read_message(stream) == ({"path": "\udcff\n.jpg"}, bytes(range(8)))


@given(st.data())
def test_a_message_that_is_cut_is_an_end(data: st.DataObject) -> None:
    stream = io.BytesIO()
    write_message(stream, {"path": "a.jpg"}, b"0123456789")
    whole = stream.getvalue()
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert read_message(io.BytesIO(whole[:cut])) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\xff\n", "not JSON"),
        (b"\n", "not JSON"),
        (b'["a"]\n', "a JSON list, expected an object"),
        (b'{"bytes": -1}\n', "-1 bytes are announced"),
        (b'{"bytes": true}\n', "True bytes"),
        (b'{"bytes": 1.5}\n', "1.5 bytes"),
        (b'{"bytes": "7"}\n', "'7' bytes"),
        (b'{"bytes": 1073741825}\n', "1073741825 bytes are announced, expected 0 to 1073741824"),
    ],
)
def test_what_is_no_message_is_refused(line: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        read_message(io.BytesIO(line))


def test_too_much_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_BYTES", 9)
    stream = io.BytesIO()
    with pytest.raises(MessageError, match="10 bytes, at most 9 can be sent"):
        write_message(stream, {}, b"0123456789")
    assert stream.getvalue() == b""


def test_the_limit_is_that_of_pictures_from_streams() -> None:
    assert MAX_BYTES == decode.MAX_STREAM_BYTES


def test_more_than_a_pipe_holds_goes_through() -> None:
    content = os.urandom(3_000_000)
    back, forth = os.pipe()
    got: list[Any] = []
    with os.fdopen(back, "rb") as source, os.fdopen(forth, "wb") as sink:
        reader = threading.Thread(target=lambda: got.append(read_message(source)))
        reader.start()
        write_message(sink, {"path": "x"}, content)
        reader.join(30)
    assert got == [({"path": "x"}, content)]
