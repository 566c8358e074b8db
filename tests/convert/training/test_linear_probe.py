from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.common.opinion import bin_centres
from convert.datasets.manifest import ManifestRow
from convert.nets import keras_nets
from convert.training.linear_probe import central_views, fit_fresh_layers
from convert.training.student import StudentData
from tests.convert.training.test_student import SIZE, recipe_with, rows

torch = pytest.importorskip("torch")

__all__ = ["rows"]  # the fixture
CENTRES = np.array(bin_centres(10), np.float32)


@pytest.mark.parametrize("detail", [False, True])
def test_only_the_fresh_layers_learn_and_they_do(
    rows: tuple[list[ManifestRow], Path, Path], detail: bool
) -> None:
    from convert.nets.torch_nets import TorchNet, Training

    recipe = recipe_with(ladder=0.0, detail=detail, watermark=0.0)
    losses = []
    for steps in (1, 60):
        data = StudentData(*rows, recipe_with(ladder=0.0, detail=detail, probe=steps))
        torch.manual_seed(3)
        net = TorchNet(keras_nets.architecture(recipe.network))
        trained = Training(net, 7, views=2 if detail else 1)
        before = {name: value.clone() for name, value in trained.state_dict().items()}
        losses.append(fit_fresh_layers(trained, data, CENTRES))
        changed = {
            name
            for name, value in trained.state_dict().items()
            if not torch.equal(value, before[name])
        }
        assert changed == {
            "net.layers.opinion.weight",
            "net.layers.opinion.bias",
            "opinion_features.weight",
        }
    assert losses[1] < 0.9 * losses[0]


def test_the_middle_of_the_top_is_seen(rows: tuple[list[ManifestRow], Path, Path]) -> None:
    data = StudentData(*rows, recipe_with(ladder=0.0, limit=5, probe=1))
    views = central_views(data)
    side = data.recipe.source_size
    left = (side - SIZE) // 2
    assert views.shape == (5, SIZE, SIZE, 3)
    expected = data.pixels[data.used[2], :SIZE, left : left + SIZE]
    assert np.array_equal(views[2], expected)
