"""The contract in the model file: written once, read strictly."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.inference.contract import (
    MAX_JSON_BYTES,
    Calibration,
    Contract,
    ContractError,
    InputSpec,
    OutputSpec,
    append,
    from_json,
    read,
    to_json,
)
from edgeiqa.inference.model import DEFAULT, find

FLATBUFFER = b"\x20\0\0\0TFL3" + bytes(range(256)) * 4
OPINION = OutputSpec("opinion", "histogram_logits", bins=(0.1, 0.5, 0.9))


def contract(**changes: Any) -> Contract:
    return dataclasses.replace(
        Contract(
            name="test",
            version="1.2.3",
            input=InputSpec(96, 128, fit="crop"),
            outputs=(OPINION, OutputSpec("embedding", "features")),
            calibration=Calibration(95.5, 1.25),
            gate={"relaxed": 30.0, "normal": 45.5},
            training={"data": ["BIQ2021"], "terms": "研究 only"},
            metrics={"srocc": 0.82},
        ),
        **changes,
    )


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(to_json(contract())) | changes


def packed(text: bytes, name: str = "edgeiqa.json", **options: Any) -> bytes:
    file = io.BytesIO()
    file.write(FLATBUFFER)
    with zipfile.ZipFile(file, "a", **options) as archive:
        archive.writestr(name, text)
    return file.getvalue()


def printable() -> st.SearchStrategy[str]:
    marks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=marks)


def test_what_is_appended_is_read_back() -> None:
    data = append(FLATBUFFER, contract())
    assert data.startswith(FLATBUFFER)
    got, flatbuffer = read(data)
    assert flatbuffer == FLATBUFFER
    assert got == contract(
        flatbuffer_bytes=len(FLATBUFFER),
        flatbuffer_sha256=hashlib.sha256(FLATBUFFER).hexdigest(),
    )


def test_every_kind_of_output_survives_the_json() -> None:
    outputs = (
        OutputSpec("a", "scalar"),
        OutputSpec("b", "histogram", bins=(0.0, 1.0)),
        OutputSpec("c", "attributes", labels=("sharp", "quality"), score_label="quality"),
        OutputSpec("d", "features"),
    )
    assert from_json(to_json(contract(outputs=outputs))).outputs == outputs


@given(
    st.floats(-1e9, 1e9).filter(lambda x: x != 0),
    st.floats(-1e9, 1e9),
    st.text(printable(), min_size=1, max_size=200),
    st.lists(st.floats(0, 1), min_size=2, max_size=30, unique=True).map(sorted),
)
def test_numbers_and_texts_survive_to_the_last_bit(
    scale: float, offset: float, name: str, bins: list[float]
) -> None:
    before = contract(
        name=name,
        outputs=(OutputSpec("o", "histogram", bins=tuple(bins)),),
        calibration=Calibration(scale, offset),
    )
    data = append(FLATBUFFER, before)
    assert dataclasses.replace(read(data)[0], flatbuffer_bytes=0, flatbuffer_sha256="") == before


def test_a_calibrated_std_survives_and_files_without_one_stay_as_they_were() -> None:
    assert set(document()["calibration"]) == {"scale", "offset"}
    assert from_json(to_json(contract())).calibration == Calibration(95.5, 1.25, 1.0, 1.0)
    changed = contract(calibration=Calibration(95.5, 1.25, 0.0873, 1.535))
    assert from_json(to_json(changed)) == changed


def test_the_same_contract_gives_the_same_bytes_on_any_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = append(FLATBUFFER, contract())
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert append(FLATBUFFER, contract()) == first


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_unzip_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(append(FLATBUFFER, contract()))
    shown = subprocess.run(
        ["unzip", "-p", str(path), "edgeiqa.json"], capture_output=True, check=True
    )
    assert json.loads(shown.stdout)["name"] == "test"


def test_the_shipped_model_has_one() -> None:
    got, flatbuffer = read(find(DEFAULT).read_bytes())
    assert got.name == DEFAULT
    assert got.flatbuffer_bytes == len(flatbuffer)
    assert set(got.gate) == {"relaxed", "normal", "strict"}
    assert got.gate["relaxed"] < got.gate["normal"] < got.gate["strict"]
    assert got.input.dtype == "uint8"


def test_unknown_keys_are_ignored() -> None:
    text = json.dumps(document(author="somebody", input=document()["input"] | {"dpi": 300}))
    assert from_json(text) == contract()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format 2.*reads up to 1.*upgrade edgeiqa"),
        ({"format": 0}, "format is 0"),
        ({"format": "1"}, "format is '1'"),
        ({"format": True}, "format is True"),
        ({"name": ""}, "name is ''"),
        ({"version": 1}, "version is 1, expected text"),
        ({"input": None}, "input.*expected an object"),
        ({"input": {}}, "no key 'views'"),
        ({"outputs": {}}, "outputs.*expected a list"),
        ({"outputs": []}, "no output gives a score"),
        ({"outputs": [7]}, "an output is 7"),
        ({"outputs": [{"name": "x", "kind": "features"}]}, "no output gives a score"),
        ({"outputs": [{"name": "x", "kind": "oracle"}]}, "'oracle', this edgeiqa supports"),
        ({"outputs": [{"name": "x", "kind": "scalar"}] * 2}, "have the same name"),
        ({"outputs": [{"name": "x", "kind": "scalar", "bins": [0, 1]}]}, "bins are required"),
        ({"outputs": [{"name": "x", "kind": "histogram"}]}, "bins are required"),
        ({"outputs": [{"name": "x", "kind": "histogram", "bins": [0.5]}]}, "two bins"),
        ({"outputs": [{"name": "x", "kind": "histogram", "bins": [0.5, 0.1]}]}, "ascending"),
        ({"outputs": [{"name": "x", "kind": "histogram", "bins": [1, 5]}]}, "from 0 to 1"),
        ({"outputs": [{"name": "x", "kind": "histogram", "bins": ["a"]}]}, "'a' is not a finite"),
        ({"outputs": [{"name": "x", "kind": "attributes"}]}, "labels are required"),
        ({"outputs": [{"name": "x", "kind": "attributes", "labels": [1]}]}, "labels must be text"),
        ({"outputs": [{"name": "x", "kind": "attributes", "labels": [[]]}]}, "labels must be text"),
        (
            {"outputs": [{"name": "x", "kind": "attributes", "labels": ["a"], "score_label": "b"}]},
            "'b' is not one of its labels",
        ),
        ({"calibration": {"scale": 0, "offset": 0}}, "scale other than 0"),
        ({"calibration": {"scale": "1", "offset": 0}}, "scale.*finite number"),
        ({"calibration": {"scale": 1, "offset": 0, "std_scale": 0}}, "std_scale is 0"),
        ({"calibration": {"scale": 1, "offset": 0, "std_scale": 2e6}}, "std_scale"),
        ({"calibration": {"scale": 1, "offset": 0, "std_scale": "1"}}, "std_scale.*finite"),
        ({"calibration": {"scale": 1, "offset": 0, "std_power": -0.1}}, "std_power is -0.1"),
        ({"calibration": {"scale": 1, "offset": 0, "std_power": 4.5}}, "std_power is 4.5"),
        ({"calibration": {"scale": 10**350, "offset": 0}}, "scale.*finite number"),
        ({"gate": {"normal": 101}}, "'normal' is 101"),
        ({"gate": {"normal": "x"}}, "'normal' is 'x'"),
        ({"flatbuffer_bytes": 1.5}, "flatbuffer_bytes.*integer"),
        ({"flatbuffer_sha256": None}, "flatbuffer_sha256.*text"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        from_json(json.dumps(document(**changes)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("height", 0, "height is 0, expected 1 to 4096"),
        ("width", 5000, "width is 5000"),
        ("width", 96.0, "width.*integer"),
        ("dtype", "int8", "dtype is 'int8', this edgeiqa supports uint8"),
        ("color", "BGR", "color is 'BGR'"),
        ("fit", "pad", "fit is 'pad'"),
        ("resample", "nearest", "resample is 'nearest'"),
        ("views", ["global", "native"], "views"),
        ("views", [], "views"),
    ],
)
def test_inputs_that_cannot_be_served_are_refused(key: str, value: object, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        from_json(json.dumps(document(input=document()["input"] | {key: value})))


@pytest.mark.parametrize("key", sorted(document()))
def test_no_key_may_be_missing(key: str) -> None:
    rest = document()
    del rest[key]
    with pytest.raises(ContractError, match=key):
        from_json(json.dumps(rest))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe\xfa", b'{"format": NaN}', b"[" * 100_000, b"7", b"[]", b"null"],
    ids=["empty", "cut", "no text", "NaN", "deep", "number", "list", "null"],
)
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(ContractError, match=r"edgeiqa\.json"):
        from_json(text)
    with pytest.raises(ContractError):
        read(packed(text))


def test_infinity_by_way_of_a_huge_number_is_refused() -> None:
    text = to_json(contract()).replace("95.5", "1e999")
    with pytest.raises(ContractError, match="1e999 is too large"):
        from_json(text)


def test_a_contract_that_json_cannot_say_is_not_written() -> None:
    with pytest.raises(ContractError, match="cannot be written"):
        to_json(contract(metrics={"srocc": float("nan")}))
    with pytest.raises(ContractError, match="cannot be written"):
        to_json(contract(training={"data": {1, 2}}))


def test_append_wants_a_bare_flatbuffer() -> None:
    with pytest.raises(ContractError, match="TFL3"):
        append(b"no model at all", contract())
    with pytest.raises(ContractError, match="ZIP appended already"):
        append(append(FLATBUFFER, contract()), contract())
    with pytest.raises(ContractError, match="at most 1000000"):
        append(FLATBUFFER, contract(training={"log": "x" * MAX_JSON_BYTES}))


def test_a_bare_tflite_and_other_files_have_no_contract() -> None:
    with pytest.raises(ContractError, match="no contract"):
        read(FLATBUFFER)
    with pytest.raises(ContractError, match="TFL3"):
        read(b"")
    with pytest.raises(ContractError, match=r"0 entries edgeiqa\.json"):
        read(packed(b"labels", name="labels.txt"))


def test_any_change_of_the_flatbuffer_is_noticed() -> None:
    data = bytearray(append(FLATBUFFER, contract()))
    data[500] ^= 1
    with pytest.raises(ContractError, match="wrong checksum"):
        read(bytes(data))


def test_any_truncation_is_noticed() -> None:
    data = append(FLATBUFFER, contract())
    for length in [*range(0, len(data), 37), len(data) - 1]:
        with pytest.raises(ContractError):
            read(data[:length])


def test_a_wrong_length_is_noticed() -> None:
    for claimed in (0, -1, len(FLATBUFFER) + 1, 10**12):
        text = json.dumps(document(flatbuffer_bytes=claimed)).encode()
        with pytest.raises(ContractError, match="bytes of flatbuffer"):
            read(packed(text))


def test_a_zip_bomb_is_not_inflated() -> None:
    bomb = packed(b" " * (MAX_JSON_BYTES + 1), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10_000
    with pytest.raises(ContractError, match="larger than 1000000"):
        read(bomb)
    # The directory may lie about the size.
    central = bomb.rindex(b"PK\x01\x02")
    lying = bytearray(bomb)
    lying[central + 24 : central + 28] = (100).to_bytes(4, "little")
    with pytest.raises(ContractError):
        read(bytes(lying))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_contracts_are_one_too_many() -> None:
    file = io.BytesIO(append(FLATBUFFER, contract()))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("edgeiqa.json", to_json(contract()))
    with pytest.raises(ContractError, match="2 entries"):
        read(file.getvalue())


@given(st.binary(max_size=300))
def test_rubbish_is_a_contract_error(rubbish: bytes) -> None:
    with pytest.raises(ContractError):
        read(rubbish)
    with pytest.raises(ContractError):
        read(FLATBUFFER + rubbish)
