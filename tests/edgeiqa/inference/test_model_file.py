"""No bad model file reaches the interpreter: a spy in its place would tell."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import random
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeiqa import Scorer
from edgeiqa.cli.main import main
from edgeiqa.errors import ContractError
from edgeiqa.inference import contract as contracts
from edgeiqa.inference import interpreter
from edgeiqa.inference.contract_spec import OutputSpec
from edgeiqa.inference.model import Model, ModelError, find
from edgeiqa.inference.model_file import MAX_FILE_BYTES, open_checked
from scripts.stress.model_mutations import Bytes, Objects, contract_texts
from tests.edgeiqa.inference.verifier.made import file_with, operator, shipped, tensor

REFUSALS = (ModelError, ContractError)


class ReachedError(AssertionError):
    """The interpreter saw a file that it should not have."""


class Spy:
    """Stands where the interpreter would be."""

    def __init__(self, **arguments: Any) -> None:
        raise ReachedError(f"the interpreter got {len(arguments['model_content'])} bytes")


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "interpreter_class"
    monkeypatch.setattr(interpreter, name, lambda: Spy)
    with pytest.raises(ReachedError):
        Model("nano")  # A good one would reach it.


def zipped(text: bytes, flatbuffer: bytes | None = None, **info: Any) -> bytes:
    """A model file with any text for a contract."""
    file = io.BytesIO()
    file.write(shipped()[1] if flatbuffer is None else flatbuffer)
    entry = zipfile.ZipInfo("edgeiqa.json")
    for name, value in info.items():
        setattr(entry, name, value)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(entry, text)
    return file.getvalue()


def document(**changes: Any) -> bytes:
    return json.dumps(json.loads(contracts.to_json(shipped()[0])) | changes).encode()


def newer_contract() -> bytes:
    return zipped(document(format=2))


def newer_flatbuffer() -> bytes:
    def change(model: Any) -> None:
        model.version = 4

    return file_with(change)


def huge_tensors() -> bytes:
    """Sound in itself: a picture of 4096 x 4096 that is padded to a terabyte."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        first = tensor(model, graph.operators[0].outputs[0])
        first.shape = np.array([1, 1 << 20, 1 << 20, 1], np.int32)

    return file_with(change)


def other_shape() -> bytes:
    contract, flatbuffer = shipped()
    spec = dataclasses.replace(contract.input, height=32, width=32)
    return contracts.append(flatbuffer, dataclasses.replace(contract, input=spec))


def other_identifier() -> bytes:
    data = bytearray(find("causes").read_bytes())
    data[4:8] = b"TFL4"
    return bytes(data)


def edited_network() -> bytes:
    data = bytearray(find("causes").read_bytes())
    data[40_000] ^= 1
    return bytes(data)


