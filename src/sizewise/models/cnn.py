"""The article's convolutional network (section 3.1), over one or two spatial axes.

Shapes: B batch, C channels, S the spatial axes (L, or H and W), K classes, w width.
"""

import math

from torch import Tensor, channels_last, nn

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.models.initialise import initialise_as_keras

KERNEL = 3
POOL = 2
SMALLEST_VALID = 18  # the shortest axis that survives three unpadded convolutions and two pools
SMALLEST = 4  # the shortest axis that survives two pools


class CNN(nn.Module):
    """Conv w - pool - Conv 2w - pool - Conv 2w - Dense 2w - Dense K, all 3-wide with ReLU.

    The article's network is `width=32` on 28x28 images: 93,322 parameters. Its convolutions are
    unpadded; where an axis is too short for that (under 18) they are padded to keep their length.

    Raises:
        UserError: an axis of the data is shorter than 4.
    """

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
        padding = 0 if min(spec.spatial_shape) >= SMALLEST_VALID else KERNEL // 2

        # The article's ReLU comes before the pool. After it, all numbers are the same to the bit,
        # gradients too, for the largest of a window stays the largest; and there are fewer to do.
        self.convolutions = nn.Sequential(
            conv(spec.input_shape[0], width, KERNEL, padding=padding),  # B C S -> B w S
            pool(POOL),
            nn.ReLU(inplace=True),
            conv(width, 2 * width, KERNEL, padding=padding),  # -> B 2w S
            pool(POOL),
            nn.ReLU(inplace=True),
            conv(2 * width, 2 * width, KERNEL, padding=padding),  # -> B 2w S
            nn.ReLU(inplace=True),
        )
        shrink = KERNEL - 1 - 2 * padding
        cells = math.prod(
            ((axis - shrink) // POOL - shrink) // POOL - shrink for axis in spec.spatial_shape
        )
        self.dense = nn.Sequential(nn.Linear(cells * 2 * width, 2 * width), nn.ReLU())
        self.head = nn.Linear(2 * width, spec.num_outputs)
        initialise_as_keras(self)
        if images:
            self.to(memory_format=channels_last)  # faster convolutions on CPU and GPU

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        maps = self.convolutions(inputs)
        logits: Tensor = self.head(self.dense(maps.flatten(1)))
        return logits
