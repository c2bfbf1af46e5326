"""The convolutional network of the MNIST-1D paper, over one or two spatial axes.

Shapes: B batch, C channels, S the spatial axes (L, or H and W), K classes, w width.
"""

import math

from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError

KERNELS = 5, 3, 3
STRIDE = 2
PADDING = 1
SMALLEST = KERNELS[0] - 2 * PADDING


class StridedCNN(nn.Module):
    """Three convolutions of w channels with a stride of two - Dense K; weights begin as PyTorch's.

    With `width=25`, on 40 steps, it is that of Greydanus & Kobak, "Scaling down deep learning with
    MNIST-1D" (ICML 2024): 5,210 parameters.

    Raises:
        UserError: an axis of the data is shorter than 3.
    """

    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        if min(spec.spatial_shape) < SMALLEST:
            shape = "x".join(map(str, spec.spatial_shape))
            raise UserError(
                f"model=strided_cnn needs at least {SMALLEST} points along each axis, and "
                f"{spec.name} is {shape}; try model=mlp"
            )
        conv = nn.Conv2d if len(spec.spatial_shape) == 2 else nn.Conv1d
        self.convolutions = nn.Sequential()
        channels, axes = spec.input_shape[0], spec.spatial_shape
        for kernel in KERNELS:
            layer = conv(channels, width, kernel, stride=STRIDE, padding=PADDING)
            self.convolutions.extend([layer, nn.ReLU()])
            channels = width
            axes = tuple((axis + 2 * PADDING - kernel) // STRIDE + 1 for axis in axes)
        self.head = nn.Linear(width * math.prod(axes), spec.num_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        logits: Tensor = self.head(self.convolutions(inputs).flatten(1))
        return logits