def endless_loop() -> bytes:
    def change(model: Any) -> None:
        code = model.operatorCodes[operator(model, "MEAN").opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = 119  # WHILE

    return file_with(change)


def bomb() -> bytes:
    return zipped(b" " * 50_000_000, compress_type=zipfile.ZIP_DEFLATED)


def many_entries() -> bytes:
    file = io.BytesIO(find("causes").read_bytes())
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(100):
            archive.writestr(f"{number}", b"")
    return file.getvalue()


def in_the_end(**changes: int) -> bytes:
    """Another number in the last record of the ZIP."""
    data = bytearray(find("causes").read_bytes())
    names = ("disk", "first_disk", "here", "entries", "size", "start", "comment")
    fields = dict(zip(names, struct.unpack("<4H2LH", data[-18:]), strict=True)) | changes
    data[-18:] = struct.pack("<4H2LH", *fields.values())
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(find("causes").read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.rindex(mark) + at] |= 1
    return bytes(data)


def overlapping() -> bytes:
    """Two entries of the directory that share the bytes of one."""
    data = find("causes").read_bytes()
    start = data.rindex(b"PK\1\2")
    entry, end = bytearray(data[start:-22]), bytearray(data[-22:])
    other = bytearray(entry)
    other[46:58] = b"edgeiqa.jso2"
    struct.pack_into("<HHL", end, 8, 2, 2, 2 * len(entry))
    return data[:start] + bytes(entry) + bytes(other) + bytes(end)


BAD: dict[str, tuple[Any, str]] = {
    "no model": (lambda: b"GIF89a" + bytes(90), "identifier TFL3 is missing"),
    "empty": (lambda: b"", "identifier TFL3 is missing"),
    "bare": (lambda: shipped()[1], "no contract"),
    "tampered network": (edited_network, "wrong checksum"),
    "other identifier": (other_identifier, "identifier TFL3 is missing"),
    "newer contract": (newer_contract, "upgrade edgeiqa"),
    "newer flatbuffer": (newer_flatbuffer, "schema version 4"),
    "wrong shape": (other_shape, r"the flatbuffer takes uint8 \[1, 1536, 64, 1\]"),
    "huge tensors": (huge_tensors, "the network is refused: tensor .* over 1073741824"),
    "endless loop": (endless_loop, "operator 119"),
    "ZIP bomb": (bomb, "larger than 1000000"),
    "many entries": (many_entries, "101 entries .* at most 64"),
    "huge directory": (lambda: in_the_end(size=1 << 31), "at most 64 in 65536"),
    "directory elsewhere": (lambda: in_the_end(start=9), "should end at byte"),
    "ZIP64": (lambda: in_the_end(start=0xFFFFFFFF), "should end at byte"),
    "several disks": (lambda: in_the_end(disk=1), "several parts"),
    "comment": (lambda: in_the_end(comment=5), "or a comment"),
    "encrypted": (encrypted, "is encrypted"),
    "overlapping": (overlapping, "overlap"),
    "link": (lambda: zipped(document(), external_attr=0o120777 << 16), "not a regular file"),
    "folder": (
        lambda: zipped(document(), external_attr=0o40755 << 16 | 0x10),
        "not a regular file",
    ),
    "packed oddly": (lambda: zipped(document(), compress_type=zipfile.ZIP_LZMA), "method 14"),
    "deep": (
        lambda: zipped(document(training={}).replace(b"{}", b"[" * 9000)),
        "18004 deep, expected at most 32",
    ),
    "twice": (lambda: zipped(b'{"format": 1, "format": 1}'), "key 'format' occurs twice"),
    "NaN": (lambda: zipped(document(metrics={"x": float("nan")})), "NaN is not a JSON number"),
    "beyond floats": (lambda: zipped(b'{"x": 1e999}'), "too large or too long"),
    "many digits": (lambda: zipped(b'{"x": ' + b"7" * 9999 + b"}"), "9999 digits"),
    "UTF-16": (lambda: zipped(document().decode().encode("utf-16")), "not valid JSON"),
    "huge name": (lambda: zipped(document(name="x" * 900_000)), "900000 characters, at most 200"),
    "escape": (lambda: zipped(document(name="\x1b[2Jbase")), "printable characters"),
    "half a pair": (lambda: zipped(document(version="\ud800")), "printable characters"),
    "turned text": (lambda: zipped(document(name="a\u202eb")), "printable characters"),
    "huge scale": (
        lambda: zipped(document(calibration={"scale": 1e308, "offset": 0})),
        "scale is|calibration is|finite",
    ),
    "many outputs": (
        lambda: zipped(document(outputs=[{"name": str(i), "kind": "scalar"} for i in range(99)])),
        "99 outputs, expected at most 16",
    ),
    "many presets": (
        lambda: zipped(document(gate={str(i): 1 for i in range(99)})),
        "more than 16 gate presets",
    ),
    "wrong types": (lambda: zipped(document(outputs=7, gate=[], input="")), "expected"),
}


@pytest.mark.usefixtures("spy")
@pytest.mark.parametrize("name", BAD)
def test_bad_files_never_reach_the_interpreter(name: str) -> None:
    make, message = BAD[name]
    with pytest.raises(REFUSALS, match=message) as caught:
        Model(make())
    assert len(str(caught.value)) < 4000
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["huge tensors", "newer contract", "tampered network", "bare"])
def test_commands_tell_it_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.tflite"
    make, _ = BAD[name]
    path.write_bytes(make())
    assert main(["score", "--model", str(path), "edgeiqa/assets/samples/coffee.jpg"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "bad.tflite" in told
    assert main(["models", str(path)]) == 3
    listed = capsys.readouterr().out
    assert listed.count("\n") == 1
    assert listed == told.removeprefix("edgeiqa: error: ")


@pytest.mark.usefixtures("spy")
def test_a_file_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    with open(path, "wb") as file:
        file.write(b"\x20\0\0\0TFL3")
        file.truncate(MAX_FILE_BYTES + 1)  # Sparse: it takes no room.
    with pytest.raises(ModelError, match=f"at most {MAX_FILE_BYTES}"):
        Model(path)
    os.truncate(path, 20 << 30)
    with pytest.raises(ModelError, match="21474836480 bytes"):
        Model(path)


@pytest.mark.usefixtures("spy")
@pytest.mark.skipif(sys.platform == "win32", reason="devices of Unix")
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tflite")
    for path in ("/dev/zero", str(tmp_path / "pipe.tflite"), str(tmp_path)):
        with pytest.raises(ModelError, match="no model"):
            Model(Path(path))


@pytest.mark.usefixtures("spy")
def test_any_cut_is_refused() -> None:
    data = find("causes").read_bytes()
    tail = len(data) - len(shipped()[1])
    lengths = {*range(0, len(data), 1999), *range(len(data) - tail - 2, len(data), 13)}
    for length in sorted(lengths):
        with pytest.raises(REFUSALS):
            Model(data[:length])


def test_any_changed_bit_is_refused_or_changes_nothing() -> None:
    data = find("causes").read_bytes()
    contract, flatbuffer = shipped()
    rng = random.Random(3)
    unnoticed = 0
    for step in range(1500):
        place = rng.randrange(len(flatbuffer) if step % 2 else 0, len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        try:
            file = open_checked(bytes(changed))
        except REFUSALS:
            continue
        # Times, permissions and the like in the ZIP.
        assert (file.contract, file.flatbuffer) == (contract, flatbuffer)
        unnoticed += 1
    assert unnoticed < 100


@pytest.mark.parametrize("kind", [Bytes, Objects])
def test_changed_networks_with_the_right_digest_are_refused_or_sound(kind: Any) -> None:
    """A few hundred of them; `scripts/stress/hostile_models.py` runs many, in child processes."""
    contract, flatbuffer = shipped()
    mutate, rng = kind(flatbuffer), random.Random(5)
    refused = 0
    for _ in range(60):
        try:
            changed = mutate(rng, flatbuffer)
        except Exception:
            continue  # The schema's own writer cannot say it.
        try:
            open_checked(contracts.append(changed, contract))
        except REFUSALS:
            refused += 1
    assert refused > 20


def test_changed_contracts_are_refused_or_make_sense() -> None:
    contract, _ = shipped()
    rng = random.Random(8)
    longest = 0
    for _ in range(200):
        try:
            file = open_checked(zipped(contract_texts(rng, contract)))
        except REFUSALS as error:
            longest = max(longest, len(str(error)))
            continue
        contracts.from_json(contracts.to_json(file.contract))
    assert 0 < longest < 4000


def test_a_contract_of_another_network_is_refused() -> None:
    contract, _ = shipped("nano")
    with pytest.raises(ModelError, match="the flatbuffer takes"):
        open_checked(contracts.append(shipped()[1], contract))
    two = dataclasses.replace(contract, outputs=(*contract.outputs, OutputSpec("e", "features")))
    with pytest.raises(ModelError, match="1 outputs, its contract names 2"):
        open_checked(contracts.append(shipped("nano")[1], two))


def test_extreme_but_sound_contracts_score_within_the_scale() -> None:
    contract, flatbuffer = shipped("nano")
    picture = np.full((40, 50, 3), 90, np.uint8)
    for scale, offset in ((1e12, -1e12), (-1e12, 1e12), (1e-300, 50.0)):
        calibration = dataclasses.replace(contract.calibration, scale=scale, offset=offset)
        changed = dataclasses.replace(contract, calibration=calibration)
        quality = Scorer(contracts.append(flatbuffer, changed), causes=False).score(picture)
        assert 0 <= quality.score <= 100
        assert quality.std is not None
        assert np.isfinite(quality.std)
