"""The article's convolutional network (section 3.1), over one or two spatial axes.

Shapes: B batch, C channels, S the spatial axes (L, or H and W), K classes, w width.
"""

import math

import torch
from torch import Tensor, channels_last, nn

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.models.initialise import initialise_as_keras
from sizewise.models.masks import after_end, mean_of_steps

KERNEL = 3
POOL = 2
SMALLEST_VALID = 18  # the shortest axis that survives three unpadded convolutions and two pools
SMALLEST = 4  # the shortest axis that survives two pools


class CNN(nn.Module):
    """Conv w - pool - Conv 2w - pool - Conv 2w - Dense 2w - Dense K, all 3-wide with ReLU.

    The article's network is `width=32` on 28x28 images: 93,322 parameters. Its convolutions are
    unpadded; where an axis is too short for that (under 18) they are padded to keep their length.

    Sequences of unequal length are padded so too, pools take what is left of a window at a
    sequence's end, and the mean over a sequence's own steps goes to Dense 2w in place of all steps.

    Raises:
        UserError: an axis of the data is shorter than 4.
    """

    reads_lengths = True
    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        if min(spec.spatial_shape) < SMALLEST:
            shape = "x".join(map(str, spec.spatial_shape))
            raise UserError(
                f"model=cnn needs at least {SMALLEST} points along each axis, and {spec.name} is "
                f"{shape}; try model=mlp"
            )
        images = len(spec.spatial_shape) == 2
        conv: type[nn.Conv1d | nn.Conv2d] = nn.Conv2d if images else nn.Conv1d
        pool = nn.MaxPool2d if images else nn.MaxPool1d
        long_enough = min(spec.spatial_shape) >= SMALLEST_VALID and not spec.unequal
        padding = 0 if long_enough else KERNEL // 2
        self.spec = spec

        # The article's ReLU comes before the pool. After it, all numbers are the same to the bit,
        # gradients too, for the largest of a window stays the largest; and there are fewer to do.
        self.convolutions = nn.Sequential(
            conv(spec.input_shape[0], width, KERNEL, padding=padding),  # B C S -> B w S
            pool(POOL, ceil_mode=spec.unequal),
            nn.ReLU(inplace=True),
            conv(width, 2 * width, KERNEL, padding=padding),  # -> B 2w S
            pool(POOL, ceil_mode=spec.unequal),
            nn.ReLU(inplace=True),
            conv(2 * width, 2 * width, KERNEL, padding=padding),  # -> B 2w S
            nn.ReLU(inplace=True),
        )
        shrink = KERNEL - 1 - 2 * padding
        cells = math.prod(
            ((axis - shrink) // POOL - shrink) // POOL - shrink for axis in spec.spatial_shape
        )
        cells = 1 if spec.unequal else cells
        self.dense = nn.Sequential(nn.Linear(cells * 2 * width, 2 * width), nn.ReLU())
        self.head = nn.Linear(2 * width, spec.num_outputs)
        initialise_as_keras(self)
        if images:
            self.to(memory_format=channels_last)  # faster convolutions on CPU and GPU

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K).

        Args:
            inputs: sequences of unequal length are 0 after their ends.
            lengths: steps of each of these, (B,); None where all are as long as the inputs.
        """
        if self.spec.unequal:
            maps = self._mean_map(inputs, lengths)
        else:
            maps = self.convolutions(inputs).flatten(1)
        logits: Tensor = self.head(self.dense(maps))
        return logits

    def _mean_map(self, maps: Tensor, lengths: Tensor | None) -> Tensor:
        """Return the mean of the last maps over each sequence's own steps: B C L -> B 2w."""
        if lengths is None:
            lengths = torch.full((len(maps),), maps.shape[2], device=maps.device)
        for layer in self.convolutions:
            maps = layer(maps)
            if isinstance(layer, nn.MaxPool1d):
                lengths = (lengths + POOL - 1) // POOL
            elif isinstance(layer, nn.Conv1d):  # what comes next sees the zeros of its own padding
                maps = maps.masked_fill(after_end(lengths, maps.shape[2])[:, None], 0.0)
        return mean_of_steps(maps.transpose(1, 2), lengths)
