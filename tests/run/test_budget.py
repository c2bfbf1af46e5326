"""A budget of FLOPs is steps, known before the run gets its key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sizewise.config import Config
from sizewise.config.as_train import composed_as_typed
from sizewise.config.compose import Grid
from sizewise.errors import UserError
from sizewise.flops import flops_per_sample
from sizewise.run.budget import in_steps
from sizewise.run.run import run
from sizewise.sweep.plan import plan_sweep
from tests.builders import CLASSIFIERS, make_model, make_spec
from tests.lab import CONF, make_config

Compose = Callable[..., Config]


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_steps_are_the_budget_over_what_a_real_batch_takes(compose: Compose, family: str) -> None:
    config = compose(f"model={family}", "model.width=8", "training.flops=2e9")
    found = in_steps(config, make_spec(), samples=10**6).training
    width = 8 if config.model.width else None
    counted = flops_per_sample(make_model(family, width), make_spec())
    assert counted is not None
    assert found.max_steps == round(2e9 / (100 * counted.training))
    assert found.flops == 2e9


def test_without_a_budget_nothing_changes(compose: Compose) -> None:
    config = compose("training.max_steps=7")
    assert in_steps(config, make_spec(), samples=100) is config


# A logistic regression on 40 numbers multiplies each with 10 weights, forward and backward.
LOGISTIC = 100 * 2 * 2 * 40 * 10


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["training.max_steps=7"], "training.max_steps=7 both say how long"),
        (["training.flops=1000"], f"at least training.flops={LOGISTIC:.2g}"),
        (["training.epochs=2"], "has 20 on 1,000 training samples: expected training.epochs=7"),
        (["model=knn"], "those of model=knn can't be: expected training.flops=null"),
    ],
)
def test_a_budget_that_does_not_go_is_refused(
    compose: Compose, overrides: list[str], words: str
) -> None:
    config = compose("model=logistic", f"training.flops={62 * LOGISTIC}", *overrides)
    with pytest.raises(UserError) as caught:
        in_steps(config, make_spec(), samples=1000)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_epochs_that_are_named_are_enough(compose: Compose) -> None:
    config = compose("model=logistic", f"training.flops={62 * LOGISTIC}", "training.epochs=7")
    assert in_steps(config, make_spec(), samples=1000).training.max_steps == 62


def test_a_run_is_the_one_that_was_planned_and_says_what_it_spent(
    store_folder: Path, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["model=logistic", "data.num_samples=200", f"training.flops={13 * LOGISTIC}"]
    monkeypatch.setenv("SIZEWISE_DATA", str(data_root))
    with composed_as_typed([*typed, "seed=0,1"], CONF, multirun=True) as composed:
        planned = plan_sweep(Grid(composed))
    assert planned is not None
    record = run(make_config(store_folder, *typed), tmp_path / "run", quiet=True)
    assert record.run_key in planned
    assert planned[record.run_key].config.training.max_steps == record.steps == 13
    assert record.metrics["cost/flops_spent"] == 13 * LOGISTIC
    assert record.config["training.flops"] == 13 * LOGISTIC
    assert record.config["training.max_steps"] is None  # as it was asked for: it goes with the size
    assert "-f2.08e6-" in record.name
