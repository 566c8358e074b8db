from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convert.nets.torch_file import TorchFileError, read_state_dict

Write = Callable[..., Path]
MAGIC = 0x1950A86A20F9469CFC6C
VALUES = np.arange(6, dtype="<f4")


def tensor(shape: str = "I2\nI3\n", strides: str = "I3\nI1\n", offset: int = 0) -> bytes:
    """A state dict of one tensor "a.weight" of storage "7", as text of pickle's protocol 0."""
    return (
        "(dS'a.weight'\nctorch._utils\n_rebuild_tensor_v2\n"
        "((S'storage'\nctorch\nFloatStorage\nS'7'\nS'cpu'\nI6\ntQ"
        f"I{offset}\n({shape}t({strides}ttRs."
    ).encode()


def zipped(file: Path, state: bytes, content: bytes = VALUES.tobytes()) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", state)
        archive.writestr("archive/data/7", content)
    return file


def streamed(file: Path, state: bytes, content: bytes = VALUES.tobytes()) -> Path:
    head = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    count = len(VALUES).to_bytes(8, "little")
    keys = pickle.dumps(["7"] if b"storage" in state else [], 2)
    file.write_bytes(head + state + keys + count + content)
    return file


@pytest.mark.parametrize("write", [zipped, streamed])
def test_tensors_of_both_formats_are_read(tmp_path: Path, write: Write) -> None:
    found = read_state_dict(write(tmp_path / "w.pt", tensor()))
    assert list(found) == ["a.weight"]
    assert np.array_equal(found["a.weight"], VALUES.reshape(2, 3))
    turned = write(tmp_path / "t.pt", tensor("I3\nI2\n", "I1\nI3\n"))
    assert np.array_equal(read_state_dict(turned)["a.weight"], VALUES.reshape(2, 3).T)
    scalar = write(tmp_path / "s.pt", tensor("", "", offset=4))
    assert read_state_dict(scalar)["a.weight"].shape == ()
    assert read_state_dict(scalar)["a.weight"] == 4.0


@pytest.mark.parametrize(
    ("state", "named"),
    [
        (b"cos\nsystem\n(S'echo'\ntR.", r"os\.system"),
        (b"cbuiltins\neval\n(S'1'\ntR.", r"builtins\.eval"),
        (b"ctorch.nn.modules.linear\nLinear\n)\x81.", r"torch\.nn\.modules\.linear\.Linear"),
        (b"(dS'a'\nI1\ns.", "no tensors"),
        (tensor(offset=1), "beyond"),
        (tensor(strides="I3\nI-1\n"), "beyond"),
        (tensor(strides="I300\nI1\n"), "beyond"),
        (b"", "not a PyTorch state dict"),
    ],
)
@pytest.mark.parametrize("write", [zipped, streamed])
def test_all_else_is_refused(tmp_path: Path, write: Write, state: bytes, named: str) -> None:
    with pytest.raises(TorchFileError, match=named):
        read_state_dict(write(tmp_path / "w.pt", state))


def test_files_that_are_cut_short_or_something_else_are_refused(tmp_path: Path) -> None:
    for write in (zipped, streamed):
        with pytest.raises(TorchFileError, match="cut short"):
            read_state_dict(write(tmp_path / "w.pt", tensor(), VALUES.tobytes()[:-1]))
    (tmp_path / "w.pt").write_bytes(b"PK not really")
    with pytest.raises(TorchFileError, match=r"w\.pt is not a PyTorch state dict"):
        read_state_dict(tmp_path / "w.pt")
