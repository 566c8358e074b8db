"""A head on several depths, added to the shipped nano."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data

from convert.common.opinion import bin_centres, expected
from convert.quantization.depth_features import interpreters
from convert.quantization.depth_head import (
    DepthHeadError,
    depth_tensors,
    grafted,
    tapped,
)
from convert.quantization.rehead import _chosen
from edgeiqa.inference.contract import append, read
from edgeiqa.inference.model import Model, find
from edgeiqa.preprocessing.resize import resize

DEPTHS = ["block02_add", "block09_add"]


@pytest.fixture(scope="module")
def nano() -> bytes:
    return find("nano").read_bytes()


@pytest.fixture(scope="module")
def pictures(nano: bytes) -> np.ndarray:
    size = read(nano)[0].input.height
    scenes = [data.astronaut(), data.coffee(), data.chelsea()]
    degraded = [np.clip(scene * 0.3, 0, 255).astype(np.uint8) for scene in scenes]
    return np.stack([np.asarray(resize(one, (size, size))) for one in (*scenes, *degraded)])


def outputs(network: bytes, picture: np.ndarray) -> list[np.ndarray]:
    (interpreter,) = interpreters(network, 1)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
    interpreter.invoke()
    found = []
    for detail in interpreter.get_output_details():
        scale, zero = detail["quantization"]
        found.append((interpreter.get_tensor(detail["index"])[0].astype(float) - zero) * scale)
    return found


def logits_of(network: bytes, picture: np.ndarray) -> np.ndarray:
    return outputs(network, picture)[0]


def opinion(logits: np.ndarray) -> float:
    return float(expected(logits[None], np.array(bin_centres(len(logits))))[0])


def test_inner_maps_beside_the_same_opinion(nano: bytes, pictures: np.ndarray) -> None:
    names = depth_tensors(nano)
    assert names[-1] == "head"
    assert DEPTHS[0] in names
    own, early, late = outputs(tapped(nano, DEPTHS), pictures[0])
    assert np.array_equal(own, logits_of(nano, pictures[0]))
    assert early.shape == (56, 56, 24)
    assert late.shape == (14, 14, 64)


def test_depths_add_up_to_what_was_asked_for(nano: bytes, pictures: np.ndarray) -> None:
    contract = read(nano)[0]
    generator = np.random.default_rng(0)
    widths = dict(zip(DEPTHS, (24, 64), strict=True))
    slopes = np.linspace(-2.0, 2.0, 10)
    kernels = {name: np.outer(generator.normal(0, 1, n), slopes) for name, n in widths.items()}
    ranges = dict.fromkeys(DEPTHS, ((-5.0, 5.0), (-20.0, 20.0)))
    network = grafted(nano, kernels, ranges, (-30.0, 20.0))
    moved = []
    for picture in pictures:
        old, *maps = outputs(tapped(nano, DEPTHS), picture)
        change: Any = sum(
            value.mean((0, 1)) @ kernels[name] for name, value in zip(DEPTHS, maps, strict=True)
        )
        found = logits_of(network, picture)
        assert opinion(found) == pytest.approx(opinion(old + change), abs=0.03)
        moved.append(abs(opinion(found) - opinion(old)))
    assert max(moved) > 0.1
    # With the contract of the old model the new file is whole.
    model = Model(append(network, contract))
    assert model.run(pictures[:1])["opinion"].shape == (10,)


def test_nothing_added_changes_nothing(nano: bytes, pictures: np.ndarray) -> None:
    ranges = {"block02_add": ((-5.0, 5.0), (-1.0, 1.0))}
    network = grafted(nano, {"block02_add": np.zeros((24, 10))}, ranges, (-11.4, 0.1))
    for picture in pictures:
        found, wanted = logits_of(network, picture), logits_of(nano, picture)
        assert opinion(found) == pytest.approx(opinion(wanted), abs=0.005)


def test_what_cannot_be_grafted(nano: bytes) -> None:
    ranges = {"block02_add": ((-1.0, 1.0), (-1.0, 1.0))}
    with pytest.raises(DepthHeadError, match="no tensor block77_add"):
        tapped(nano, ["block77_add"])
    with pytest.raises(DepthHeadError, match=r"expected a kernel of shape \(24, 10\)"):
        grafted(nano, {"block02_add": np.ones((3, 10))}, ranges, (-1, 1))
    with pytest.raises(DepthHeadError, match="does not end in an opinion layer"):
        grafted(find("causes").read_bytes(), {}, {}, (-1, 1))
    with pytest.raises(DepthHeadError, match="no block tensors"):
        depth_tensors(find("causes").read_bytes())


def test_blocks_by_number(nano: bytes) -> None:
    names = depth_tensors(nano)
    assert _chosen(names, (3, 10)) == ["block02_add", "block09_add"]
    # Block 17 was merged with its reader, so the last one that is there stands in.
    assert _chosen(names, (3, 17)) == ["block02_add", "block15_add"]
    with pytest.raises(DepthHeadError, match="no map of block 1"):
        _chosen(names, (1, 3))
