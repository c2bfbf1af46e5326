"""A network is tried on its data before it is trained."""

from collections.abc import Callable

import pytest
from torch import Tensor, nn

from sizewise.errors import UserError
from sizewise.run.network import check_outputs
from tests.builders import make_dataset, make_model


@pytest.mark.parametrize("samples", [1, 2, 50])
def test_however_few_samples_there_are(samples: int) -> None:
    dataset = make_dataset(samples)
    check_outputs(make_model("mlp", 4, (1, 6), 4), dataset)


def test_what_does_not_fit_is_said() -> None:
    dataset = make_dataset(1)
    with pytest.raises(
        UserError, match=r"returns \(1, 6\) for 1 samples; expected logits \(1, 4\)"
    ):
        check_outputs(nn.Flatten(), dataset)


def frozen(model: nn.Module) -> nn.Module:
    return model.requires_grad_(False)


class Detached(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        answer: Tensor = self.model(inputs).detach()
        return answer


@pytest.mark.parametrize("spoil", [frozen, Detached])
def test_a_network_with_nothing_to_train_is_told_of(
    spoil: Callable[[nn.Module], nn.Module],
) -> None:
    with pytest.raises(UserError, match="has nothing to train: expected logits that hang on"):
        check_outputs(spoil(make_model("mlp", 4, (1, 6), 4)), make_dataset(2))
