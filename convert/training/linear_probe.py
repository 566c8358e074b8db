"""Linear probing: the fresh layers learn alone, on the features as loaded, before the rest joins.

Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
ICLR 2022. A random opinion layer sends large, wrong gradients into a backbone that was good; a
probed one does not, so that short runs measure their ingredients and not their luck.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.training.losses import cosine_distance, quality
from convert.training.student import StudentData, two_views

BATCH = 128
RATE = 3e-3
WEIGHT_DECAY = 1e-2


def central_views(data: StudentData, drawn: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
    """The rated pictures in use as a network sees them, cropped in the middle of the top.

    Args:
        data: What the student learns from.
        drawn: Numbers of some of them; None takes all.

    Returns:
        uint8 [N, size, size, 3], or [N, 2, size, size, 3] with a detail view.
    """
    recipe, side = data.recipe, data.pixels.shape[1]
    left = (side - recipe.crop_size) // 2
    used = data.used if drawn is None else data.used[drawn]
    # From the top, since the corners below may carry a phone maker's watermark.
    pictures = data.pixels[used, : recipe.crop_size, left : left + recipe.crop_size]
    return two_views(pictures, recipe.size) if recipe.detail else pictures


def fit_fresh_layers(trained: Any, data: StudentData, centres: NDArray[np.float32]) -> float:
    """Fits opinion layer and projection to people and teacher, as the recipe weighs them.

    Args:
        trained: A :class:`convert.nets.torch_nets.Training`; its backbone is left alone.
        data: What the student learns from; ``recipe.probe`` says for how many steps.
        centres: Bin centres [bins].

    Returns:
        The last step's loss.
    """
    import torch

    from convert.nets.keras_nets import OPINION
    from convert.training.torch_loop import device, predict

    recipe = data.recipe
    trained.to(device())
    views = central_views(data)
    if recipe.detail:
        views = views.reshape(-1, *views.shape[2:])
    pooled = torch.from_numpy(predict(trained.net, views, label="probing")[1]).to(device())
    if recipe.detail:
        pooled = pooled.unflatten(0, (-1, 2)).mean(1)
    opinion, projection = trained.net.layers[OPINION], trained.opinion_features
    fresh = [*opinion.parameters(), *(projection.parameters() if projection is not None else ())]
    optimizer = torch.optim.AdamW(fresh, lr=RATE, weight_decay=WEIGHT_DECAY)
    generator = np.random.default_rng((recipe.schedule.seed, 6))
    value = float("nan")
    for _ in range(recipe.probe):
        drawn = generator.integers(len(data), size=min(BATCH, len(data)))
        chosen, seen = data.used[drawn], pooled[torch.from_numpy(drawn).to(device())]
        logits = opinion(seen)

        def tensor(array: Any, like: Any = logits) -> Any:
            return torch.from_numpy(np.asarray(array, np.float32)).to(like.device)

        mos, histogram = tensor(data.mos[chosen]), tensor(data.histogram[chosen])
        loss = quality(logits, mos, histogram, centres, parts=recipe.parts)
        if projection is not None and data.teacher is not None:
            target = tensor(data.teacher.embedding[chosen])
            weight = tensor(data.certainty[chosen])
            loss = loss + recipe.features * cosine_distance(projection(seen), target, weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        value = loss.item()
    return value
