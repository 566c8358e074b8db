from __future__ import annotations

from pathlib import Path

import numpy as np

from convert.common.opinion import bin_centres
from convert.datasets.manifest import ManifestRow
from convert.nets import keras_nets
from convert.training.linear_probe import central_views, fit_fresh_layers
from convert.training.student import StudentData
from tests.convert.training.test_student import SIZE, recipe_with, rows

__all__ = ["rows"]  # the fixture
CENTRES = np.array(bin_centres(10), np.float32)


def test_only_the_fresh_layers_learn_and_they_do(
    rows: tuple[list[ManifestRow], Path, Path],
) -> None:
    import keras

    losses = []
    for steps in (1, 60):
        data = StudentData(*rows, recipe_with(ladder=0.0, probe=steps))
        keras.utils.set_random_seed(3)
        arch = keras_nets.mobilenet_v2(0.35)
        model = keras_nets.build(keras, arch, SIZE, embedding=True)
        trained = keras_nets.with_projection(keras, model, 7)
        before = [np.array(variable) for variable in trained.variables]
        losses.append(fit_fresh_layers(model, trained, data, CENTRES))
        changed = {
            variable.path
            for variable, value in zip(trained.variables, before, strict=True)
            if not np.array_equal(np.array(variable), value)
        }
        assert changed == {"opinion/kernel", "opinion/bias", "opinion_features/kernel"}
    assert losses[1] < 0.9 * losses[0]


def test_the_middle_of_the_top_is_seen(rows: tuple[list[ManifestRow], Path, Path]) -> None:
    data = StudentData(*rows, recipe_with(ladder=0.0, limit=5, probe=1))
    views = central_views(data)
    side = data.recipe.source_size
    left = (side - SIZE) // 2
    assert views.shape == (5, SIZE, SIZE, 3)
    expected = data.pixels[data.used[2], :SIZE, left : left + SIZE]
    assert np.array_equal(views[2], expected)
