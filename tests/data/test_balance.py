"""Classes that count alike, in the loss and in the error that is compared."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from sizewise import sample_errors
from sizewise.data import Dataset, Split
from sizewise.data.balance import balanced
from sizewise.errors import UserError
from sizewise.tasks import find_task
from sizewise.training.evaluate import evaluate
from tests.builders import make_dataset, make_spec


@pytest.fixture
def unequal() -> Dataset:
    """Return a set of three classes, of 60, 30 and 10 samples; logits are its inputs."""
    targets = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    split = Split(torch.randn(100, 1, 3), targets)
    made = make_dataset()
    return dataclasses.replace(
        made, spec=make_spec((1, 3), 3), train=split, validation=split, test=split
    )


def test_errors_have_the_mean_of_the_classes_own(unequal: Dataset) -> None:
    weighed = balanced(unequal)
    task = find_task(weighed.spec.task)
    tally = task.tally(3)
    scores = evaluate(nn.Flatten(), weighed.test, task, tally)
    assert isinstance(unequal.test, Split)
    wrong = unequal.test.inputs.flatten(1).argmax(dim=1) != unequal.test.targets
    own = [wrong[unequal.test.targets == each].float().mean().item() for each in range(3)]
    assert scores.error == pytest.approx(np.mean(own), rel=1e-6)
    assert sample_errors.unpack(sample_errors.pack(scores.errors, weighted=True)).mean() == (
        pytest.approx(np.mean(own), rel=1e-3)
    )
    assert tally is not None
    assert tally.scores()["accuracy"] == pytest.approx(1 - wrong.float().mean().item())


def test_a_class_weighs_the_same_in_the_loss_however_many_samples_it_has(unequal: Dataset) -> None:
    weighed = balanced(unequal)
    batch = weighed.train.batch(slice(0, 100))
    losses = find_task("balanced").losses(torch.zeros(100, 3), batch.targets)
    parts = [losses[start:end].sum().item() for start, end in ((0, 60), (60, 90), (90, 100))]
    assert parts == pytest.approx([100 / 3 * np.log(3)] * 3, rel=1e-5)


def test_a_class_that_a_split_lacks_has_no_part(unequal: Dataset) -> None:
    assert isinstance(unequal.test, Split)
    few = Split(unequal.test.inputs[:90], unequal.test.targets[:90])
    targets = balanced(dataclasses.replace(unequal, test=few)).test.batch(slice(0, 90)).targets
    assert targets[:, 1].unique().tolist() == pytest.approx([0.75, 1.5])


def test_numbers_have_no_classes(unequal: Dataset) -> None:
    numbers = dataclasses.replace(unequal, spec=dataclasses.replace(unequal.spec, task="regress"))
    with pytest.raises(UserError, match=r"class_weights=balanced weighs classes, and .* has none"):
        balanced(numbers)
