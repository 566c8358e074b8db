"""The contract of a .tflite: its input, its outputs, and the meaning of the numbers.

It is the JSON document `edgeiqa.json` in a ZIP appended to the flatbuffer, the way TFLite
Metadata packs associated files: `unzip model.tflite` shows it, every TFLite runtime ignores it.
Reading is strict, since a model file may come from anywhere; see `docs/reference/contract.md`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeiqa.causes import CAUSES
from edgeiqa.errors import ContractError
from edgeiqa.inference import strict_json
from edgeiqa.inference.contract_spec import (
    Calibration,
    InputSpec,
    OutputSpec,
    check_text,
    is_int,
    is_number,
    shown,
)
from edgeiqa.inference.contract_zip import ENTRY, MAX_JSON_BYTES, read_entry

__all__ = [
    "ENTRY",
    "MAX_JSON_BYTES",
    "Calibration",
    "Contract",
    "ContractError",
    "InputSpec",
    "OutputSpec",
    "append",
    "from_json",
    "read",
    "to_json",
]

FORMAT = 1
MAX_OUTPUTS = 16
MAX_PRESETS = 16
_FLATBUFFER_ID = b"TFL3"


@dataclass(frozen=True)
class Contract:
    """The description of a model that its file carries.

    Attributes:
        name: Name of the model, such as "base".
        version: Version of the model, such as "1.0.0".
        input: The picture that the model takes.
        outputs: In the order of the flatbuffer's outputs; at least one gives the score.
        calibration: Maps the raw score to 0-100, and the histogram's spread to `std`.
        gate: Minimum score per preset: "relaxed", "normal", "strict"; may be empty.
        limits: Maximum severity, 0-1, per preset and cause; may be empty.
        training: Data, terms and recipe, as free-form JSON.
        metrics: Measurements and the commands that made them, as free-form JSON.
        flatbuffer_bytes: Length of the flatbuffer; set by `append`.
        flatbuffer_sha256: Its SHA-256 in hexadecimal; set by `append`.
        format: Format version of this document; 1.
    """

    name: str
    version: str
    input: InputSpec
    outputs: tuple[OutputSpec, ...]
    calibration: Calibration = field(default_factory=Calibration)
    gate: dict[str, float] = field(default_factory=dict)
    limits: dict[str, dict[str, float]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    flatbuffer_bytes: int = 0
    flatbuffer_sha256: str = ""
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Checks the values; raises ContractError."""
        _check_format(self.format)
        for key in ("name", "version"):
            check_text(getattr(self, key), key)
        if len(self.outputs) > MAX_OUTPUTS:
            raise ContractError(f"{len(self.outputs)} outputs, expected at most {MAX_OUTPUTS}")
        if max(len(self.gate), len(self.limits)) > MAX_PRESETS:
            raise ContractError(f"more than {MAX_PRESETS} gate presets")
        for preset in (*self.gate, *self.limits):
            check_text(preset, "the name of a gate preset")
        names = [output.name for output in self.outputs]
        if len(set(names)) != len(names):
            raise ContractError(f"two outputs have the same name: {', '.join(names)}")
        if self.detects_causes:
            if self.input.views == ("global",) or len(self.outputs) != 1:
                raise ContractError(
                    "a cause detector must take patches and have exactly one output"
                )
        elif not any(output.gives_score for output in self.outputs):
            raise ContractError(
                "no output gives a score: expected a histogram, a scalar, "
                "or attributes with a score_label"
            )
        elif self.input.views != ("global",):
            raise ContractError(
                "a model that predicts scores must take the whole picture, not patches"
            )
        for preset, minimum in self.gate.items():
            if not is_number(minimum) or not 0 <= minimum <= 100:
                raise ContractError(
                    f"gate preset {preset!r} is {shown(minimum)}, expected 0 to 100"
                )
        for preset, limits in self.limits.items():
            for cause, maximum in limits.items():
                if cause not in CAUSES or not is_number(maximum) or not 0 <= maximum <= 1:
                    raise ContractError(
                        f"limit {shown(cause)} of preset {preset!r} is {shown(maximum)}, expected "
                        f"0 to 1 for one of {', '.join(CAUSES)}"
                    )

    @property
    def detects_causes(self) -> bool:
        """Whether the model detects causes rather than predicting scores."""
        return any(output.kind == "patch_causes" for output in self.outputs)

    @property
    def score_output(self) -> OutputSpec:
        """The first output that gives a score."""
        return next(output for output in self.outputs if output.gives_score)


