"""Passwords stay out of sight, and out of command lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.urls import with_environment, without_password


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://user:secret@cam/stream", "rtsp://user:***@cam/stream"),
        ("rtsp://user:secret@cam:554/stream", "rtsp://user:***@cam:554/stream"),
        ("rtsp://:secret@cam/stream", "rtsp://:***@cam/stream"),
        ("rtsp://user:se@cret@cam/stream", "rtsp://user:***@cam/stream"),
        ("rtsp://user:se/cret@cam/stream", "rtsp://user:***@cam/stream"),
        ("rtsp://user:se?cr#et@cam/stream", "rtsp://user:***@cam/stream"),
        ("rtsp://user@cam/stream", "rtsp://user@cam/stream"),
        ("rtsp://cam:554/stream", "rtsp://cam:554/stream"),
        ("http://cam:80/zoom@2x", "http://cam:80/zoom@2x"),
        ("http://cam/?user=me&pwd=secret&n=1", "http://cam/?user=me&pwd=***&n=1"),
        ("http://cam/?Password=secret", "http://cam/?Password=***"),
        ("http://cam/?access_token=secret#x", "http://cam/?access_token=***#x"),
        ("/dev/video0", "/dev/video0"),
        ("C:\\videos\\a@b.mp4", "C:\\videos\\a@b.mp4"),
    ],
)
def test_passwords_are_hidden_and_nothing_else(address: str, shown: str) -> None:
    assert without_password(address) == shown
    assert without_password(f"lost '{address}' twice") == f"lost '{shown}' twice"
    assert without_password(shown) == shown


@given(st.text("abcXYZ123@/:?#%!$&*()-_", min_size=1))
def test_no_password_of_any_characters_is_shown(password: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAM_PASSWORD", password)
        address = with_environment("rtsp://user:${CAM_PASSWORD}@cam/stream")
    assert without_password(address) == "rtsp://user:***@cam/stream"


def test_the_environment_is_percent_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_USER", "me")
    monkeypatch.setenv("CAM_PASSWORD", "p@ss/w:rd%")
    assert (
        with_environment("rtsp://${CAM_USER}:${CAM_PASSWORD}@cam/s")
        == "rtsp://me:p%40ss%2Fw%3Ard%25@cam/s"
    )
    monkeypatch.delenv("CAM_PASSWORD")
    with pytest.raises(ValueError, match="'CAM_PASSWORD', which is not set"):
        with_environment("rtsp://${CAM_USER}:${CAM_PASSWORD}@cam/s")
