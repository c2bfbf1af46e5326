"""Maps against what they mean, computed by hand."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sizewise.data.lengths import joined, parted
from sizewise.data.spec import Column, DataSpec, TableForm
from sizewise.data.splits import Batch
from sizewise.errors import UserError
from sizewise.explain.methods import COMPLETE, _interpolation, explained, methods_for
from sizewise.models import Architecture, build
from sizewise.models.attention import Attention
from sizewise.models.cnn import CNN
from tests.builders import DEPTHS, make_classical, make_model, make_spec

SEQUENCE, IMAGE = (1, 40), (1, 28, 28)


def asked(model: nn.Module, shape: tuple[int, ...], count: int = 4) -> Batch:
    """Return noise, and of each sample the likeliest class."""
    inputs = torch.randn(count, *shape)
    with torch.no_grad():
        return Batch(inputs, model(inputs).argmax(dim=1))


def outputs(model: nn.Module, samples: Batch, inputs: Tensor) -> Tensor:
    """Return the outputs that are asked about, (N,)."""
    with torch.no_grad():
        found: Tensor = model(inputs, *samples.given[1:])
    return found.gather(1, samples.targets[:, None])[:, 0]


@pytest.mark.parametrize(
    ("family", "suited"),
    [
        ("attention", ["attention", "saliency", "integrated_gradients"]),
        ("cnn", ["grad_cam", "integrated_gradients"]),
        ("lstm", ["saliency", "integrated_gradients"]),
        ("rnn", ["saliency", "integrated_gradients"]),
        ("mlp", ["integrated_gradients"]),
    ],
)
def test_methods_by_family(family: str, suited: list[str]) -> None:
    assert methods_for(make_model(family, 6), make_spec()) == suited


@pytest.mark.parametrize("shape", [SEQUENCE, IMAGE])
def test_attention_is_the_weight_of_each_steps_state_in_the_answer(shape: tuple[int, ...]) -> None:
    model = make_model("attention", 6, shape)
    assert isinstance(model, Attention)
    samples = asked(model, shape)
    maps = explained(model, samples, make_spec(shape), "attention")
    steps = torch.tensor(maps.values if len(shape) == 2 else maps.values[:, :, 0])
    assert torch.allclose(steps.sum(dim=1), torch.ones(4))
    states, _ = model.recurrent(model.steps(samples.inputs))
    answer = model.head((steps[..., None] * states).sum(dim=1))
    assert torch.allclose(answer, model(samples.inputs), atol=1e-5)
    assert maps.attention is not None
    assert maps.attention.shape == (4, shape[1], shape[1])
    assert maps.values.shape == (4, *shape[1:])


def test_saliency_is_how_far_a_step_moves_the_output() -> None:
    model = make_model("lstm", 6).double()
    samples = asked(model.float(), SEQUENCE)
    maps = explained(model, samples, make_spec(), "saliency")
    model.double()
    inputs = samples.inputs.double()
    for step in (0, 20, 39):
        moved = inputs.clone()
        moved[..., step] += 1e-5
        slope = (outputs(model, samples, moved) - outputs(model, samples, inputs)) / 1e-5
        assert np.allclose(maps.values[:, step], slope.abs(), rtol=1e-3)


@pytest.mark.parametrize("family", ["cnn", "lstm", "attention", "mlp"])
def test_integrated_gradients_sum_to_what_the_sample_changes(family: str) -> None:
    model = make_model(family, 6)
    samples = asked(model, SEQUENCE)
    maps = explained(model, samples, make_spec(), "integrated_gradients")
    zeros = torch.zeros_like(samples.inputs)
    change = outputs(model, samples, samples.inputs) - outputs(model, samples, zeros)
    gap = np.abs(maps.values.sum(axis=1) - change.numpy())
    mass = np.abs(maps.values).sum(axis=1)
    assert (gap <= COMPLETE * mass).all()
    assert np.allclose(maps.incomplete * mass, gap, atol=1e-4)


def test_integrated_gradients_of_a_linear_network_are_its_terms() -> None:
    form = TableForm((Column("a"), Column("b"), Column("c")), "target")
    spec = dataclasses.replace(make_spec((3, 1), 4), table=form)
    model = build(spec, Architecture("logistic"))
    samples = asked(model, (3, 1))
    maps = explained(model, samples, spec, "integrated_gradients")
    weights = model.get_parameter("head.weight")[samples.targets].detach()
    assert maps.values.shape == (4, 3)
    assert np.allclose(maps.values, weights * samples.inputs[..., 0], atol=1e-5)


def test_grad_cam_is_the_sum_of_maps_by_their_mean_gradients() -> None:
    model = make_model("cnn", 4)
    assert isinstance(model, CNN)
    samples = asked(model, SEQUENCE)
    cells = model.convolutions(samples.inputs).detach().requires_grad_()
    logits = model.head(model.dense(cells.flatten(1)))
    chosen = logits.gather(1, samples.targets[:, None]).sum()
    (gradients,) = torch.autograd.grad(chosen, cells)
    expected = (gradients.mean(dim=2, keepdim=True) * cells).sum(dim=1).relu().detach()
    maps = explained(model, samples, make_spec(), "grad_cam")
    middles = [8.5 + 4 * cell for cell in range(6)]
    assert np.allclose(
        maps.values, [np.interp(range(40), middles, each) for each in expected.numpy()], atol=1e-5
    )


def test_a_cell_stands_at_the_middle_of_what_it_sees() -> None:
    model = make_model("cnn", 4)
    assert isinstance(model, CNN)
    inputs = 10 * torch.randn(200, *SEQUENCE)
    cells = model.convolutions(inputs.clone())[:, :, 2]
    seen = []
    for step in range(40):
        changed = inputs.clone()
        changed[..., step] = 100 * torch.randn(200, 1)
        if not torch.equal(model.convolutions(changed)[:, :, 2], cells):
            seen.append(step)
    assert (seen[0], seen[-1]) == (8, 25)
    across = _interpolation(list(model.convolutions), 0, 6, 40)
    assert across[16, 2] == across[17, 2] == 0.875  # half a step beside the middle
    assert across[0].tolist() == [1, 0, 0, 0, 0, 0]


def test_grad_cam_of_an_image_keeps_its_axes_apart() -> None:
    model = make_model("cnn", 4, IMAGE)
    samples = asked(model, IMAGE)
    maps = explained(model, samples, make_spec(IMAGE), "grad_cam").values
    turned = Batch(samples.inputs.transpose(2, 3), samples.targets)
    for each in model.modules():
        if isinstance(each, nn.Conv2d):
            each.weight.data = each.weight.data.transpose(2, 3)
    dense = model.get_parameter("dense.0.weight")
    width, cells = dense.shape[0], dense.view(dense.shape[0], -1, 3, 3)
    dense.data = cells.transpose(2, 3).reshape(width, -1)
    again = explained(model, turned, make_spec(IMAGE), "grad_cam").values
    assert maps.max() > 0
    assert np.allclose(again, maps.transpose(0, 2, 1), atol=1e-5)


@pytest.mark.parametrize("family", ["cnn", "lstm", "attention"])
def test_nothing_is_seen_after_a_sequences_end(family: str) -> None:
    spec = dataclasses.replace(make_spec((2, 12), 3), unequal=True)
    torch.manual_seed(0)
    model = build(spec, Architecture(family, 4, DEPTHS.get(family)))
    noise = np.random.default_rng(0).normal(size=(2, 2, 12)).astype(np.float32)
    inputs, lengths = parted(torch.tensor(joined([noise[0, :, :7], noise[1]])))
    samples = Batch(inputs, torch.tensor([0, 2]), lengths)
    for method in methods_for(model, spec):
        values = explained(model, samples, spec, method).values
        assert values.shape == (2, 12)
        assert not values[0, 7:].any()
        if method == "grad_cam":  # whose cells reach over the end
            continue
        alone = Batch(inputs[:1, :, :7], torch.tensor([0]), lengths[:1])
        short = dataclasses.replace(spec, input_shape=(2, 7))
        assert np.allclose(explained(model, alone, short, method).values, values[:1, :7], atol=1e-5)


def test_what_has_no_maps_is_refused() -> None:
    text = DataSpec("a text", (16,), (), task="next_byte", num_tokens=256, per_step=True)
    with pytest.raises(UserError, match="there are no maps of a text, which is text"):
        methods_for(build(text, Architecture("lstm", 4, 1)), text)
    with pytest.raises(UserError, match="a classical family has no gradients"):
        methods_for(make_classical("knn"), make_spec((1, 12), 4))
    model = make_model("mlp", 6)
    with pytest.raises(UserError, match="attention does not suit MLP: expected integrated_grad"):
        explained(model, asked(model, SEQUENCE), make_spec(), "attention")
    branched = nn.Module()
    branched.one, branched.two = nn.Conv1d(1, 2, 3), nn.Conv1d(1, 2, 3)
    with pytest.raises(UserError, match="can't tell where the last convolution's cells lie"):
        _interpolation(list(branched.modules()), 0, 38, 40)
