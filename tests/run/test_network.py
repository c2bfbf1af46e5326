"""A network is tried on its data before it is trained."""

import pytest
from torch import nn

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
