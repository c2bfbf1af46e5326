"""Training images that are another variant of themselves in each batch.

Shapes: B images in a batch, C channels, H height, W width.
"""

import dataclasses
import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sizewise.data.dataset import Dataset
from sizewise.data.splits import Batch, Chosen, Samples
from sizewise.errors import UserError

SHIFT = 1 / 8  # of a side, at most, either way
LEAST = 3 / 4  # of a side, that a crop keeps


@dataclass(frozen=True)
class Augmented:
    """Samples that are varied where they are asked for by indices, as training does.

    Which variant it is follows from the seed and the batch's indices alone, and these from the
    seed and the step: a run that goes on sees what it would have seen.

    Args:
        samples: images, (N, C, H, W).
        ways: how they are varied: see `vary`.
        seed: the run's.
    """

    samples: Samples
    ways: frozenset[str]
    seed: int

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, chosen: Chosen) -> Batch:
        batch = self.samples.batch(chosen)
        if isinstance(chosen, slice):
            return batch
        digest = hashlib.sha256(f"{self.seed} ".encode() + chosen.cpu().numpy().tobytes()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7]))
        return batch._replace(inputs=vary(batch.inputs, self.ways, generator))

    def to(self, device: torch.device) -> "Augmented":
        return Augmented(self.samples.to(device), self.ways, self.seed)


def augmented(dataset: Dataset, asked: str, seed: int) -> Dataset:
    """Return a set whose training images are varied.

    Args:
        dataset: of images.
        asked: `training.augment`.
        seed: the run's.

    Raises:
        UserError: it has no images.
    """
    if dataset.spec.kind != "image":
        raise UserError(
            f"training.augment={asked} varies images, and {dataset.spec.name} has none: expected "
            "training.augment=null"
        )
    varied = Augmented(dataset.train, frozenset(asked.split("+")), seed)
    return dataclasses.replace(dataset, train=varied)


def vary(images: Tensor, ways: frozenset[str], generator: torch.Generator) -> Tensor:
    """Return images (B, C, H, W), each varied by itself.

    `flip` mirrors half of them, left to right. `crop` cuts out at least three quarters of either
    side and enlarges that to the whole. `shift` moves by up to an eighth of either side, by whole
    pixels. Where an image ends, its edge goes on.

    Args:
        images: any numbers.
        ways: some of these.
        generator: on the CPU; it is drawn from alike, whatever the ways.
    """
    count, _, height, width = images.shape
    flips, scales, *draws = torch.rand(6, count, generator=generator).unbind()
    mirror = torch.where(flips < 0.5, -1.0, 1.0) if "flip" in ways else torch.ones(count)
    scale = LEAST + (1 - LEAST) * scales if "crop" in ways else torch.ones(count)
    offsets = []
    for side, place, shift in zip((width, height), draws[:2], draws[2:], strict=True):
        offset = (1 - scale) * (2 * place - 1)  # the crop stays within the image, from -1 to 1
        if "shift" in ways:
            most = int(side * SHIFT)
            offset += 2 / side * (((2 * most + 1) * shift).floor() - most)
        offsets.append(offset)
    nothing = torch.zeros(count)
    rows = [mirror * scale, nothing, offsets[0], nothing, scale, offsets[1]]
    theta = torch.stack(rows, dim=1).view(count, 2, 3)
    grid = functional.affine_grid(theta, [count, 1, height, width], align_corners=False)
    grid = grid.to(images.device)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
