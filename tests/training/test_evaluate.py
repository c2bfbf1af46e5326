"""Scores against scikit-learn's and PyTorch's own."""

import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from torch import Tensor, nn
from torch.nn import functional

from sizewise.data import Split
from sizewise.tasks.classify import TASK
from sizewise.training.evaluate import evaluate

CLASSES = 5


def make_logits(num_samples: int, present: list[int], predicted: list[int]) -> Split:
    """Return targets among `present`, and as inputs logits whose highest is among `predicted`."""
    targets = torch.tensor(present)[torch.randint(len(present), (num_samples,))]
    logits = torch.randn(num_samples, CLASSES)
    logits[torch.arange(num_samples), targets] += 1
    hidden = [index for index in range(CLASSES) if index not in predicted]
    logits[:, hidden] -= 20
    return Split(logits, targets)


EVERY = list(range(CLASSES))
CASES = {
    "all classes": (EVERY, EVERY),
    "a class is absent": ([0, 1, 3, 4], EVERY),
    "a class is never predicted": (EVERY, [0, 1, 2, 4]),
    "a class is neither": ([0, 1, 3], [0, 1, 3]),
    "nothing is right": ([0, 1], [2, 3]),
}


@pytest.mark.parametrize("num_samples", [1, 999, 2345])
@pytest.mark.parametrize(("present", "predicted"), CASES.values(), ids=CASES)
def test_scores_are_those_of_scikit_learn(
    num_samples: int, present: list[int], predicted: list[int]
) -> None:
    split = make_logits(num_samples, present, predicted)
    targets, guesses = split.targets.numpy(), split.inputs.argmax(dim=1).numpy()
    tally = TASK.tally(CLASSES)
    scores = evaluate(nn.Identity(), split, TASK, tally)
    f1 = f1_score(targets, guesses, average="macro", labels=EVERY, zero_division=0)
    accuracy = accuracy_score(targets, guesses)
    assert scores.error == pytest.approx(1 - accuracy)
    assert scores.standard_error == pytest.approx((accuracy * (1 - accuracy) / num_samples) ** 0.5)
    assert tally.scores()["accuracy"] == pytest.approx(accuracy)
    assert tally.scores()["macro_f1"] == pytest.approx(f1)
    assert (tally.tables()["confusion"] == confusion_matrix(targets, guesses, labels=EVERY)).all()


@pytest.mark.parametrize("num_samples", [1, 999, 2345])
def test_the_loss_is_pytorchs_cross_entropy(num_samples: int) -> None:
    split = make_logits(num_samples, EVERY, EVERY)
    expected = functional.cross_entropy(split.inputs.double(), split.targets).item()
    assert evaluate(nn.Identity(), split, TASK).loss == pytest.approx(expected, rel=1e-5)


class Observed(nn.Module):
    """Returns its inputs as logits and notes how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.trained_with_gradient: list[tuple[bool, bool]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = inputs * self.scale
        self.trained_with_gradient.append((self.training, outputs.requires_grad))
        return outputs


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_scored_in_evaluation_mode_and_left_as_it_was(training: bool) -> None:
    model = Observed().train(training)
    evaluate(model, make_logits(1500, EVERY, EVERY), TASK)
    assert model.trained_with_gradient == [(False, False)] * 6
    assert model.training is training
