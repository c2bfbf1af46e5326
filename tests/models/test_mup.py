"""muP: one step of training moves activations as far at every width; who can, and who can't."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from experiments.lr_transfer.activations import moves_by_width, spread
from sizewise.data.normalisation import Normalisation
from sizewise.data.pairs import Pairs
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.models import CLASSICAL, FAMILIES, Architecture, base_width_of, build, find_class
from sizewise.models.mup import tied
from sizewise.models.seq2seq import DotProduct
from sizewise.sizing import count_parameters, solve_width
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from sizewise.training.optimizer import parameter_groups
from tests.builders import DEPTHS, make_spec

TEXT = DataSpec("text", (12,), (), task="next_byte", num_tokens=256, per_step=True)
PAIRS = DataSpec(
    *("pairs", (7,), (), "transduce"),
    source_names=tuple("abcde"),
    answer_names=("end", *"ABCDE"),
    longest_answer=6,
)
USER_MODULE = """
import torch
from torch import nn

class Plain(nn.Sequential):
    def __init__(self, spec, width):
        super().__init__(nn.Flatten(), nn.Linear(spec.num_features, width), nn.ReLU(),
                         nn.Linear(width, width), nn.ReLU(), nn.Linear(width, spec.num_classes))

class Said(Plain):
    base_width = 8

class Alike(Said):
    def __init__(self, spec, width):
        super().__init__(spec, width)
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.02)

class Raw(Said):
    def __init__(self, spec, width):
        super().__init__(spec, width)
        self.places = nn.Parameter(torch.zeros(5, width))
"""


def spec_of(family: str) -> DataSpec:
    return PAIRS if hasattr(find_class(family), "reads_pairs") else make_spec()


def made(
    family: str, times: float = 1, *, mup: bool = True, spec: DataSpec | None = None, seed: int = 0
) -> nn.Module:
    """Return a network of so many times its family's base width."""
    base = base_width_of(family)
    asked = Architecture(family, round(times * base), DEPTHS.get(family))
    torch.manual_seed(seed)
    return build(spec or spec_of(family), replace(asked, base_width=base if mup else None))


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of an importable module with a user's own classes."""
    (tmp_path / "scaled_networks.py").write_text(USER_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "scaled_networks"


@pytest.mark.parametrize(
    ("family", "depth", "seeds"),
    [
        *[("mlp", 2, 8), ("cnn", None, 2), ("lstm", 1, 6), ("gru", 1, 8)],
        *[("rnn", 1, 8), ("attention", None, 6)],
    ],
)
def test_training_moves_activations_as_far_at_16_times_the_width(
    family: str, depth: int | None, seeds: int
) -> None:
    """Without muP it does not, so the test can tell."""
    asked, times = Architecture(family, depth=depth), (1, 4, 16)
    moved = moves_by_width(asked, mup=True, seeds=range(seeds), times=times)
    assert max(map(spread, moved.values())) <= 1.2, moved
    standard = moves_by_width(asked, mup=False, seeds=range(1), times=times)
    assert max(map(spread, standard.values())) > 1.6, standard


@pytest.mark.parametrize("family", FAMILIES)
def test_at_the_base_width_only_the_read_out_begins_otherwise(family: str) -> None:
    model, standard = made(family), made(family, mup=False)
    others = dict(standard.named_parameters())
    zeroed = {
        name for name, each in model.named_parameters() if not torch.equal(each, others[name])
    }
    reads_out = set() if tied(model) else {"head.weight"}
    reads_out |= {"attention.score.weight"} & others.keys()  # one score from a state
    assert zeroed == reads_out
    assert all(not model.get_parameter(name).any() for name in zeroed)
    assert {group["scale"] for group in parameter_groups(model, 0.0)} == {1.0}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_reads_four_times_as_much_learns_at_a_quarter_of_the_rate(family: str) -> None:
    model, spec = made(family, 4), spec_of(family)
    groups = parameter_groups(model, 0.0)
    scales = {id(each): group["scale"] for group in groups for each in group["params"]}
    for name, each in model.named_parameters():
        if each.requires_grad:
            reads_data = each.ndim > 1 and each.shape[1] in (1, spec.num_features)
            table = isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Embedding)
            whole = each.ndim < 2 or reads_data or table
            assert scales[id(each)] == (1 if whole else 0.25), name


@pytest.mark.parametrize("init", [None, "pytorch"])
@pytest.mark.parametrize("family", ["mlp", "lstm", "cnn"])
def test_initial_weights_keep_their_size_where_the_inputs_are_as_many(
    family: str, init: str | None
) -> None:
    def deviations(times: int, base: int | None, seed: int) -> dict[str, float]:
        torch.manual_seed(seed)
        asked = Architecture(family, 16 * times, DEPTHS.get(family), init=init, base_width=base)
        named = build(make_spec(), asked).named_parameters()
        return {name: float(each.detach().std()) for name, each in named if each.ndim > 1}

    drawn = [deviations(1, None, seed) for seed in range(30)]
    large = deviations(8, 16, 30)
    first = next(iter(large))
    for name in large.keys() - {"head.weight"}:
        small = sum(each[name] for each in drawn) / len(drawn)
        assert large[name] == pytest.approx(small / (1 if name == first else 8**0.5), rel=0.05)
    assert large["head.weight"] == 0


def test_weights_that_begin_alike_at_every_width_are_brought_to_the_rule(user_module: str) -> None:
    asked = Architecture("ignored", 128, target=f"{user_module}.Alike", base_width=8)
    model = build(make_spec(), asked)
    assert float(model.get_parameter("1.weight").detach().std()) == pytest.approx(0.02, rel=0.05)
    assert float(model.get_parameter("3.weight").detach().std()) == pytest.approx(0.005, rel=0.05)