def to_json(contract: Contract) -> str:
    """Serializes a contract as JSON; equal contracts give identical text.

    Raises:
        ContractError: `training` or `metrics` contains a value that JSON lacks, such as NaN.
    """
    document = {"format": contract.format, **dataclasses.asdict(contract)}
    for output in document["outputs"]:
        for key in ("bins", "labels", "score_label"):
            if output[key] is None:
                del output[key]
        if output["activation"] == "linear":
            del output["activation"]
    if not document["limits"]:
        del document["limits"]
    for key in ("std_scale", "std_power"):
        # Omitted at the default, so that files written before these keys existed stay identical.
        if document["calibration"][key] == 1.0:
            del document["calibration"][key]
    try:
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ContractError(f"the contract cannot be written as JSON: {error}") from error


def from_json(text: str | bytes) -> Contract:
    """Reads a contract. Unknown keys are ignored, so that format 1 can be extended.

    Raises:
        ContractError: Not JSON, a newer format, or a missing or invalid value.
    """
    try:
        document = strict_json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{ENTRY} is not valid JSON: {str(error)[:200]}") from error
    if not isinstance(document, dict):
        raise ContractError(f"{ENTRY} is a JSON {type(document).__name__}, expected an object")
    # Checked first: the rest depends on the format.
    _check_format(document.get("format"))
    calibration = _get(document, "calibration", dict)
    return Contract(
        name=_get(document, "name", str),
        version=_get(document, "version", str),
        input=_input(_get(document, "input", dict)),
        outputs=tuple(_output(o) for o in _get(document, "outputs", list)),
        calibration=Calibration(
            scale=_get(calibration, "scale", float),
            offset=_get(calibration, "offset", float),
            std_scale=_or(_optional(calibration, "std_scale", float), 1.0),
            std_power=_or(_optional(calibration, "std_power", float), 1.0),
        ),
        gate=_get(document, "gate", dict),
        limits=_limits(_optional(document, "limits", dict) or {}),
        training=_get(document, "training", dict),
        metrics=_get(document, "metrics", dict),
        flatbuffer_bytes=_get(document, "flatbuffer_bytes", int),
        flatbuffer_sha256=_get(document, "flatbuffer_sha256", str),
    )


def append(flatbuffer: bytes, contract: Contract) -> bytes:
    """Packs a flatbuffer and its contract into the bytes of a model file.

    The result is reproducible: the same arguments give the same bytes at any time, on any machine.

    Args:
        flatbuffer: A .tflite without anything appended.
        contract: The contract; its length and checksum are set here.

    Returns:
        The model file: the unchanged flatbuffer, followed by a ZIP that contains `edgeiqa.json`.

    Raises:
        ContractError: Not a TFLite flatbuffer, a ZIP is appended already, or the
            contract is larger than 1 MB.
    """
    if flatbuffer[4:8] != _FLATBUFFER_ID:
        raise ContractError("not a TFLite flatbuffer: the identifier TFL3 is missing")
    if zipfile.is_zipfile(io.BytesIO(flatbuffer)):
        raise ContractError(
            "this .tflite has a ZIP appended already; use the bare flatbuffer "
            "that edgeiqa.inference.contract.read returns"
        )
    filled = dataclasses.replace(
        contract,
        flatbuffer_bytes=len(flatbuffer),
        flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest(),
    )
    text = to_json(filled).encode()
    if len(text) > MAX_JSON_BYTES:
        raise ContractError(
            f"the contract has {len(text)} bytes, at most {MAX_JSON_BYTES} are allowed"
        )
    from_json(text)  # Never write what cannot be read back.
    file = io.BytesIO()
    file.write(flatbuffer)
    info = zipfile.ZipInfo(ENTRY, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = 0o644 << 16
    # On data that is not a ZIP, mode "a" appends one, with offsets from the start of the file.
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, text)
    return file.getvalue()


