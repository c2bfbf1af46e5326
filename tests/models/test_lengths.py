"""Padded sequences: a batch answers as each of its sequences does alone, without padding."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from sizewise.errors import UserError
from sizewise.models import CLASSICAL, FAMILIES, Architecture, build
from tests.builders import make_spec

CASES = [
    *(("cnn", None), ("attention", None), ("transformer", None), ("transformer", 2)),
    *((family, depth) for family in ("rnn", "lstm", "gru") for depth in (1, 3)),
]
LENGTHS = torch.tensor([5, 23, 1, 8, 23, 2, 14])
SPEC = replace(make_spec((3, 23), 4), unequal=True)


def made(family: str, depth: int | None) -> nn.Module:
    return build(SPEC, Architecture(family, 6, depth)).double()  # so that 1e-6 is no rounding


def padded(lengths: Tensor) -> Tensor:
    """Return noise, with what would be seen if it were read after each sequence's end."""
    inputs = torch.randn(len(lengths), 3, int(lengths.max()), dtype=torch.float64)
    for sample, length in zip(inputs, lengths.tolist(), strict=True):
        sample[:, length:] = 0.0
    return inputs


def alone(model: nn.Module, inputs: Tensor) -> Tensor:
    each = zip(inputs, LENGTHS.tolist(), strict=True)
    return torch.cat([model(sample[None, :, :length]) for sample, length in each])


@pytest.mark.parametrize(("family", "depth"), CASES)
def test_a_batch_answers_as_each_sequence_alone(family: str, depth: int | None) -> None:
    model, inputs = made(family, depth), padded(LENGTHS)
    answers = model(inputs, LENGTHS)
    torch.testing.assert_close(answers, alone(model, inputs), atol=1e-9, rtol=0)
    order = torch.randperm(len(LENGTHS))
    wider = nn.functional.pad(inputs, (0, 6))
    torch.testing.assert_close(model(wider[order], LENGTHS[order]), answers[order])
    assert not torch.allclose(model(inputs), answers)  # without lengths the padding is read


@pytest.mark.parametrize(("family", "depth"), CASES)
def test_the_gradients_are_those_of_each_sequence_alone(family: str, depth: int | None) -> None:
    model, inputs = made(family, depth), padded(LENGTHS)
    weights = [each for each in model.parameters() if each.requires_grad]
    goal = torch.randn(len(LENGTHS), SPEC.num_classes, dtype=torch.float64)

    def gradients(answers: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad((answers * goal).sum(), weights)

    together, apart = gradients(model(inputs, LENGTHS)), gradients(alone(model, inputs))
    torch.testing.assert_close(together, apart, atol=1e-9, rtol=0)


@pytest.mark.parametrize(("family", "depth"), CASES)
def test_as_networks_compute_it_is_the_same_to_1e_6(family: str, depth: int | None) -> None:
    model, inputs = made(family, depth).float(), padded(LENGTHS).float()
    answers = model(inputs, LENGTHS)
    torch.testing.assert_close(answers, alone(model, inputs), atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "attention", "transformer"])
def test_what_is_after_the_end_is_not_read(family: str) -> None:
    model, inputs = made(family, 1 if family in ("rnn", "lstm", "gru") else None), padded(LENGTHS)
    other = inputs.clone()
    for sample, length in zip(other, LENGTHS.tolist(), strict=True):
        sample[:, length:] = 7.0
    assert torch.equal(model(other, LENGTHS), model(inputs, LENGTHS))


def test_a_cnn_for_unequal_lengths_has_as_many_parameters_whatever_the_longest() -> None:
    sizes = set()
    for steps in (5, 29, 400):
        model = build(replace(SPEC, input_shape=(3, steps)), Architecture("cnn", 6))
        sizes.add(sum(each.numel() for each in model.parameters()))
    # conv 3·3·6+6, 3·6·12+12, 3·12·12+12; dense 12·12+12; head 12·4+4
    assert sizes == {60 + 228 + 444 + 156 + 52}


@pytest.mark.parametrize("family", sorted({*FAMILIES} - {case[0] for case in CASES}))
def test_a_family_that_reads_one_length_says_which_read_several(family: str) -> None:
    with pytest.raises(UserError) as caught:
        build(SPEC, Architecture(family))
    assert str(caught.value) == (
        f"model={family} can't read made-up, whose sequences are of unequal length: expected "
        f"model=cnn or lstm or attention or rnn or gru or transformer or {' or '.join(CLASSICAL)}"
    )
