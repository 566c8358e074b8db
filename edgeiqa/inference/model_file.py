"""Reads a model file and checks it in full before it runs.

The SHA-256 in the contract detects accidental damage, but a malicious file has a matching one.
Therefore the contract, the flatbuffer and their consistency are also checked, from the bytes alone.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from edgeiqa.errors import ModelError
from edgeiqa.inference import contract as contracts
from edgeiqa.inference.contract import Contract
from edgeiqa.inference.verifier.flatbuffer import FlatbufferError
from edgeiqa.inference.verifier.verify import Checked, check

_PIECE = 1 << 20

MAX_FILE_BYTES = 1 << 28
"""268 MB, about twice the size of the largest Keras classifier as int8."""


@dataclass(frozen=True)
class ModelFile:
    """A model file that passed all checks.

    Attributes:
        contract: Its contract.
        flatbuffer: The network for the runtime.
        origin: Its path, for messages.
        bytes: Length of the file.
    """

    contract: Contract
    flatbuffer: bytes
    origin: str
    bytes: int


def open_checked(
    model: str | os.PathLike[str] | bytes | bytearray, *, origin: str | None = None
) -> ModelFile:
    """Reads and checks a model file.

    Args:
        model: Path of a .tflite, or its bytes.
        origin: How messages refer to it; by default its path, or its length in bytes.

    Returns:
        The checked file.

    Raises:
        ModelError: Larger than 256 MiB; or the flatbuffer is damaged, newer than this edgeiqa,
            uses features that picture models do not need, or contradicts its contract.
        ContractError: No contract, a damaged or newer one, or a wrong checksum.
        OSError: The file cannot be read.
    """
    if isinstance(model, (bytes, bytearray)):
        origin = origin or f"<{len(model)} bytes>"
        _refuse_large(len(model), origin)
        data = bytes(model)
    else:
        origin = origin or os.fspath(model)
        data = read_model_file(model)
    try:
        contract, flatbuffer = contracts.read(data)
    except contracts.ContractError as error:
        raise contracts.ContractError(f"{origin}: {error}") from error
    try:
        found = check(flatbuffer)
    except FlatbufferError as error:
        raise ModelError(f"{origin}: the network is refused: {error}") from error
    try:
        _check_together(found, contract)
    except ModelError as error:
        raise ModelError(f"{origin}: {error}") from error
    return ModelFile(contract, flatbuffer, origin, len(data))


def read_model_file(path: str | os.PathLike[str]) -> bytes:
    """Reads a model file without checking its content.

    Raises:
        ModelError: Larger than 256 MiB.
        OSError: The file cannot be read.
    """
    origin = os.fspath(path)
    # In pieces: a file may grow, devices have no size, and a single read would allocate its limit.
    data = bytearray()
    with open(path, "rb") as file:
        _refuse_large(os.fstat(file.fileno()).st_size, origin)
        while piece := file.read(_PIECE):
            data += piece
            _refuse_large(len(data), origin)
    return bytes(data)


def _refuse_large(size: int, origin: str) -> None:
    if size > MAX_FILE_BYTES:
        raise ModelError(
            f"{origin}: {size} bytes, expected a model file of at most {MAX_FILE_BYTES}"
        )


def _check_together(found: Checked, contract: Contract) -> None:
    spec = contract.input
    if len(found.inputs) != 1:
        raise ModelError(f"the flatbuffer has {len(found.inputs)} inputs, expected one picture")
    (taken,) = found.inputs
    if taken.shape != spec.tensor_shape or taken.type != spec.dtype:
        raise ModelError(
            f"the flatbuffer takes {taken.type} {list(taken.shape)}, its contract expects "
            f"{spec.dtype} {list(spec.tensor_shape)}"
        )
    if len(found.outputs) != len(contract.outputs):
        raise ModelError(
            f"the flatbuffer has {len(found.outputs)} outputs, its contract names "
            f"{len(contract.outputs)}"
        )
    for output, tensor in zip(contract.outputs, found.outputs, strict=True):
        if tensor.type not in ("int8", "uint8", "int16", "float32"):
            raise ModelError(f"output {output.name!r} is {tensor.type}, expected int8 or float32")
        if tensor.type != "float32" and len(tensor.scale) != 1:
            raise ModelError(f"output {output.name!r} is {tensor.type} without a scale")
        wanted = output.values
        if wanted and output.kind == "patch_causes":
            wanted *= len(contract.input.views)
        values = math.prod(tensor.shape)
        if values != (wanted or values) or (len(tensor.shape) > 1 and tensor.shape[0] != 1):
            raise ModelError(
                f"output {output.name!r} has the shape {list(tensor.shape)}, its contract expects "
                f"{[1, wanted or 'any']}"
            )
