"""Images that are varied: what each way does, and that it can be done again."""

import dataclasses

import pytest
import torch
from torch import Tensor

from sizewise.data import Split
from sizewise.data.augment import Augmented, augmented, vary
from sizewise.errors import UserError
from tests.builders import make_dataset


def variants(image: Tensor, ways: str, count: int = 400) -> Tensor:
    """Return variants of an image (H, W): (N, H, W)."""
    images = image.expand(count, 1, *image.shape)
    generator = torch.Generator().manual_seed(0)
    return vary(images, frozenset(ways.split("+")), generator)[:, 0]


def test_half_are_mirrored() -> None:
    image = torch.arange(12.0).view(3, 4)
    varied = variants(image, "flip")
    mirrored = (varied - image.flip(1)).abs().amax(dim=(1, 2)) < 1e-4
    same = (varied - image).abs().amax(dim=(1, 2)) < 1e-4
    assert (mirrored ^ same).all()
    assert 150 < mirrored.sum() < 250


def test_a_shift_is_by_whole_pixels_each_as_often_and_edges_go_on() -> None:
    image = torch.arange(16.0).repeat(16, 1) + 100 * torch.arange(16.0)[:, None]
    expected = {
        (down, right): image[(torch.arange(16) + down).clamp(0, 15)][
            :, (torch.arange(16) + right).clamp(0, 15)
        ]
        for down in range(-2, 3)
        for right in range(-2, 3)
    }
    varied = variants(image, "shift", 1000)
    counts = [
        int(((varied - each).abs().amax(dim=(1, 2)) < 1e-2).sum()) for each in expected.values()
    ]
    assert sum(counts) == 1000
    assert min(counts) > 15


def test_a_crop_enlarges_a_part_of_at_least_three_quarters() -> None:
    image = torch.linspace(-1, 1, 33).repeat(33, 1)  # the value is the place
    varied = variants(image, "crop")[:, 16]
    spans = (varied[:, -1] - varied[:, 0]) / 2
    assert spans.max() <= 1
    assert 0.7 < spans.min() < 0.78
    assert varied.min() >= -1
    assert varied.max() <= 1
    assert (varied[:, 1:-1].diff().std(dim=1) < 1e-2).all()  # stretched evenly


def test_a_variant_follows_from_seed_and_step() -> None:
    images = torch.randn(40, 3, 8, 8)
    split = Split(images, torch.arange(40))
    samples = Augmented(split, frozenset({"flip", "shift", "crop"}), seed=0)
    chosen = torch.arange(10)
    first = samples.batch(chosen)
    assert torch.equal(first.inputs, samples.batch(chosen).inputs)
    assert torch.equal(first.targets, split.batch(chosen).targets)
    other_seed = dataclasses.replace(samples, seed=1).batch(chosen)
    for other in (samples.batch(chosen.flip(0)).inputs.flip(0), other_seed.inputs):
        assert not torch.isclose(first.inputs, other).all(dim=(1, 2, 3)).any()
    assert torch.equal(samples.batch(slice(0, 10)).inputs, images[:10])


def test_only_training_is_varied_and_only_images() -> None:
    small_images = make_dataset(20, 20, (1, 8, 8))
    varied = augmented(small_images, "flip+shift", seed=0)
    assert varied.validation is small_images.validation
    assert varied.test is small_images.test
    with pytest.raises(UserError, match=r"training\.augment=flip varies images, and .* has none"):
        augmented(make_dataset(), "flip", seed=0)
