"""What only a machine with a GPU can check: `make test-gpu`."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sizewise.data import Dataset, DataSpec, Normalisation
from sizewise.data.splits import Windows
from sizewise.errors import Interrupted
from sizewise.models import Architecture, build, find_class
from sizewise.records import RunRecord
from sizewise.run.run import run
from sizewise.training import cuda_graph, loop
from sizewise.training.device import prepare_torch
from sizewise.training.loop import fit
from tests.builders import CLASSIFIERS, make_dataset, make_model, make_training
from tests.lab import make_config

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="there is no GPU here: nothing of one was checked"
    ),
    pytest.mark.filterwarnings("default"),  # PyTorch says which kernels are not deterministic
]
SERIES = ("data=mnist1d", "data.num_samples=400", "training.epochs=3", "size=3k")
PAIRS = ("data=reverse", "data.num_samples=400", "data.length=6", "training=pairs", "size=3k")
EVERY_FAMILY = [
    *((f"model={family}", *SERIES) for family in CLASSIFIERS if family != "transformer"),
    *((f"model={family}", *PAIRS) for family in ("seq2seq", "seq2seq_dot", "seq2seq_transformer")),
]
OF_THE_CLOCK = "samples_per_second"


def train(folder: Path, name: str, *overrides: str, stop_after: int | None = None) -> RunRecord:
    """Train a run on the GPU, or go on with one; `stop_after` so many steps it is stopped."""
    config = make_config(folder, "device=cuda", "rerun=true", *overrides)
    asked = iter(range(10**6))
    return run(
        config,
        folder / name,
        quiet=True,
        take_up="resume=true" in overrides,
        asked_to_stop=lambda: next(asked) == stop_after,
    )


def numbers(record: RunRecord) -> list[dict[str, float]]:
    """Return what training gave, less what a clock did."""
    history = [
        {name: value for name, value in epoch.items() if name != OF_THE_CLOCK}
        for epoch in record.history
    ]
    return [
        *history,
        {"test/error": record.error("test"), "test/loss": record.metrics["test/loss"]},
    ]


@pytest.mark.parametrize(
    "overrides",
    [
        *EVERY_FAMILY,
        ("model=transformer", *SERIES, "size=30k"),
        ("model=mlp", *SERIES, "training.optimizer=sgd", "training.momentum=0.9"),
        ("model=mlp", *SERIES, "training.optimizer=keras_adam"),
        ("model=attention", *SERIES, "precision=float32"),
    ],
    ids=" ".join,
)
def test_steps_give_the_same_numbers_one_by_one_and_as_a_graph(
    overrides: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_graph = train(tmp_path, "first", *overrides)
    assert as_graph.history[-1]["train/loss"] < as_graph.history[0]["train/loss"]
    monkeypatch.setattr(find_class(overrides[0].removeprefix("model=")), "capturable", False)
    assert numbers(train(tmp_path, "second", *overrides)) == numbers(as_graph)


def test_attention_over_long_windows_gives_the_same_numbers_twice() -> None:
    device = prepare_torch("cuda")
    window, steps = 1024, 20
    spec = DataSpec("noise", (window,), (), task="next_byte", num_tokens=256, per_step=True)
    text = torch.randint(0, 256, (window * 8 * steps + 1,), dtype=torch.uint8)
    split = Windows(text, window)
    dataset = Dataset(spec, split, split, split, Normalisation([0.0], [1.0]), "noise").to(device)

    def weights() -> list[Tensor]:
        torch.manual_seed(0)
        model = build(spec, Architecture("transformer", 128)).to(device)
        config = make_training(epochs=1, batch_size=8)
        fit(model, dataset, config, seed=0, precision="bfloat16", log=lambda *_: None)
        return list(model.parameters())

    assert all(map(torch.equal, weights(), weights()))


class Slowing(nn.Module):
    """A network of which each step does something else."""

    capturable = False

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(40, 4)
        self.steps = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.steps += self.training
        answer: Tensor = self.layer(inputs.flatten(1)) / self.steps
        return answer


def test_only_a_network_that_says_it_can_be_is_captured() -> None:
    device = prepare_torch("cuda")
    dataset = make_dataset(320, 64, (1, 40)).to(device)

    def steps_of(capturable: bool) -> int:
        torch.manual_seed(0)
        model = Slowing().to(device)
        model.capturable = capturable
        fit(model, dataset, make_training(epochs=2, batch_size=32), seed=0, log=lambda *_: None)
        return model.steps

    assert steps_of(capturable=False) == 20
    assert steps_of(capturable=True) == cuda_graph.WARM_UP + 1  # Python saw no more of them


@pytest.mark.parametrize("family", ["cnn", "lstm", "attention"])
def test_a_run_goes_on_to_the_bit(family: str, tmp_path: Path) -> None:
    overrides = (f"model={family}", *SERIES)
    whole = train(tmp_path, "whole", *overrides, "seed=1")
    other = tmp_path / "other"  # with a store of its own, in which it is not finished
    other.mkdir()
    with pytest.raises(Interrupted):
        train(other, "stopped", *overrides, "seed=1", stop_after=5)
    resumed = train(other, "resumed", *overrides, "seed=1", "resume=true")
    assert numbers(resumed) == numbers(whole)


@pytest.mark.parametrize("family", ["cnn", "lstm", "attention", "mlp"])
def test_no_step_waits_for_the_gpu(family: str) -> None:
    """PyTorch warns of each wait. Steps may make it wait when losses are looked at, no else."""
    device = prepare_torch("cuda")
    dataset: Dataset = make_dataset(6400, 64, (1, 40)).to(device)
    model = make_model(family, 8, (1, 40), 4).to(device)
    config = make_training(epochs=1, batch_size=16)
    steps = 6400 // 16
    fit(
        model,
        dataset,
        config.model_copy(update={"max_steps": 60}),
        seed=0,
        precision="bfloat16",
        log=lambda *_: None,
    )
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(model, dataset, config, seed=0, precision="bfloat16", log=lambda *_: None)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    waits = [each for each in caught if "synchroniz" in str(each.message)]
    beside = 40  # before and after an epoch, and of its validation
    assert 0 < len(waits) <= 2 * steps / loop.CHECK_EVERY + beside