def test_the_seed_decides_the_weights_and_goes_on_as_without() -> None:
    def drawn(seed: int, *, mup: bool) -> tuple[nn.Module, torch.Tensor]:
        return made("lstm", 2, mup=mup, seed=seed), torch.rand(3)

    (one, after), (same, _), (other, _) = (drawn(seed, mup=True) for seed in (0, 0, 1))
    assert torch.equal(one.get_parameter("dense.0.weight"), same.get_parameter("dense.0.weight"))
    assert not torch.equal(
        one.get_parameter("dense.0.weight"), other.get_parameter("dense.0.weight")
    )
    assert torch.equal(after, drawn(0, mup=False)[1])


@pytest.mark.parametrize("family", ["attention", "seq2seq_dot"])
def test_scores_of_two_states_are_divided_by_the_width(family: str) -> None:
    model = made(family, 4)
    assert [each.score_scale for each in model.modules() if hasattr(each, "score_scale")] == [0.25]
    standard = made(family, 4, mup=False)
    states = torch.randn(2, 3, 64)
    attention = model.get_submodule("attention")
    other = standard.get_submodule("attention")
    if family == "attention":
        weights = attention(states)[1]
        assert torch.allclose(weights, (states @ states.mT / 4).softmax(2), atol=1e-6)
    else:
        assert isinstance(attention, DotProduct)
        assert isinstance(other, DotProduct)
        scores = attention.scores(states, states)
        assert torch.allclose(scores, other.scores(states, states) / 4)


def test_a_tied_read_out_is_divided_by_the_width() -> None:
    model = made("transformer", 2, spec=TEXT)
    standard = made("transformer", 2, spec=TEXT, mup=False)
    standard.load_state_dict(model.state_dict())
    (head,) = tied(model)
    assert head is model.get_submodule("head")
    text = TEXT.random_batch(2)
    assert torch.allclose(model(text), standard(text) / 2, atol=1e-6)


@pytest.mark.parametrize(("family", "spec"), [("attention", TEXT), ("transformer", TEXT)])
def test_a_saved_network_answers_as_before(tmp_path: Path, family: str, spec: DataSpec) -> None:
    model = made(family, 2, spec=spec)
    nn.init.normal_(model.get_submodule("head").bias)  # type: ignore[arg-type]
    base = base_width_of(family)
    asked = Architecture(family, 2 * base, DEPTHS.get(family), base_width=base)
    save_model(
        tmp_path / "model.pt",
        SavedModel(spec, Normalisation([0.0], [1.0]), asked, model.state_dict()),
    )
    text = spec.random_batch(3)
    again = load_model(tmp_path / "model.pt")
    assert again.architecture == asked
    assert torch.equal(again.build()(text), model.eval()(text))


def test_a_size_is_solved_for_as_without() -> None:
    for family, size in (("lstm", 20_000), ("transformer", 1_000_000)):
        asked = Architecture(family, depth=DEPTHS.get(family))
        mup = replace(asked, base_width=base_width_of(family))
        width = solve_width(size, make_spec(), asked)
        assert solve_width(size, make_spec(), mup) == width
        assert count_parameters(build(make_spec(), replace(mup, width=width))) == count_parameters(
            build(make_spec(), replace(asked, width=width))
        )


def test_decay_takes_as_large_a_share_of_every_weight() -> None:
    model = made("mlp", 4)
    for group in parameter_groups(model, 0.1):
        assert group["scale"] * group["weight_decay"] in (0, pytest.approx(0.1))


def test_pairs_are_learnt_from() -> None:
    batch = Pairs.of([[1, 2, 3], [4]], [[[1, 2]], [[3]]]).batch(slice(0, 2))
    model = made("seq2seq_additive", 2)
    model(*batch.given).sum().backward()
    head = model.get_parameter("head.weight").grad
    assert head is not None
    assert head.any()


@pytest.mark.parametrize("family", CLASSICAL)
def test_a_classical_family_has_no_base_width(family: str) -> None:
    words = f"^parametrization=mup is for networks, and model={family} is fitted: expected para"
    with pytest.raises(UserError, match=words):
        base_width_of(family)


def test_what_has_no_width_is_refused() -> None:
    with pytest.raises(UserError, match=r"logistic has none: expected model\.width=NUM"):
        build(make_spec(), Architecture("logistic", base_width=16))


def test_a_network_whose_depth_grew_is_refused() -> None:
    asked = Architecture("transformer", 320, base_width=32)
    with pytest.raises(UserError, match=r"which has other layers: expected model\.depth="):
        build(make_spec(), asked)
    with torch.device("meta"):
        assert build(make_spec(), replace(asked, depth=4))


def test_a_class_of_the_users_own_says_its_base_width(user_module: str) -> None:
    target = f"{user_module}.Said"
    base = base_width_of("ignored", target)
    model = build(make_spec(), Architecture("ignored", 32, target=target, base_width=base))
    assert model.rate_scales == {"3.weight": 0.25, "5.weight": 0.25}
    with pytest.raises(UserError, match=r"that scaled_networks\.Plain does not say: expected base"):
        base_width_of("ignored", f"{user_module}.Plain")
    raw = Architecture("ignored", 32, target=f"{user_module}.Raw", base_width=base)
    with pytest.raises(UserError, match="which side of places in Raw reads: expected Linear, Conv"):
        build(make_spec(), raw)
