from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.nets import keras_nets


def keras_net(name: str, size: int) -> Any:
    """A network whose BatchNorms do something."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras_nets.build(keras, keras_nets.architecture(name), size, embedding=True)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


def weights_by_layer(model: Any) -> dict[str, list[Any]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}


# Odd and even sides at every stride: TensorFlow's `same` pads them differently.
@pytest.mark.parametrize(
    ("name", "size"),
    [("mobilenet_v2_0.35", 96), ("mobilenet_v2_0.35", 70), ("efficientnet_lite0", 65)],
)
def test_torch_and_keras_compute_the_same(name: str, size: int) -> None:
    import torch

    from convert.nets.torch_nets import TorchNet, set_weights

    model = keras_net(name, size)
    net = TorchNet(keras_nets.architecture(name))
    weights = weights_by_layer(model)
    assert set_weights(net, weights) == len(weights)
    net.eval()
    pictures = np.random.default_rng(1).uniform(0, 255, (2, size, size, 3)).astype(np.float32)
    with torch.no_grad():
        got = [part.numpy() for part in net(torch.tensor(pictures))]
    for ours, keras_output in zip(got, model(pictures), strict=True):
        assert ours == pytest.approx(np.asarray(keras_output), abs=1e-5)


def test_trunk_and_top_together_are_the_whole_network() -> None:
    import torch

    from convert.nets.torch_nets import TorchNet, set_weights, weights_of

    arch = keras_nets.mobilenet_v2(0.35)
    whole = TorchNet(arch).eval()
    trunk, top = TorchNet(arch, stop=6).eval(), TorchNet(arch, start=6).eval()
    for part in (trunk, top):
        set_weights(part, weights_of(whole))
    picture = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        for one, two in zip(top(trunk(picture)), whole(picture), strict=True):
            assert one.numpy() == pytest.approx(two.numpy(), abs=1e-5)


def test_weights_survive_the_way_to_keras_and_back(tmp_path: Path) -> None:
    import keras

    from convert.nets import weights
    from convert.nets.torch_nets import TorchNet, save_npz, weights_of

    arch = keras_nets.mobilenet_v2(0.35)
    net = TorchNet(arch)
    save_npz(net, tmp_path / "net.npz")
    model = keras_nets.build(keras, arch, 32, embedding=True)
    weights.load_npz(model, tmp_path / "net.npz", whole=True)
    stored = weights.read_npz(tmp_path / "net.npz")
    for name, values in weights_by_layer(model).items():
        for ours, theirs, kept in zip(weights_of(net)[name], values, stored[name], strict=True):
            assert np.array_equal(ours, theirs)
            assert np.array_equal(ours, kept)


def test_weights_of_another_shape_are_refused_by_name() -> None:
    from convert.nets.torch_nets import TorchNet, set_weights, weights_of

    wide = TorchNet(keras_nets.mobilenet_v2(0.5))
    with pytest.raises(ValueError, match="block01_project_conv: weights"):
        set_weights(TorchNet(keras_nets.mobilenet_v2(0.35)), weights_of(wide))


def test_frozen_blocks_neither_learn_nor_follow_the_batch() -> None:
    import torch

    from convert.nets.torch_nets import TorchNet, weights_of

    net = TorchNet(keras_nets.mobilenet_v2(0.35), frozen=3).train()
    before = weights_of(net)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    logits, _ = net(torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8))
    logits.square().mean().backward()
    optimizer.step()
    after = weights_of(net)
    for name, values in before.items():
        frozen = name.startswith("stem") or name[:7] in ("block00", "block01", "block02")
        same = all(np.array_equal(a, b) for a, b in zip(values, after[name], strict=True))
        assert same == frozen, name


def test_two_views_are_averaged() -> None:
    import torch

    from convert.nets.torch_nets import TorchNet, Training

    net = TorchNet(keras_nets.mobilenet_v2(0.35)).eval()
    both = Training(net, 0, views=2).eval()
    views = torch.randint(0, 256, (3, 2, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        logits, embedding = both(views)
        first, second = net(views[:, 0]), net(views[:, 1])
    assert logits.numpy() == pytest.approx((first[0] + second[0]).numpy() / 2, abs=1e-5)
    assert embedding.numpy() == pytest.approx((first[1] + second[1]).numpy() / 2, abs=1e-5)
