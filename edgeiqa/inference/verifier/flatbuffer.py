"""Reads tables of a flatbuffer without trusting a single offset in it.

Every position, length and alignment is checked against the actual bytes, as in the verifier of
Google's FlatBuffers, which the runtime's Python interface does not call. Fields that the schema
does not list are refused, since their effect on a runtime is unknown.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from edgeiqa.errors import EdgeIQAError


class FlatbufferError(EdgeIQAError, ValueError):
    """A flatbuffer that is damaged, or uses features not allowed for picture models."""


MAX_TABLES = 100_000
MAX_NUMBERS = 1 << 25
MAX_TEXT_BYTES = 1 << 23
"""Totals. Parts may be shared, so a small file could refer to one part a million times."""


class Field(NamedTuple):
    """One field of a table.

    Attributes:
        name: As in TFLite's schema.
        kind: "i8", "u8", "i32", "u32", "i64", "u64", "f32", "bool"; "text"; a vector of numbers
            "[i32]"; a table or a vector of tables by the schema's name, "Tensor" or "[Tensor]";
            or "refused", a field that must be absent.
        default: Value if the file omits it.
    """

    name: str
    kind: str
    default: Any = None


Schema = Mapping[str, tuple[Field, ...]]

_SCALARS = {
    "i8": struct.Struct("<b"),
    "u8": struct.Struct("<B"),
    "bool": struct.Struct("<B"),
    "i32": struct.Struct("<i"),
    "u32": struct.Struct("<I"),
    "i64": struct.Struct("<q"),
    "u64": struct.Struct("<Q"),
    "f32": struct.Struct("<f"),
}
_VECTORS: dict[str, np.dtype[Any]] = {
    "[u8]": np.dtype("u1"),
    "[bool]": np.dtype("u1"),
    "[i32]": np.dtype("<i4"),
    "[i64]": np.dtype("<i8"),
    "[f32]": np.dtype("<f4"),
}
_U16 = struct.Struct("<H")
_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")


class Reader:
    """Reads the tables of one flatbuffer."""

    def __init__(self, data: bytes, schema: Schema) -> None:
        """Stores the arguments; reads nothing yet.

        Args:
            data: The flatbuffer, little-endian.
            schema: Fields per table, in the order of their slots.
        """
        self._data = data
        self._schema = schema
        self._tables = self._numbers = self._text_bytes = 0

    def root(self, name: str) -> dict[str, Any]:
        """Reads the table that the first four bytes point to.

        Returns:
            Field name to value: int, float or bool; str; numpy array (a view of the bytes, or of
            length 0); a dict like this one, a list of them, or None; for a kind that is not in
            the schema, the position of its table.

        Raises:
            FlatbufferError: An offset points outside, or a value is invalid.
        """
        if len(self._data) < 8:
            raise FlatbufferError(f"{len(self._data)} bytes, expected at least 8")
        return self.table(_U32.unpack_from(self._data)[0], name)

    def table(self, position: int, name: str) -> dict[str, Any]:
        """Reads the table at a position; returns and raises as `root`."""
        self._tables += 1
        if self._tables > MAX_TABLES:
            raise FlatbufferError(f"it contains more than {MAX_TABLES} tables")
        offsets, size = self._vtable(position, name)
        fields = self._schema[name]
        if any(offsets[len(fields) :]):
            slot = next(i for i, at in enumerate(offsets[len(fields) :], len(fields)) if at)
            raise FlatbufferError(
                f"a {name} has field {slot}, which is unknown to this edgeiqa: "
                "the file was made for a newer runtime"
            )
        values = {}
        for slot, field in enumerate(fields):
            at = offsets[slot] if slot < len(offsets) else 0
            values[field.name] = self._field(position, at, size, field, name)
        return values

    def _vtable(self, position: int, name: str) -> tuple[tuple[int, ...], int]:
        """Returns the offsets of the fields within the table, and the table's size."""
        where = f"the {name} at byte {position}"
        self._inside(position, 4, 4, where)
        start = position - _I32.unpack_from(self._data, position)[0]
        self._inside(start, 4, 2, f"the layout of {where}")
        length, size = struct.unpack_from("<HH", self._data, start)
        if length < 4 or length % 2 or size < 4:
            raise FlatbufferError(f"the layout of {where} is invalid: {length}, {size}")
        self._inside(start, length, 2, f"the layout of {where}")
        self._inside(position, size, 4, where)
        count = length // 2 - 2
        return struct.unpack_from(f"<{count}H", self._data, start + 4), size

    def _field(self, position: int, at: int, size: int, field: Field, name: str) -> Any:
        kind = field.kind
        if not at:
            return _NOTHING[kind] if kind in _VECTORS else field.default
        where = f"{name}.{field.name}"
        if kind == "refused":
            raise FlatbufferError(f"{where} is present, but not allowed in a picture model")
        scalar = _SCALARS.get(kind)
        width = 4 if scalar is None else scalar.size
        if at < 4 or at + width > size or (position + at) % width:
            raise FlatbufferError(f"{where} lies outside its table, or is misaligned")
        place = position + at
        if scalar is not None:
            value = scalar.unpack_from(self._data, place)[0]
            if kind == "bool" and value > 1:
                raise FlatbufferError(f"{where} is {value}, expected true or false")
            return value
        place += _U32.unpack_from(self._data, place)[0]
        if kind == "text":
            return self._text(place, where)
        if kind in _VECTORS:
            kept = _VECTORS[kind]
            count = self._count(place, kept.itemsize, where)
            if kind != "[u8]":  # Weights are not read, so they do not count.
                self._numbers += count
                if self._numbers > MAX_NUMBERS:
                    raise FlatbufferError(f"it contains more than {MAX_NUMBERS} numbers")
            return np.frombuffer(self._data, kept, count, place + 4)
        if kind.startswith("["):
            return self._tables_of(place, kind[1:-1], where)
        return self.table(place, kind) if kind in self._schema else place

    def _tables_of(self, place: int, name: str, where: str) -> list[dict[str, Any]]:
        count = self._count(place, 4, where)
        if self._tables + count > MAX_TABLES:
            raise FlatbufferError(
                f"{where} has {count} entries, at most {MAX_TABLES} tables are allowed"
            )
        found = []
        for at in range(place + 4, place + 4 + 4 * count, 4):
            found.append(self.table(at + _U32.unpack_from(self._data, at)[0], name))
        return found

    def _text(self, place: int, where: str) -> str:
        count = self._count(place, 1, where)
        end = place + 4 + count
        if end >= len(self._data) or self._data[end]:
            raise FlatbufferError(f"{where} is a string without its terminating zero")
        self._text_bytes += count
        if self._text_bytes > MAX_TEXT_BYTES:
            raise FlatbufferError(f"its names have more than {MAX_TEXT_BYTES} bytes")
        try:
            # The runtime's Python interface also decodes names strictly when it opens the model.
            return self._data[place + 4 : end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise FlatbufferError(f"{where} is not valid UTF-8") from error

    def _count(self, place: int, width: int, where: str) -> int:
        self._inside(place, 4, 4, where)
        count: int = _U32.unpack_from(self._data, place)[0]
        self._inside(place + 4, count * width, 1, where)
        return count

    def _inside(self, start: int, length: int, step: int, where: str) -> None:
        if start < 0 or start + length > len(self._data):
            raise FlatbufferError(
                f"{where} lies at bytes {start} to {start + length} of {len(self._data)}"
            )
        if start % step:
            raise FlatbufferError(f"{where} is misaligned, at byte {start}")


_NOTHING = {kind: np.zeros(0, dtype) for kind, dtype in _VECTORS.items()}
