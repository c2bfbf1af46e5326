"""Runs that answer sequences with sequences: what is kept of answers, and that they resume."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sizewise.apply.reproduce import reproduce
from sizewise.config import Config
from sizewise.data.pairs import Pairs
from sizewise.errors import Interrupted
from sizewise.records import RunRecord
from sizewise.run.decoded import distance, exact_by_length, symbol_error
from sizewise.run.estimate import estimate
from sizewise.run.identity import architecture_of
from sizewise.run.run import run
from sizewise.tasks import find_task
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import open_store
from sizewise.training.checkpoint import load_model
from sizewise.training.evaluate import evaluate
from sizewise.training.loop import GradientSteps
from tests.lab import make_config

RUN = (
    *("model=seq2seq_dot", "model.width=6", "data=reverse", "data.num_samples=400"),
    *("data.length=4", "data.shortest=2", "training=pairs", "training.max_steps=8", "threads=1"),
)


class Fixed(nn.Module):
    """Answers 1 2, whatever is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor, lengths: Tensor, prompts: Tensor | None = None) -> Tensor:
        said = torch.tensor([1, 2, 0, 3, 3])[: 5 if prompts is None else prompts.shape[1]]
        return nn.functional.one_hot(said, 4).float().expand(len(inputs), -1, -1)


def test_a_distance_is_the_fewest_edits() -> None:
    cases = {
        ("kitten", "sitting"): 3,
        ("", "abc"): 3,
        ("abc", ""): 3,
        ("flaw", "lawn"): 2,
        ("ab", "ba"): 2,
    }
    assert {case: distance(*(list(map(ord, each)) for each in case)) for case in cases} == cases


def test_answers_are_held_against_the_nearest_and_told_apart_by_length(
    compose: Callable[..., Config],
) -> None:
    """Of 1 2, the first answer is; 3 lacks two edits, and 1 2 3 2, the nearest of two, has two."""
    test = Pairs.of([[0], [0, 0], [0, 0]], [[[1, 2]], [[3]], [[3, 3, 3], [1, 2, 3, 2]]])
    errors = evaluate(Fixed(), test, find_task("transduce")).errors

    assert errors.tolist() == [0, 1, 1]
    assert symbol_error(Fixed(), test) == (0 + 2 + 2) / (2 + 1 + 4)
    exact = exact_by_length(Fixed(), test, errors, compose("data=cmudict").data)
    assert exact == {"1": 1.0, "2": 0.0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunRecord]:
    folder = tmp_path_factory.mktemp("pairs")
    return folder, run(make_config(folder, *RUN), folder / "first", quiet=True)


def test_a_run_keeps_its_measure_symbol_error_and_right_answers_by_length(
    trained: tuple[Path, RunRecord],
) -> None:
    record = trained[1]
    assert record.measure.name == "sequence error"
    assert record.error() <= 1
    assert record.metrics["test/symbol_error"] > 0
    assert set(record.extras["exact"]) == {"2", "3", "4"}
    assert record.metrics["cost/flops_inference"] > 0
    assert "chance" not in record.extras


def test_other_test_lengths_need_no_training(
    trained: tuple[Path, RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, first = trained
    monkeypatch.setattr(GradientSteps, "fit", None)
    config = make_config(folder, *RUN, "data.test_lengths=[3,7]")
    more = run(config, folder / "more", quiet=True, take_up=True, asked_to_stop=lambda: False)
    assert set(more.extras["exact"]) == {"3", "7"}
    assert more.error() == first.error()
    assert more.run_key != first.run_key


def test_it_is_reproduced_and_goes_on_after_an_interruption_to_the_same_weights(
    trained: tuple[Path, RunRecord],
) -> None:
    folder, first = trained
    config = make_config(folder, *RUN)
    store = open_store(config.tracking)
    assert not reproduce(store, find_run(store, first.run_id)).differences

    other = make_config(folder / "other", *RUN)
    steps = count()
    with pytest.raises(Interrupted):
        run(other, folder / "stopped", quiet=True, asked_to_stop=lambda: next(steps) == 4)
    second = run(other, folder / "resumed", quiet=True, take_up=True, asked_to_stop=lambda: False)

    weights = [load_model(folder / name / "model.pt").weights for name in ("first", "stopped")]
    assert second.metrics["test/symbol_error"] == first.metrics["test/symbol_error"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_it_is_estimated_before_it_is_run(trained: tuple[Path, RunRecord]) -> None:
    folder, _ = trained
    config, spec = make_config(folder, *RUN), load_model(folder / "first" / "model.pt").spec
    found = estimate(config, spec, architecture_of(config, spec), 300, 1)
    assert found.seconds is not None
    assert found.flops is not None
    assert np.isfinite([found.seconds, found.flops]).all()
