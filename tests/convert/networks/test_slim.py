from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convert.networks import nets
from convert.networks.slim import slim


def weights_of(name: str) -> dict[str, list[np.ndarray]]:
    from convert.networks.torch_nets import TorchNet, weights_of

    found = weights_of(TorchNet(nets.architecture(name)))
    generator = np.random.default_rng(0)
    for layer, values in found.items():
        if layer.endswith("_bn"):
            found[layer] = [generator.uniform(0.5, 1.5, v.shape).astype(np.float32) for v in values]
    return found


@pytest.mark.parametrize("width", ["0.75", "0.5", "0.35"])
def test_result_fits_the_narrower_network_whole(width: str) -> None:
    from convert.networks.torch_nets import TorchNet, set_weights

    arch = nets.architecture(f"mobilenet_v2_{width}")
    cut = slim(weights_of("mobilenet_v2"), nets.mobilenet_v2(), arch)
    net = TorchNet(arch)
    assert set_weights(net, cut) == len(net.layers)


def test_same_width_is_the_same_network() -> None:
    wide = weights_of("mobilenet_v2_0.35")
    arch = nets.architecture("mobilenet_v2_0.35")
    cut = slim(wide, arch, arch)
    assert set(cut) == set(wide)
    for name, values in wide.items():
        for ours, theirs in zip(cut[name], values, strict=True):
            assert np.array_equal(ours, theirs)


def test_network_whose_other_channels_are_silent_computes_the_same() -> None:
    """Cutting channels that carry nothing changes nothing: indices stay together everywhere."""
    import torch

    from convert.networks.torch_nets import TorchNet, set_weights

    wide, narrow = nets.mobilenet_v2(1.0), nets.mobilenet_v2(0.5)
    weights = weights_of("mobilenet_v2")
    generator = np.random.default_rng(1)
    widths = {"stem": narrow.stem}
    entering = narrow.stem
    for index, block in enumerate(narrow.blocks):
        widths[f"block{index:02d}_expand"] = entering * block.expansion
        widths[f"block{index:02d}_depthwise"] = entering * block.expansion
        widths[f"block{index:02d}_project"] = entering = block.channels
    silent: dict[int, np.ndarray] = {}
    for name, count in widths.items():
        if f"{name}_bn" not in weights:
            continue
        gamma, beta = weights[f"{name}_bn"][0], weights[f"{name}_bn"][1]
        # Blocks of one stage share their channels, a block's expansion and depthwise theirs.
        key = len(gamma) * 1000 + (0 if "project" in name or name == "stem" else int(name[5:7]) + 1)
        if key not in silent:
            silent[key] = generator.permutation(len(gamma))[count:]
        gamma[silent[key]] = 0.0
        beta[silent[key]] = 0.0
    full, cut = TorchNet(wide).eval(), TorchNet(narrow).eval()
    set_weights(full, weights)
    set_weights(cut, slim(weights, wide, narrow))
    picture = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        assert cut(picture)[0].numpy() == pytest.approx(
            full(picture)[0].numpy(), rel=1e-3, abs=1e-4
        )


def test_fewer_blocks_leave_the_head_to_be_learnt() -> None:
    arch = nets.architecture("mobilenet_v2")
    short = dataclasses.replace(arch, blocks=arch.blocks[:10])
    cut = slim(weights_of("mobilenet_v2"), arch, short)
    assert "block09_project_conv" in cut
    assert not {"block10_expand_conv", "head_conv", "opinion"} & set(cut)


def test_wider_or_other_networks_are_refused() -> None:
    weights = weights_of("mobilenet_v2_0.35")
    narrow = nets.architecture("mobilenet_v2_0.35")
    with pytest.raises(ValueError, match="no narrower version"):
        slim(weights, narrow, nets.mobilenet_v2())
    with pytest.raises(ValueError, match="no narrower version"):
        slim(weights, narrow, nets.efficientnet_lite(0))
