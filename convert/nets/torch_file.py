"""Reads the tensors of a PyTorch state dict (``.pt``, ``.pth``) without PyTorch.

Such a file is a pickle beside raw numbers: since PyTorch 1.6 in a zip archive, before that in one
stream. A pickle can name any function to be called, so the reader knows a handful of names, all of
them its own or harmless, and refuses every other.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class TorchFileError(ValueError):
    """A file that is not a state dict of plain tensors."""


@dataclass
class _Storage:
    dtype: str
    count: int
    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))

    def fill(self, content: bytes) -> None:
        if len(content) != self.count * np.dtype(self.dtype).itemsize:
            raise TorchFileError("a tensor is cut short")
        self.values = np.frombuffer(content, self.dtype)


@dataclass
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        last = sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        inside = min(self.offset, *self.strides, 0) >= 0 and min(self.shape, default=1) > 0
        if not inside or self.offset + last >= self.storage.count:
            raise TorchFileError("a tensor reaches beyond its numbers")
        values = self.storage.values[self.offset :]
        strides = [step * values.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(values, self.shape, strides, writeable=False)
        return view.copy(order="C")


def _rebuild(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """Knows tensors and dictionaries, nothing else."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in _DTYPES:
            return name
        raise TorchFileError(
            f"it names {module}.{name}; expected a state dict: torch.save(model.state_dict(), FILE)"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count = pid[:5]
        return self.storages.setdefault(str(key), _Storage(_DTYPES[kind], int(count)))


def read_state_dict(file: Path) -> dict[str, NDArray[Any]]:
    """Reads a state dict.

    Args:
        file: What ``torch.save(model.state_dict(), file)`` wrote, in any version.

    Returns:
        The tensors by name, in the file's order.

    Raises:
        TorchFileError: It is something else, damaged, or names what is not known to be harmless.
    """
    try:
        state = _read_zip(file) if zipfile.is_zipfile(file) else _read_stream(file)
        tensors = {str(k): v.array() for k, v in state.items() if isinstance(v, _Tensor)}
    except TorchFileError as error:
        raise TorchFileError(f"{file.name} is not a PyTorch state dict: {error}") from error
    except Exception as error:  # pickles and archives break in many ways
        reason = str(error) or type(error).__name__
        raise TorchFileError(f"{file.name} is not a PyTorch state dict: {reason}") from error
    if not tensors:
        raise TorchFileError(f"{file.name} holds no tensors")
    return tensors


def _read_zip(file: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        (entry,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = entry.removesuffix("data.pkl")
        with archive.open(entry) as stream:
            unpickler = _Unpickler(stream)
            state = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.fill(archive.read(f"{folder}data/{key}"))
    return state


def _read_stream(file: Path) -> Any:
    with file.open("rb") as stream:
        if _Unpickler(stream).load() != _MAGIC:
            raise TorchFileError("its first bytes are others")
        for _ in ("version of the format", "sizes of types"):
            _Unpickler(stream).load()
        unpickler = _Unpickler(stream)
        state = unpickler.load()
        for key in _Unpickler(stream).load():
            storage = unpickler.storages[str(key)]
            if int.from_bytes(stream.read(8), "little") != storage.count:
                raise TorchFileError("a tensor is cut short")
            storage.fill(stream.read(storage.count * np.dtype(storage.dtype).itemsize))
    return state
