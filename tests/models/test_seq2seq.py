"""Encoder and decoder: what they answer, step by step, padded and alone."""

import pytest
import torch
from torch import Tensor, nn

from sizewise.data.pairs import Pairs
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.flops import flops_per_sample
from sizewise.models import FAMILIES, Architecture, build, find_class
from sizewise.sizing import count_parameters, solve_width
from tests.builders import make_spec

SPEC = DataSpec(
    "pairs",
    (7,),
    (),
    "transduce",
    source_names=tuple("abcde"),
    answer_names=("end", *"ABC"),
    longest_answer=6,
)
PAIRS = Pairs.of(
    [[1, 2, 3, 4, 0, 2, 1], [3], [4, 4, 2]], [[[1, 2, 3, 1]], [[2]], [[3, 3, 2, 2, 1]]]
)
FAMILIES_OF_PAIRS = [each for each in FAMILIES if hasattr(find_class(each), "reads_pairs")]
WITHOUT = {"seq2seq", "seq2seq_gru"}  # attention
ATTENDING = [each for each in FAMILIES_OF_PAIRS if each not in WITHOUT]


def made(family: str) -> nn.Module:
    torch.manual_seed(2)
    model = build(SPEC, Architecture(family, 8)).double().eval()
    for parameter in model.parameters():  # as Keras's begin, all answers are nearly alike
        if parameter.ndim > 1:
            nn.init.normal_(parameter)
    return model


@pytest.mark.parametrize("w", [1, 6, 9])
@pytest.mark.parametrize(
    ("family", "gates", "biases", "attention"),
    [
        ("seq2seq", 4, 1, False),
        ("seq2seq_dot", 4, 1, False),
        ("seq2seq_additive", 4, 1, True),
        ("seq2seq_gru", 3, 2, False),
        ("seq2seq_gru_dot", 3, 2, False),
        ("seq2seq_gru_additive", 3, 2, True),
    ],
)
def test_parameters_by_hand(family: str, gates: int, biases: int, attention: bool, w: int) -> None:
    expected = (5 + 4) * w + 2 * gates * w * (2 * w + biases) + w * (w + 1) + 4 * (w + 1)
    if family in ATTENDING:
        expected += (2 * w + 1) * w
    if attention:
        expected += w * w + (w + 1) * w + w
    assert count_parameters(build(SPEC, Architecture(family, w))) == expected


@pytest.mark.parametrize("family", FAMILIES_OF_PAIRS)
def test_what_is_decoded_is_what_is_likeliest_after_itself(family: str) -> None:
    model, (inputs, lengths, _) = made(family), PAIRS.batch(slice(0, 3)).given

    logits = model(inputs, lengths)
    said = logits.argmax(dim=2)
    after_itself = model(inputs, lengths, nn.functional.pad(said, (1, -1)))

    assert logits.shape == (3, *SPEC.output_shape)
    assert len({tuple(answer) for answer in said.tolist()}) > 1
    torch.testing.assert_close(after_itself, logits, atol=1e-9, rtol=0)


@pytest.mark.parametrize("family", FAMILIES_OF_PAIRS)
def test_a_batch_answers_as_each_sequence_alone(family: str) -> None:
    model, batch = made(family), PAIRS.batch(slice(0, 3))

    together, decoded = model(*batch.given), model(*batch.given[:2])

    for row, length in enumerate(batch.given[1].tolist()):
        inputs, _, prompts = (each[row : row + 1] for each in batch.given)
        alone = model(inputs[:, :length], prompts=prompts)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-9, rtol=0)
        torch.testing.assert_close(
            decoded[row : row + 1], model(inputs[:, :length]), atol=1e-9, rtol=0
        )


@pytest.mark.parametrize("family", FAMILIES_OF_PAIRS)
def test_an_answer_depends_on_all_that_is_read_and_on_no_later_symbol(family: str) -> None:
    model, (inputs, lengths, prompts) = made(family), PAIRS.batch(slice(0, 1)).given
    later, other = prompts.clone(), inputs.clone()
    later[:, 3] = 0
    other[:, 0] += 1

    answers = model(inputs, lengths, prompts)

    assert torch.equal(model(inputs, lengths, later)[:, :3], answers[:, :3])
    assert not torch.allclose(model(inputs, lengths, later)[:, 3:], answers[:, 3:])
    assert not torch.allclose(model(other, lengths, prompts)[:, 0], answers[:, 0])


@pytest.mark.parametrize("family", ATTENDING)
def test_attention_weighs_what_was_read_and_nothing_after_its_end(family: str) -> None:
    model, (inputs, lengths, prompts) = made(family), PAIRS.batch(slice(0, 3)).given

    weights: Tensor = model.forward_with_weights(inputs, lengths, prompts)[1]  # type: ignore[operator]

    assert weights.shape == (3, 6, 7)
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(3, 6, dtype=torch.float64))
    assert weights[1, :, 0].eq(1).all()
    assert weights[2, :, 3:].eq(0).all()


@pytest.mark.parametrize("family", FAMILIES_OF_PAIRS)
def test_all_is_trained_and_a_size_is_reached(family: str) -> None:
    width = solve_width(30_000, SPEC, Architecture(family))
    model, batch = build(SPEC, Architecture(family, width)), PAIRS.batch(slice(0, 3))
    assert abs(count_parameters(model) / 30_000 - 1) < 0.05
    model(*batch.given).logsumexp(dim=2).sum().backward()
    for name, parameter in model.named_parameters():
        assert not parameter.requires_grad or parameter.grad.abs().sum() > 0, name  # type: ignore[union-attr]


def test_flops_are_those_of_the_longest_answer_by_hand() -> None:
    """7 symbols are read and 6 written; backward takes twice as much."""
    w = 8
    read, written = 7 * 8 * w * 2 * w, 6 * 8 * w * 2 * w
    attention = 6 * (2 * 7 * w + 2 * 7 * w + 2 * 2 * w * w)
    forward = read + 2 * w * w + written + attention + 6 * 2 * w * 4
    model = build(SPEC, Architecture("seq2seq_dot", w))
    assert flops_per_sample(model, SPEC) == (forward, 3 * forward)


@pytest.mark.parametrize("family", FAMILIES_OF_PAIRS)
def test_data_that_ask_for_no_sequence_are_refused(family: str) -> None:
    with pytest.raises(
        UserError, match=f"model={family} answers a sequence with another, and made"
    ):
        build(make_spec(), Architecture(family, 8))


def test_other_families_say_which_can() -> None:
    with pytest.raises(UserError) as caught:
        build(SPEC, Architecture("lstm", 8, 1))
    assert str(caught.value) == (
        "model=lstm can't read pairs, which asks for a sequence in answer to each: expected model="
        + " or ".join(FAMILIES_OF_PAIRS)
    )
