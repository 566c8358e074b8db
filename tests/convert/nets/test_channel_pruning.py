from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data as photographs

from convert.nets import keras_nets
from convert.nets.channel_pruning import refit, select, thicker, thin

torch = pytest.importorskip("torch")


def pictures(count: int = 12, side: int = 64) -> np.ndarray:
    generator = np.random.default_rng(0)
    whole = photographs.astronaut()
    corners = generator.integers(0, 512 - side, size=(count, 2))
    return np.stack([whole[y : y + side, x : x + side] for y, x in corners])


@pytest.fixture(scope="module")
def trained() -> Any:
    """A network whose statistics belong to photographs."""
    from convert.nets.torch_nets import TorchNet

    torch.manual_seed(1)
    net = TorchNet(keras_nets.mobilenet_v2()).train()
    with torch.no_grad():
        for layer in net.layers.values():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.2, 0.5)
        net(torch.from_numpy(pictures(24)))
    return net.eval()


def test_selection_takes_what_explains_and_not_the_same_twice() -> None:
    generator = np.random.default_rng(0)
    useful = generator.normal(size=(500, 3))
    noise = generator.normal(size=(500, 4))
    # Column 2 repeats column 0, only louder.
    candidates = np.column_stack([useful[:, 0], noise[:, 0], 5 * useful[:, 0], useful[:, 1], noise])
    target = useful @ generator.normal(size=(3, 2))
    kept = select(candidates, target, 2).tolist()
    assert 3 in kept
    assert len({0, 2} & set(kept)) == 1


def test_refit_finds_the_linear_map() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(2.0, 1.0, size=(4000, 5))
    weights, bias = generator.normal(size=(5, 3)), generator.normal(size=3)
    found, offset = refit(inputs, inputs @ weights + bias)
    assert found == pytest.approx(weights, abs=0.01)
    assert offset == pytest.approx(bias, abs=0.05)


def logits_of(net: Any, shown: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(net.eval()(torch.from_numpy(shown))[0])


def test_as_thick_as_before_is_the_same_function_and_thinner_comes_close(trained: Any) -> None:
    from convert.nets.torch_nets import TorchNet

    shown = pictures()
    wanted = logits_of(trained, shown)
    errors = {}
    for expansion in (6, 4):
        narrow = TorchNet(keras_nets.architecture(f"mobilenet_v2_t{expansion}"))
        thin(trained, narrow, shown)
        got = logits_of(narrow, shown)
        errors[expansion] = float(np.abs(got - wanted).mean())
    spread = float(np.abs(wanted - wanted.mean(0)).mean())
    assert errors[6] < 0.25 * spread  # the head is half as wide
    assert errors[6] < errors[4] < 2.0 * spread


def test_training_batches_confirm_the_statistics(trained: Any) -> None:
    """Or the first steps of training would undo what was fitted."""
    from convert.nets.torch_nets import TorchNet

    narrow = TorchNet(keras_nets.architecture("mobilenet_v2_t3"))
    thin(trained, narrow, pictures())
    norm = narrow.layers["block05_project_bn"]
    before = norm.running_mean.clone(), norm.running_var.clone()
    narrow.train()
    norm.momentum = 1.0
    with torch.no_grad():
        narrow(torch.from_numpy(pictures()))
    deviation = before[1].sqrt()
    assert float(((norm.running_mean - before[0]) / deviation).abs().mean()) < 0.3


def test_thicker_is_told_from_the_file(tmp_path: Path, trained: Any) -> None:
    from convert.nets.torch_nets import save_npz

    save_npz(trained, tmp_path / "wide.npz")
    thinner = keras_nets.architecture("mobilenet_v2_t2")
    found = thicker(thinner, tmp_path / "wide.npz")
    assert found is not None
    assert found.name == "mobilenet_v2"
    assert thicker(keras_nets.mobilenet_v2(), tmp_path / "wide.npz") is None
    assert thicker(keras_nets.architecture("mobilenet_v2_0.5"), tmp_path / "wide.npz") is None
    assert thicker(thinner, "imagenet") is None
    assert thicker(thinner, tmp_path / "none.npz") is None
