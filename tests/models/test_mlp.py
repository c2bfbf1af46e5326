import pytest
import torch

from sizewise.models.mlp import MLP, Logistic
from tests.builders import make_spec


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_perceptron_is_matrices_and_relus(depth: int) -> None:
    model, inputs = MLP(make_spec((1, 4, 3)), 5, depth), torch.randn(6, 1, 4, 3)
    *hidden_weights, matrix, bias = model.parameters()
    assert len(hidden_weights) == 2 * depth
    hidden = inputs.flatten(1)
    for index in range(depth):
        hidden = (hidden @ hidden_weights[2 * index].T + hidden_weights[2 * index + 1]).relu()
    torch.testing.assert_close(model(inputs), hidden @ matrix.T + bias)


@pytest.mark.parametrize("width", [None, 1, 5, 60])
def test_logistic_regression_is_linear_at_any_width(width: int | None) -> None:
    torch.manual_seed(0)
    model = Logistic(make_spec(), width).double()
    one, two = torch.randn(2, 4, 1, 40, dtype=torch.float64)
    bias = model(torch.zeros(1, 1, 40, dtype=torch.float64))
    combined = 3 * (model(one) - bias) - 2 * (model(two) - bias) + bias
    torch.testing.assert_close(model(3 * one - 2 * two), combined)
    assert (model(one) - model(two)).abs().max() > 0.1


def test_a_factored_matrix_has_the_rank_of_its_width() -> None:
    model = Logistic(make_spec(), 3)
    outputs = model(torch.eye(40).view(40, 1, 40)) - model(torch.zeros(1, 1, 40))
    assert torch.linalg.matrix_rank(outputs) == 3
