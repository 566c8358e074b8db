"""What is wrong with a flatbuffer."""

from __future__ import annotations


class FlatbufferError(ValueError):
    """A flatbuffer that is damaged, or asks for more or other things than a picture model may."""
