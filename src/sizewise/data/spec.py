"""What a model needs to know of the data it is built for."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSpec:
    """The shape of one data set.

    Args:
        name: the data set's name, as in `data=NAME`.
        input_shape: one sample, channels first: (C, L) for sequences, (C, H, W) for images.
        class_names: one name per class, in the order of the labels.
    """

    name: str
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """The axes a convolution slides over: (L,) or (H, W)."""
        return self.input_shape[1:]

    @property
    def num_features(self) -> int:
        """Numbers in one sample, flattened."""
        return math.prod(self.input_shape)

    @property
    def is_image(self) -> bool:
        """Whether a sample is an image that can be shown: grey or in colour."""
        return len(self.input_shape) == 3 and self.input_shape[0] in (1, 3)

    @property
    def sequence_shape(self) -> tuple[int, int]:
        """(T, F) as a recurrent network reads a sample.

        A sequence (C, L) is L steps of C features; an image (C, H, W) is read row by row, as H
        steps of C·W features.
        """
        channels, steps, *rest = self.input_shape
        return steps, channels * math.prod(rest)