def read(data: bytes) -> tuple[Contract, bytes]:
    """Splits a model file into contract and flatbuffer, and checks both.

    Args:
        data: The bytes of a .tflite.

    Returns:
        The contract, and the bare flatbuffer that it describes.

    Raises:
        ContractError: No contract, a newer format, a wrong checksum, a truncated file, or a
            document that is too large, not JSON, or inconsistent.
    """
    if data[4:8] != _FLATBUFFER_ID:
        raise ContractError("not a TFLite model: the identifier TFL3 is missing")
    text, start = read_entry(data)
    contract = from_json(text)
    if not 0 < contract.flatbuffer_bytes <= start:
        raise ContractError(
            f"the contract states {shown(contract.flatbuffer_bytes)} bytes of flatbuffer, "
            f"the file has {start}: it is damaged, or it was edited"
        )
    flatbuffer = data[: contract.flatbuffer_bytes]
    digest = hashlib.sha256(flatbuffer).hexdigest()
    if digest != contract.flatbuffer_sha256.lower():
        raise ContractError(
            f"wrong checksum: the flatbuffer has SHA-256 {digest}, "
            f"its contract expects {shown(contract.flatbuffer_sha256)}"
        )
    return contract, flatbuffer


def _check_format(value: object) -> None:
    if not is_int(value) or value < 1:  # type: ignore[operator]
        raise ContractError(f"format is {shown(value)}, expected a positive integer")
    if value > FORMAT:  # type: ignore[operator]
        raise ContractError(
            f"the contract has format {shown(value)}, this edgeiqa reads up to {FORMAT}: "
            "upgrade edgeiqa"
        )


def _input(document: dict[str, Any]) -> InputSpec:
    views = _get(document, "views", list)
    texts = {key: _get(document, key, str) for key in ("dtype", "color", "fit", "resample")}
    return InputSpec(
        height=_get(document, "height", int),
        width=_get(document, "width", int),
        views=tuple(views),
        **texts,
    )


def _limits(document: dict[str, Any]) -> dict[str, dict[str, float]]:
    for preset, limits in document.items():
        if not isinstance(limits, dict):
            raise ContractError(
                f"limits of preset {shown(preset)} are {shown(limits)}, expected an object"
            )
    return document


def _output(document: object) -> OutputSpec:
    if not isinstance(document, dict):
        raise ContractError(f"an output is {shown(document)}, expected an object")
    bins = _optional(document, "bins", list)
    labels = _optional(document, "labels", list)
    return OutputSpec(
        name=_get(document, "name", str),
        kind=_get(document, "kind", str),
        bins=None if bins is None else tuple(_numbers(bins)),
        labels=None if labels is None else tuple(labels),
        score_label=_optional(document, "score_label", str),
        activation=_optional(document, "activation", str) or "linear",
    )


def _numbers(values: list[object]) -> list[float]:
    for value in values:
        if not is_number(value):
            raise ContractError(f"{shown(value)} is not a finite number")
    return [float(value) for value in values]  # type: ignore[arg-type]


_IS: dict[type, tuple[str, Callable[[object], bool]]] = {
    str: ("text", lambda v: isinstance(v, str)),
    int: ("an integer", lambda v: is_int(v)),
    float: ("a finite number", lambda v: is_number(v)),
    list: ("a list", lambda v: isinstance(v, list)),
    dict: ("an object", lambda v: isinstance(v, dict)),
}


def _get(document: Mapping[str, Any], key: str, kind: type) -> Any:
    if key not in document:
        raise ContractError(f"{ENTRY} has no key {key!r}")
    name, fits = _IS[kind]
    value = document[key]
    if not fits(value):
        raise ContractError(f"{key} is {shown(value)}, expected {name}")
    return float(value) if kind is float else value


def _optional(document: Mapping[str, Any], key: str, kind: type) -> Any:
    return None if document.get(key) is None else _get(document, key, kind)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
