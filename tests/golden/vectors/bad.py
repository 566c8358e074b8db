"""Inputs that every language has to refuse: frames that do not fit, and damaged model files."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from edgeiqa import ContractError, PixelFormat
from tests.golden.vectors import memory
from tests.golden.vectors.frames import build
from tests.golden.vectors.internals import (
    Calibration,
    Contract,
    InputSpec,
    OutputSpec,
    append,
    contract_json,
    read,
)

Document = dict[str, Any]


def frames() -> Iterator[Document]:
    """Frames that cannot be: what came, the kind of the error, and what the message must name."""
    for entry in (*_short(), *_strides(), *_numbers(), *_planes()):
        buffers = [memory.make(buffer) for buffer in entry["buffers"]]
        try:
            build(entry["frame"], buffers)
        except (TypeError, ValueError) as error:
            missing = [name for name in entry["names"] if name not in str(error)]
            if missing:
                raise AssertionError(f"{entry['name']}: no {missing} in {str(error)!r}") from error
            yield {**entry, "error": "type" if isinstance(error, TypeError) else "value"}
        else:
            raise AssertionError(f"{entry['name']} was taken")


def _entry(name: str, length: int, names: Sequence[float | str], **frame: Any) -> Document:
    """A frame in one buffer of zeros and ones."""
    buffer = {"kind": "lcg", "seed": 1, "length": length}
    frame = {"width": 6, "height": 5, "buffer": 0, **frame}
    return {
        "name": name,
        "buffers": [buffer],
        "frame": frame,
        "names": [str(part) for part in names],
    }


def _short() -> Iterator[Document]:
    for pixel_format in PixelFormat:
        if pixel_format is not PixelFormat.YUV_420_888:
            name, needed = pixel_format.value, pixel_format.frame_bytes(7, 5)
            yield _entry(
                f"{name} one byte short",
                needed - 1,
                [needed, needed - 1],
                format=name,
                width=7,
                height=5,
            )
    yield _entry("NV21 empty", 0, [0], format="NV21")
    yield _entry("RGB short by a stride", 5 * 20 - 3, [98, 97], format="RGB", rowStride=20)
    huge = 65_536
    yield _entry("RGBA overflows 32 bits", 9, [4 * huge * huge, 9], format="RGBA") | {
        "frame": {"format": "RGBA", "width": huge, "height": huge, "buffer": 0}
    }
    yield _entry("NV21 overflows 32 bits", 9, [9], format="NV21") | {
        "frame": {"format": "NV21", "width": huge, "height": huge, "buffer": 0}
    }
    yield _entry(
        "I420 chroma beyond the end",
        45,
        [45, 101],
        format="I420",
        chromaOffset=80,
        rowStride=6,
        chromaRowStride=3,
    ) | {"names": ["45"]}


def _strides() -> Iterator[Document]:
    yield _entry("RGB stride shorter than a row", 999, [17, 18], format="RGB", rowStride=17)
    yield _entry("NV12 stride shorter than a row", 999, [5, 6], format="NV12", rowStride=5)
    yield _entry("YUYV stride shorter than a row", 999, [11, 12], format="YUYV", rowStride=11)
    yield _entry("RGB stride 0", 999, [0, 18], format="RGB", rowStride=0)
    yield _entry("RGB stride negative", 999, [-18, 18], format="RGB", rowStride=-18)
    yield _entry("NV21 chroma stride short", 999, [5, 6], format="NV21", chromaRowStride=5)
    yield _entry("I420 chroma stride short", 999, [2, 3], format="I420", chromaRowStride=2)
    yield _entry("NV21 chroma inside luma", 999, [29], format="NV21", chromaOffset=29)
    yield _entry("NV21 chroma offset negative", 999, [-1], format="NV21", chromaOffset=-1)
    yield _entry("RGB with a chroma stride", 999, [9, "RGB"], format="RGB", chromaRowStride=9)
    yield _entry("YUYV with a chroma offset", 999, [60, "YUYV"], format="YUYV", chromaOffset=60)
    yield _entry("YUV_420_888 in one buffer", 999, ["YUV_420_888"], format="YUV_420_888")


def _numbers() -> Iterator[Document]:
    for name, value in (("zero", 0), ("negative", -6)):
        yield _entry(f"width {name}", 999, [value], format="GRAY", width=value)
        yield _entry(f"height {name}", 999, [value], format="NV12", height=value)
    yield _entry("width fractional", 999, [5.5], format="GRAY", width=5.5)
    for rotation in (45, -90, 360, 1):
        yield _entry(f"rotation {rotation}", 999, [rotation], format="GRAY", rotation=rotation)
    for roi in (
        [0, 0, 7, 5],
        [1, 0, 6, 5],
        [0, 1, 6, 5],
        [-1, 0, 3, 3],
        [0, 0, 0, 5],
        [6, 0, 1, 1],
    ):
        title = f"roi {' '.join(map(str, roi))}"
        yield _entry(title, 999, [6, 5, *map(str, roi)], format="GRAY", roi=roi)
    yield _entry("roi of three", 999, [], format="GRAY", roi=[0, 0, 3])


def _planes() -> Iterator[Document]:
    # 7 x 5 pixels: Y 7 x 5, chroma 4 x 3.
    whole = {"Y": (7, 1, 35), "U": (8, 2, 23), "V": (8, 2, 23)}
    for plane in "YUV":
        _, _, length = whole[plane]
        yield _three(f"{plane} one byte short", whole, plane, [plane, length, length - 1], cut=1)
    yield _three("Y stride shorter than a row", whole, "Y", ["Y", 6, 7], row=6)
    yield _three("U stride shorter than a row", whole, "U", ["U", 6, 7], row=6)
    yield _three("V pixel stride 0", whole, "V", ["V", 0], pixel=0)
    yield _three("Y pixel stride negative", whole, "Y", ["Y", -1], pixel=-1)
    yield _three("RGB in planes", whole, "Y", ["RGB"], format="RGB")
    yield _three("planes of width 0", whole, "Y", [0], width=0)
    yield _three("planes of height -5", whole, "Y", [-5], height=-5)
    yield _three("planes too large", whole, "Y", ["Y", 35], width=70_000, height=70_000, row=70_000)


def _three(
    name: str,
    whole: Mapping[str, tuple[int, int, int]],
    which: str,
    names: list[int | str],
    *,
    cut: int = 0,
    row: int | None = None,
    pixel: int | None = None,
    **frame: Any,
) -> Document:
    buffers, planes = [], []
    for number, (plane, (stride, step, length)) in enumerate(whole.items()):
        hit = plane == which
        buffers.append({"kind": "lcg", "seed": number, "length": length - (cut if hit else 0)})
        planes.append(
            {
                "buffer": number,
                "rowStride": row if hit and row is not None else stride,
                "pixelStride": pixel if hit and pixel is not None else step,
            }
        )
    frame = {"format": "YUV_420_888", "width": 7, "height": 5, "planes": planes, **frame}
    return {
        "name": f"planes: {name}",
        "buffers": buffers,
        "frame": frame,
        "names": [str(part) for part in names],
    }


def models() -> Iterator[Document]:
    """Model files in base64: those to be refused, and some unusual ones to be read."""
    for name, data in _files():
        try:
            contract, flatbuffer = read(data)
        except ContractError:
            yield {"name": name, "data": _text(data), "error": "contract"}
        else:
            yield {
                "name": name,
                "data": _text(data),
                "contract": json.loads(contract_json(contract)),
                "flatbufferBytes": len(flatbuffer),
            }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


_FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(32))
_SCORES = Contract(
    name="tiny",
    version="1.2.3",
    input=InputSpec(8, 6),
    outputs=(OutputSpec("opinion", "histogram_logits", bins=(0.1, 0.5, 0.9)),),
    calibration=Calibration(90.0, 3.5, 0.5, 1.25),
    gate={"normal": 50.0, "strict": 70.0},
    limits={"normal": {"dark": 0.7}},
)
_CAUSES = Contract(
    name="tiny-causes",
    version="1",
    input=InputSpec(16, 16, color="GRAY", views=("active",) * 4 + ("quiet", "reduced")),
    outputs=(OutputSpec("causes", "patch_causes", labels=("blur", "noise")),),
)
_ATTRIBUTES = Contract(
    name="tiny-attributes",
    version="0",
    input=InputSpec(8, 8, dtype="float32", fit="crop"),
    outputs=(
        OutputSpec("f", "features"),
        OutputSpec("a", "attributes", labels=("q", "hue"), score_label="q", activation="sigmoid"),
    ),
)


def _files() -> Iterator[tuple[str, bytes]]:
    good = append(_FLATBUFFER, _SCORES)
    yield "good: scores", good
    yield "good: causes", append(_FLATBUFFER, _CAUSES)
    yield "good: attributes", append(_FLATBUFFER, _ATTRIBUTES)
    document = _document(_SCORES)
    text = json.dumps(document).encode()
    yield "good: deflated", _zipped(text, method=zipfile.ZIP_DEFLATED)
    yield "good: unknown keys", _zipped(_changed(document, future={"a": [1]}))
    upper = document["flatbuffer_sha256"].upper()
    yield "good: checksum in capitals", _zipped(_changed(document, flatbuffer_sha256=upper))
    yield "good: a second entry", _zipped(text, more={"labels.txt": b"a\nb\n"})
    yield "good: whole numbers for fractions", _zipped(_changed(document, gate={"normal": 50}))
    yield from _broken_files(good, text)
    yield from ((f"json: {name}", _zipped(data)) for name, data in _broken_texts(document))
    for name, change in _broken_documents():
        changed = json.loads(json.dumps(document))
        change(changed)
        yield f"contract: {name}", _zipped(json.dumps(changed).encode())
    causes = _document(_CAUSES)
    for name, change in _broken_causes():
        changed = json.loads(json.dumps(causes))
        change(changed)
        yield f"causes: {name}", _zipped(json.dumps(changed).encode())


def _document(contract: Contract) -> Document:
    filled = dataclasses.replace(
        contract,
        flatbuffer_bytes=len(_FLATBUFFER),
        flatbuffer_sha256=hashlib.sha256(_FLATBUFFER).hexdigest(),
    )
    document: Document = json.loads(contract_json(filled))
    return document


def _changed(document: Document, **changes: Any) -> bytes:
    return json.dumps(document | changes).encode()


def _zipped(
    text: bytes,
    *,
    method: int = zipfile.ZIP_STORED,
    entry: str = "edgeiqa.json",
    more: Mapping[str, bytes] | None = None,
    mode: int = 0o100644,
    twice: bool = False,
    comment: bytes = b"",
) -> bytes:
    file = io.BytesIO()
    file.write(_FLATBUFFER)
    with zipfile.ZipFile(file, "a") as archive:
        for name, data in ((entry, text), *((entry, text),) * twice, *(more or {}).items()):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, data)
        archive.comment = comment
    return file.getvalue()


def _broken_files(good: bytes, text: bytes) -> Iterator[tuple[str, bytes]]:
    yield "file: empty", b""
    yield "file: text", b"This is no model at all."
    yield "file: flatbuffer alone", _FLATBUFFER
    yield "file: contract alone", good[len(_FLATBUFFER) :]
    yield "file: identifier", good[:4] + b"TFL2" + good[8:]
    for cut in (1, 21, 22, 60, 200):
        yield f"file: {cut} bytes cut off", good[:-cut]
    yield "file: a byte appended", good + b"\0"
    yield "file: flatbuffer damaged", _put(good, 20, bytes([good[20] ^ 1]))
    yield "file: contract damaged", _put(good, len(good) // 2, b"~")
    yield "file: a byte inserted", good[:10] + b"\0" + good[10:]
    yield "zip: comment", _zipped(text, comment=b"hello")
    yield "zip: another entry only", _zipped(text, entry="other.json")
    yield "zip: the entry in a folder", _zipped(text, entry="a/edgeiqa.json")
    yield "zip: bzip2", _zipped(text, method=zipfile.ZIP_BZIP2)
    yield "zip: symbolic link", _zipped(text, mode=0o120777)
    yield "zip: folder", _zipped(text, mode=0o040755)
    yield "zip: two entries of the name", _twice(text)
    yield "zip: 65 entries", _zipped(text, more={f"{n}": b"" for n in range(64)})
    end = len(good) - 22
    for name, offset, value in (
        ("second disk", 4, b"\1\0"),
        ("disk of the directory", 6, b"\1\0"),
        ("count on this disk", 8, b"\2\0"),
        ("size of the directory", 12, b"\xff\0\0\0"),
        ("offset of the directory", 16, b"\0\0\0\0"),
    ):
        yield f"zip end: {name}", _put(good, end + offset, value)
    # The directory's size says what is in it; a count that is wrong in both places is not used.
    yield "good: another count of entries", _put(good, end + 8, b"\2\0\2\0")
    (start,) = struct.unpack_from("<L", good, end + 16)
    for name, offset, value in (
        ("signature", 0, b"PK\1\1"),
        ("encrypted", 8, b"\1\0"),
        ("checksum", 16, b"\0\0\0\0"),
        ("packed size too large", 20, struct.pack("<L", len(good))),
        ("size beyond 1 MB", 24, struct.pack("<L", 1_000_001)),
        ("offset beyond the end", 42, struct.pack("<L", len(good) + 5)),
    ):
        yield f"zip directory: {name}", _put(good, start + offset, value)
    header = len(_FLATBUFFER)
    yield "zip header: signature", _put(good, header, b"PK\1\1")
    yield "zip header: another name", _put(good, header + 30, b"E")


def _twice(text: bytes) -> bytes:
    one = _zipped(text, more={"edgeiqa.jsox": text})
    return one.replace(b"edgeiqa.jsox", b"edgeiqa.json")


def _put(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


def _broken_texts(document: Document) -> Iterator[tuple[str, bytes]]:
    text = json.dumps(document)
    yield "empty", b""
    yield "a list", b"[]"
    yield "a number", b"1"
    yield "cut off", text[:-1].encode()
    yield "something after it", (text + " x").encode()
    yield "NaN", text.replace("3.5", "NaN").encode()
    yield "Infinity", text.replace("3.5", "Infinity").encode()
    yield "1e999", text.replace("3.5", "1e999").encode()
    yield "401 digits", text.replace("3.5", "1" * 401).encode()
    yield "a key twice", text.replace('"name"', '"name": "x", "name"', 1).encode()
    yield "a key twice, deep", text.replace('"offset"', '"scale": 1.0, "offset"', 1).encode()
    yield "too deep", text.replace('"training": {}', f'"training": {"[" * 40}{"]" * 40}').encode()
    yield "UTF-16", text.encode("utf-16")
    yield "not UTF-8", text.replace("tiny", "t\udcffny").encode("utf-8", "surrogateescape")
    yield "byte order mark", b"\xef\xbb\xbf" + text.encode()
    yield "single quotes", text.replace('"', "'").encode()
    yield "a comma too many", text.replace("}}", ",}}", 1).encode()


Change = Callable[[Document], Any]


def _set(*path: str | int, to: Any) -> Change:
    def change(document: Document) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def _without(*path: str | int) -> Change:
    def change(document: Document) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def _broken_documents() -> Iterator[tuple[str, Change]]:
    for key in (
        *("format", "name", "version", "input", "outputs", "calibration", "gate", "training"),
        *("metrics", "flatbuffer_bytes", "flatbuffer_sha256"),
    ):
        yield f"no {key}", _without(key)
    for key in ("height", "width", "dtype", "color", "fit", "resample", "views"):
        yield f"no input.{key}", _without("input", key)
    for key in ("scale", "offset"):
        yield f"no calibration.{key}", _without("calibration", key)
    for key in ("name", "kind", "bins"):
        yield f"no output.{key}", _without("outputs", 0, key)
    for name, value in (("2", 2), ("0", 0), ("true", True), ("text", "1"), ("1.0", 1.0)):
        yield f"format {name}", _set("format", to=value)
    for name, text in (
        *(("empty", ""), ("a number", 5), ("201 characters", "x" * 201)),
        *(("a control character", "a\x1b[2J"), ("right to left", "a\u202eb")),
        *(("a line separator", "a\u2028b"), ("half a surrogate pair", "a\ud800b")),
    ):
        yield f"name {name}", _set("name", to=text)
    yield "version a newline", _set("version", to="1\n2")
    for name, side in (("0", 0), ("4097", 4097), ("true", True), ("8.0", 8.0), ("text", "8")):
        yield f"height {name}", _set("input", "height", to=side)
    yield "dtype int8", _set("input", "dtype", to="int8")
    yield "color BGR", _set("input", "color", to="BGR")
    yield "color GRAY", _set("input", "color", to="GRAY")
    yield "fit pad", _set("input", "fit", to="pad")
    yield "resample area", _set("input", "resample", to="area")
    yield "views empty", _set("input", "views", to=[])
    yield "views global twice", _set("input", "views", to=["global", "global"])
    yield "views patches", _set("input", to={**_document(_CAUSES)["input"]})
    yield "outputs empty", _set("outputs", to=[])
    yield "an output that is text", _set("outputs", to=["opinion"])
    twice = _document(_SCORES)["outputs"] * 2
    yield "outputs of one name", _set("outputs", to=twice)
    many = [{"name": f"f{n}", "kind": "features"} for n in range(17)]
    yield "17 outputs", _set("outputs", to=many)
    yield "no score", _set("outputs", to=many[:1])
    yield "kind unknown", _set("outputs", 0, "kind", to="mystery")
    yield "activation unknown", _set("outputs", 0, "activation", to="tanh")
    yield "activation of a histogram", _set("outputs", 0, "activation", to="sigmoid")
    yield "labels of a histogram", _set("outputs", 0, "labels", to=["a"])
    for name, bins in (
        *(("one", [0.5]), ("falling", [0.5, 0.4]), ("equal", [0.5, 0.5])),
        *(("beyond 1", [0.5, 1.5]), ("below 0", [-0.1, 0.5]), ("text", ["a", "b"])),
        *(("true", [False, True]), ("no list", 0.5)),
    ):
        yield f"bins {name}", _set("outputs", 0, "bins", to=bins)
    for name, output in (
        ("attributes without labels", {"kind": "attributes"}),
        ("labels empty", {"kind": "attributes", "labels": []}),
        ("labels twice", {"kind": "attributes", "labels": ["a", "a"], "score_label": "a"}),
        ("labels of numbers", {"kind": "attributes", "labels": [1], "score_label": "a"}),
        ("score_label unknown", {"kind": "attributes", "labels": ["a"], "score_label": "b"}),
        ("scalar with bins", {"kind": "scalar", "bins": [0.1, 0.2]}),
        ("patch_causes", {"kind": "patch_causes", "labels": ["blur"]}),
    ):
        yield name, _set("outputs", 0, to={"name": "o", **output})
    for key, value in (
        *(("scale", 0), ("scale", True), ("scale", "1"), ("scale", 1e13), ("offset", 1e13)),
        *(("std_scale", 0), ("std_scale", -1), ("std_scale", 1e7)),
        *(("std_power", -0.1), ("std_power", 4.1), ("std_power", "1"), ("scale", 1e301)),
    ):
        yield f"calibration {key} {value!r}", _set("calibration", key, to=value)
    for score in (-1, 101, True, "50", None):
        yield f"gate {score!r}", _set("gate", "normal", to=score)
    yield "gate a list", _set("gate", to=[50])
    yield "gate of 17 presets", _set("gate", to={f"p{n}": 1 for n in range(17)})
    yield "gate preset without a name", _set("gate", to={"": 1})
    yield "limits a list", _set("limits", to=[1])
    yield "limits of a number", _set("limits", "normal", to=1)
    yield "limits unknown cause", _set("limits", "normal", to={"ugly": 0.5})
    for limit in (-0.1, 1.1, True, None):
        yield f"limit {limit!r}", _set("limits", "normal", to={"blur": limit})
    for length in (0, -1, 41, 10**6, True, 40.0):
        yield f"flatbuffer_bytes {length!r}", _set("flatbuffer_bytes", to=length)
    yield "flatbuffer_bytes too few", _set("flatbuffer_bytes", to=39)
    yield "flatbuffer_sha256 another", _set("flatbuffer_sha256", to="0" * 64)
    yield "flatbuffer_sha256 empty", _set("flatbuffer_sha256", to="")


def _broken_causes() -> Iterator[tuple[str, Change]]:
    yield "views out of order", _set("input", "views", to=["quiet", "active"])
    yield "views no square", _set("input", "views", to=["active", "active"])
    yield "views 81", _set("input", "views", to=["active"] * 81)
    yield "views unknown", _set("input", "views", to=["active", "centre"])
    yield "views numbers", _set("input", "views", to=[1])
    yield "color RGB", _set("input", "color", to="RGB")
    yield "not square", _set("input", "width", to=15)
    yield "whole picture", _set("input", "views", to=["global"])
    yield "label unknown", _set("outputs", 0, "labels", to=["blur", "ugly"])
    yield "score_label", _set("outputs", 0, "score_label", to="ugly")
    yield (
        "two outputs",
        _set("outputs", to=[*_document(_CAUSES)["outputs"], {"name": "f", "kind": "features"}]),
    )
