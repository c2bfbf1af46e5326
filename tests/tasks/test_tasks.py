"""Each task against formulas written out, sample by sample."""

import math

import pytest
import torch

from sizewise.records import Measure
from sizewise.tasks import TASKS, find_task
from sizewise.tasks.next_byte import TASK as NEXT_BYTE
from sizewise.training.evaluate import score


def test_classification_scores_each_sample_by_itself() -> None:
    task = find_task("classify")
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.5]])
    targets = torch.tensor([0, 2])

    losses = task.losses(logits, targets)

    shares = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    by_hand = [-shares[0, 0].log(), -shares[1, 2].log()]
    assert torch.allclose(losses, torch.stack(by_hand))
    assert task.errors(logits, targets, losses).tolist() == [0.0, 1.0]


def test_a_text_is_scored_in_bits_per_byte_by_window() -> None:
    logits = torch.randn(4, 7, 256)
    targets = torch.randint(256, (4, 7))

    losses = NEXT_BYTE.losses(logits, targets)
    scores = score([(logits[:3], targets[:3]), (logits[3:], targets[3:])], NEXT_BYTE)

    probabilities = logits.softmax(dim=-1).gather(2, targets[..., None]).squeeze(2)
    bits = -probabilities.log2().mean(dim=1)
    assert torch.allclose(NEXT_BYTE.errors(logits, targets, losses), bits)
    assert scores.error == pytest.approx(bits.mean().item(), rel=1e-6)
    assert scores.loss == pytest.approx(math.log(2) * scores.error)
    assert scores.standard_error == pytest.approx((bits.std(correction=0) / 2).item(), rel=1e-5)


def test_one_who_knows_nothing_needs_eight_bits() -> None:
    flat = torch.zeros(2, 5, 256)
    assert score([(flat, torch.randint(256, (2, 5)))], NEXT_BYTE).error == pytest.approx(8)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_measure_with_a_tolerance(name: str) -> None:
    measure = find_task(name).measure
    assert isinstance(measure, Measure)
    assert measure.name
    assert measure.tolerance > 0


def test_a_number_is_scored_by_how_far_off_it_is_in_its_own_unit() -> None:
    """The target 30 and 10, of mean 20 and deviation 5, answered with 25 and 11."""
    task = find_task("regress")
    answers = torch.tensor([[1.0], [-1.8]])
    targets = torch.tensor([[2.0, 5.0], [-2.0, 5.0]])

    losses = task.losses(answers, targets)

    assert losses.tolist() == pytest.approx([1.0, 0.04])
    assert task.errors(answers, targets, losses).tolist() == pytest.approx([5.0, 1.0])


def test_an_answer_is_right_if_it_is_one_of_those_accepted_from_end_to_end() -> None:
    """One sequence with the answers 1 2 and 2, one with 3; a padded step's answer is no matter."""
    task = find_task("transduce")
    targets = torch.tensor([[[1, 2, 0], [2, 0, -1]], [[3, 0, -1], [-1, -1, -1]]])
    said = torch.tensor([[1, 2, 1], [2, 0, 3], [3, 0, 1], [0, 0, 0]])
    logits = torch.nn.functional.one_hot(said, 4).float()

    losses = task.losses(logits, targets)
    second_wrong = logits[[0, 3, 3, 2]]  # nothing is right, though what is absent equals nothing

    right, wrong = (-math.log(math.exp(each) / (math.e + 3)) for each in (1, 0))
    assert losses.tolist() == pytest.approx([(2 * right + wrong) / 3, right])
    assert task.errors(logits, targets, losses).tolist() == [0.0, 0.0]
    assert task.errors(second_wrong, targets, losses).tolist() == [1.0, 1.0]
    assert task.errors(logits[[1, 0, 2, 3]], targets, losses).tolist() == [1.0, 0.0]
