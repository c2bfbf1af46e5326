"""What each symbol of an answer attends to in what was given."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sizewise.config import DataConfig
from sizewise.data import DataSpec, load
from sizewise.errors import UserError
from sizewise.training.checkpoint import SavedModel

MOST_SAMPLES = 100  # in one command


class Alignment(NamedTuple):
    """A sequence of S symbols, a network's answer of T, its end included, and weights (T, S).

    `right` are the accepted answers, without their ends.
    """

    given: list[str]
    answer: list[str]
    weights: NDArray[np.float32]
    right: list[list[str]]


@torch.no_grad()
def align(saved: SavedModel, data: DataConfig, count: int, seed: int) -> list[Alignment]:
    """Return what a network attends to in some test samples, as it answers by itself.

    Args:
        saved: the network.
        data: its data set's config.
        count: how many samples, 100 at most.
        seed: which.

    Raises:
        UserError: it has no attention.
    """
    model, spec = saved.build(), saved.spec
    if not getattr(model, "attention", None):
        raise UserError(
            f"model={saved.architecture.family} has no attention to look at: expected a run of "
            "model=seq2seq_dot or seq2seq_additive"
        )
    test = load(data, seed=0).test  # which knows no seed
    count = min(count, len(test), MOST_SAMPLES)
    chosen = np.sort(np.random.default_rng(seed).choice(len(test), count, replace=False))
    batch = test.batch(torch.from_numpy(chosen))
    assert batch.lengths is not None
    logits, weights = model.forward_with_weights(batch.inputs, batch.lengths)  # type: ignore[operator]
    rows = zip(
        *(batch.inputs.tolist(), batch.lengths.tolist()),
        *(logits.argmax(dim=2).tolist(), weights.numpy(), batch.targets.tolist()),
        strict=True,
    )
    return [_alignment(spec, *row) for row in rows]


def _alignment(
    spec: DataSpec,
    symbols: list[int],
    length: int,
    said: list[int],
    weights: NDArray[np.float32],
    accepted: list[list[int]],
) -> Alignment:
    steps = said.index(0) + 1 if 0 in said else len(said)
    names = spec.answer_names
    return Alignment(
        [spec.source_names[each] for each in symbols[:length]],
        [names[each] for each in said[:steps]],
        weights[:steps, :length],
        [[names[each] for each in answer if each > 0] for answer in accepted if answer[0] >= 0],
    )
