"""Training: steps, stops, what is kept, what is logged, and the same numbers every time."""

import dataclasses
import math
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_pre_hook

from sizewise.config import TrainingConfig
from sizewise.data import Dataset, Split
from sizewise.data.sampler import epoch_order
from sizewise.data.splits import Samples
from sizewise.errors import UserError
from sizewise.tasks import Task, find_task
from sizewise.training import loop
from sizewise.training.evaluate import Scores, evaluate
from sizewise.training.loop import fit, total_steps
from sizewise.training.schedule import learning_rate_at
from sizewise.training.state import TrainState
from tests.builders import (
    CLASSIFIERS,
    make_dataset,
    make_model,
    make_spec,
    make_split,
    make_training,
    whole,
)

SHAPE = (1, 6)
CLASSES = 4
STEPS_PER_EPOCH = 4  # 50 samples in batches of 16, the last of 2


def noise(train: int = 50, validation: int = 20) -> Dataset:
    return make_dataset(train, validation, SHAPE, CLASSES)


def train(
    model: nn.Module, config: TrainingConfig, dataset: Dataset | None = None, seed: int = 0
) -> TrainState:
    return fit(model, dataset or noise(), config, seed=seed, log=lambda *_: None)


def small_model(family: str = "mlp", seed: int = 0) -> nn.Module:
    return make_model(family, 5, SHAPE, CLASSES, seed=seed)


def script_validation(
    monkeypatch: pytest.MonkeyPatch, accuracies: list[float]
) -> list[dict[str, Tensor]]:
    """Let validation find `accuracies` in turn; return the weights it is shown, as they come."""
    shown: list[dict[str, Tensor]] = []

    def scripted(model: nn.Module, split: Samples, task: Task) -> Scores:
        shown.append({name: value.clone() for name, value in model.state_dict().items()})
        error = 1 - accuracies[len(shown) - 1]
        return Scores(error, error, math.sqrt(error * (1 - error) / len(split)), np.empty(0))

    monkeypatch.setattr(loop, "evaluate", scripted)
    return shown


def same_weights(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one | other)


def without_speed(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "samples_per_second"} for row in history]


@pytest.fixture
def gradient_norms() -> Iterator[list[float]]:
    """Return the norms of the gradients that the optimizer is given, as they come."""
    norms: list[float] = []

    def note(optimizer: torch.optim.Optimizer, *_: object) -> None:
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        norms.append(torch.cat([each.grad.flatten() for each in parameters]).norm().item())

    handle = register_optimizer_step_pre_hook(note)
    yield norms
    handle.remove()


class TestSameNumbers:
    @pytest.mark.parametrize("family", CLASSIFIERS)
    def test_two_runs_are_equal_to_the_bit(self, family: str) -> None:
        first, second = small_model(family), small_model(family)
        states = [train(first, make_training())]
        torch.rand(17)  # what others draw does not matter
        states.append(train(second, make_training()))
        assert same_weights(first.state_dict(), second.state_dict())
        histories = [without_speed(state.history) for state in states]
        assert histories[0] == histories[1]
        assert len(histories[0]) == 2

    @pytest.mark.parametrize("family", CLASSIFIERS)
    def test_another_seed_gives_other_weights(self, family: str) -> None:
        first, second = small_model(family), small_model(family)
        train(first, make_training(), seed=0)
        train(second, make_training(), seed=1)
        assert not same_weights(first.state_dict(), second.state_dict())


class TestSteps:
    def test_training_is_adam_as_in_keras_over_the_sampled_batches(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script_validation(monkeypatch, [0.1, 0.9])
        model, reference, dataset = small_model(), small_model(), noise()
        optimizer = torch.optim.Adam(reference.parameters(), eps=1e-7)
        step = 0
        for epoch in range(2):
            for batch in epoch_order(50, seed=5, epoch=epoch).split(16):
                rate = learning_rate_at(step, 2 * STEPS_PER_EPOCH, 0.01, "one_cycle")
                optimizer.param_groups[0]["lr"] = rate
                optimizer.zero_grad()
                logits = reference(whole(dataset.train).inputs[batch])
                functional.cross_entropy(logits, whole(dataset.train).targets[batch]).backward()
                nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
                optimizer.step()
                step += 1
        train(model, make_training(clip_grad_norm=0.5), seed=5)
        for mine, expected in zip(model.parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(mine, expected)

    def test_the_test_split_is_never_read(self) -> None:
        class Sealed:
            def __getattribute__(self, name: str) -> object:
                raise AssertionError(f"the test split was read: {name}")

            def __len__(self) -> int:
                raise AssertionError("the test split was read: its length")

            def __iter__(self) -> Iterator[Tensor]:
                raise AssertionError("the test split was read: its tensors")

        sealed = dataclasses.replace(noise(), test=Sealed())  # type: ignore[arg-type]
        assert train(small_model(), make_training(), sealed).epoch == 2

    def test_something_is_learnt(self) -> None:
        spec = make_spec(SHAPE, CLASSES)
        matrix = torch.randn(6, CLASSES)
        splits = []
        for num_samples, seed in ((400, 0), (200, 1)):
            inputs = make_split(num_samples, spec, seed).inputs
            splits.append(Split(inputs, (inputs.flatten(1) @ matrix).argmax(dim=1)))
        dataset = dataclasses.replace(noise(), train=splits[0], validation=splits[1])
        config = make_training(epochs=15, learning_rate=0.05)
        state = train(make_model("logistic", None, SHAPE, CLASSES), config, dataset)
        assert state.best is not None
        assert state.best.error < 0.1
        assert state.history[-1]["train/loss"] < 0.5 * state.history[0]["train/loss"]

    @pytest.mark.parametrize("clip", [0.01, 0.3])
    def test_gradients_are_clipped(self, gradient_norms: list[float], clip: float) -> None:
        state = train(small_model(), make_training(clip_grad_norm=clip))
        assert len(gradient_norms) == 2 * STEPS_PER_EPOCH
        assert max(gradient_norms) == pytest.approx(clip, rel=1e-3)
        assert state.history[0]["grad_norm"] > clip  # logged as it was before

    def test_gradients_are_left_alone_without_clipping(self, gradient_norms: list[float]) -> None:
        state = train(small_model(), make_training(clip_grad_norm=None))
        mean = sum(gradient_norms[:STEPS_PER_EPOCH]) / STEPS_PER_EPOCH
        assert state.history[0]["grad_norm"] == pytest.approx(mean, rel=1e-5)

    @pytest.mark.parametrize(
        ("epochs", "max_steps", "batch_size", "steps"),
        [(3, None, 16, 12), (3, None, 50, 3), (3, None, 64, 3), (3, 7, 16, 7), (3, 99, 16, 12)],
    )
    def test_total_steps(
        self, epochs: int, max_steps: int | None, batch_size: int, steps: int
    ) -> None:
        config = make_training(epochs=epochs, max_steps=max_steps, batch_size=batch_size)
        assert total_steps(config, 50) == steps


class TestStops:
    @pytest.mark.parametrize(
        ("max_steps", "epochs_taken", "stopped_by"),
        [
            (1, 1, "all 1 steps done"),
            (4, 1, "all 4 steps done"),
            (6, 2, "all 6 steps done"),
            (99, 3, "all 3 epochs done"),
            (None, 3, "all 3 epochs done"),
        ],
    )
    def test_max_steps_is_exact_within_an_epoch_too(
        self,
        gradient_norms: list[float],
        max_steps: int | None,
        epochs_taken: int,
        stopped_by: str,
    ) -> None:
        state = train(small_model(), make_training(epochs=3, max_steps=max_steps))
        expected = min(max_steps or 99, 3 * STEPS_PER_EPOCH)
        assert len(gradient_norms) == state.step == expected
        assert (state.epoch, state.stopped_by) == (epochs_taken, stopped_by)
        assert len(state.history) == epochs_taken

    def test_training_ends_at_the_first_loss_that_is_low_enough(self) -> None:
        full = train(small_model(), make_training(epochs=6, schedule="constant"))
        losses = [row["train/loss"] for row in full.history]
        assert losses[3] < min(losses[:3])
        config = make_training(epochs=6, schedule="constant", stop_loss=losses[3])
        state = train(small_model(), config)
        assert state.epoch == 4
        assert state.stopped_by == f"training loss reached {losses[3]:g}"

    @pytest.mark.parametrize(
        ("accuracies", "patience", "stopped_after"),
        [
            ([0.5, 0.6, 0.55, 0.6, 0.7, 0.7], 2, 4),  # as high is not higher
            ([0.5, 0.4, 0.6, 0.5, 0.5, 0.5], 2, 5),
            ([0.5, 0.4, 0.6, 0.5, 0.5, 0.5], 1, 2),
        ],
    )
    def test_patience_counts_epochs_without_a_higher_accuracy(
        self,
        monkeypatch: pytest.MonkeyPatch,
        accuracies: list[float],
        patience: int,
        stopped_after: int,
    ) -> None:
        script_validation(monkeypatch, accuracies)
        state = train(small_model(), make_training(epochs=6, patience=patience))
        assert state.epoch == stopped_after
        assert state.stopped_by == f"no lower validation error in {patience} epochs"

    def test_without_patience_training_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        script_validation(monkeypatch, [0.9, 0.1, 0.1, 0.1])
        assert train(small_model(), make_training(epochs=4)).stopped_by == "all 4 epochs done"


class Breaks(nn.Module):
    """A linear network whose logits turn into NaN or infinity from one training step on."""

    def __init__(self, at_step: int, value: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(6, CLASSES)
        self.at_step, self.value, self.calls = at_step, value, 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += self.training
        logits: Tensor = self.linear(inputs.flatten(1))
        return logits * self.value if self.training and self.calls >= self.at_step else logits


class TestNonFiniteLoss:
    """It ends training, and the weights from before it are the result."""

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    @pytest.mark.parametrize(
        ("batch_size", "at_step", "epochs"),  # 50 samples
        [
            *((50, 1, 1), (16, 1, 1), (16, 3, 1), (16, 4, 1), (16, 5, 1), (16, 9, 2)),
            *((1, 1, 1), (1, 49, 1), (1, 50, 1), (1, 51, 1), (1, 60, 1), (1, 101, 2)),
        ],
    )
    def test_the_step_is_told_and_the_epochs_before_it_stay(
        self, batch_size: int, at_step: int, epochs: int, value: float
    ) -> None:
        config = make_training(batch_size=batch_size, epochs=3)
        state = train(Breaks(at_step, value), config)
        assert state.extras["diverged"] == at_step
        assert f"stopped being finite at step {at_step};" in state.stopped_by
        assert state.epoch == len(state.history) == epochs
        assert math.isfinite(state.history[-1]["val/loss"])
        assert state.best is not None
        assert 1 <= state.best.epoch <= epochs

    @pytest.mark.parametrize("at_step", [49, 50, 51, 63])
    def test_the_step_is_right_in_a_long_epoch(self, at_step: int) -> None:
        state = train(Breaks(at_step, math.nan), make_training(batch_size=2), noise(train=130))
        assert state.extras["diverged"] == at_step

    def test_in_the_first_epoch_the_initial_weights_are_kept_and_scored(self) -> None:
        model, dataset = small_model(), noise()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        expected = evaluate(model, dataset.validation, find_task("classify"))
        state = train(model, make_training(learning_rate=1e30, schedule="constant"), dataset)
        assert state.history[0]["val/error"] == expected.error
        assert state.history[0]["val/loss"] == expected.loss
        assert state.history[0]["train/error"] > 0.5  # of the samples seen, not of all
        for name, value in model.state_dict().items():
            assert torch.equal(value, before[name])

    def test_later_the_weights_are_those_of_the_epoch_that_was_chosen(self) -> None:
        config = make_training(epochs=3, schedule="constant")
        whole_run = train(Breaks(10**6, 1), config.model_copy(update={"epochs": 2}))
        broken = train(Breaks(10, math.nan), config)
        assert whole_run.best is not None
        assert broken.best is not None
        assert broken.best.epoch == whole_run.best.epoch
        for name, value in broken.model.state_dict().items():
            assert torch.equal(value, whole_run.model.state_dict()[name])

    def test_a_loss_that_breaks_after_the_last_step_is_such_a_case(self) -> None:
        config = make_training(max_steps=1, learning_rate=1e30, schedule="constant")
        assert train(small_model(), config).extras["diverged"] == 1

    def test_a_network_whose_answers_are_never_finite_is_refused(self) -> None:
        model = small_model()
        model.register_forward_hook(lambda *call: call[2] * math.nan)
        with pytest.raises(UserError, match="with the network's initial weights"):
            train(model, make_training())


class TestWhatIsKept:
    @pytest.mark.parametrize(
        ("accuracies", "kept"),
        [  # of 100 samples: the standard error is 0.049 at 0.6, 0.046 at 0.7
            ([0.5, 0.6, 0.56, 0.54, 0.552], 5),
            ([0.5, 0.6, 0.56, 0.54, 0.550], 3),
            ([0.6, 0.54], 1),
            ([0.6, 0.56, 0.70, 0.64], 3),
            ([0.6, 0.56, 0.70, 0.66], 4),
            ([0.70, 0.64, 0.66, 0.5], 3),
            ([0.1, 0.2, 0.3, 0.4], 4),
            ([1.0, 0.999], 1),
            ([1.0, 1.0], 2),
            ([0.0, 0.0], 2),
        ],
    )
    def test_the_latest_epoch_within_one_standard_error_of_the_highest(
        self, monkeypatch: pytest.MonkeyPatch, accuracies: list[float], kept: int
    ) -> None:
        shown = script_validation(monkeypatch, accuracies)
        model = small_model()
        config = make_training(epochs=len(accuracies), schedule="constant")
        state = train(model, config, noise(validation=100))
        assert state.best is not None
        assert state.best.epoch == kept
        assert state.best.error == state.best.loss == 1 - accuracies[kept - 1]
        assert state.lowest_epoch == accuracies.index(max(accuracies)) + 1
        assert state.lowest_error == 1 - max(accuracies)
        for epoch, weights in enumerate(shown, start=1):
            assert same_weights(model.state_dict(), weights) is (epoch == kept)
        assert same_weights(state.best.weights, shown[kept - 1])

    def test_the_last_where_that_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shown = script_validation(monkeypatch, [0.5, 0.9, 0.1])
        model = small_model()
        state = train(model, make_training(epochs=3, keep="last"), noise(validation=100))
        assert state.best is not None
        assert state.best.epoch == 3
        assert same_weights(model.state_dict(), shown[2])
        assert state.lowest_epoch == 2


class TestWhatIsLogged:
    def test_each_epoch_is_logged_with_all_its_metrics(self) -> None:
        logged: list[tuple[int, dict[str, float]]] = []
        state = fit(
            small_model(),
            noise(),
            make_training(),
            seed=0,
            log=lambda epoch, metrics: logged.append((epoch, metrics)),
        )
        assert [epoch for epoch, _ in logged] == [1, 2]
        assert [metrics for _, metrics in logged] == state.history
        for metrics in state.history:
            assert set(metrics) == {
                *("train/loss", "train/error", "val/loss", "val/error"),
                *("learning_rate", "grad_norm", "samples_per_second"),
            }
            assert all(type(value) is float for value in metrics.values())

    @pytest.mark.parametrize("max_steps", [4, 2])
    def test_training_scores_are_means_over_the_samples_of_the_epoch(self, max_steps: int) -> None:
        model, dataset = small_model(), noise()
        outputs: list[Tensor] = []
        model.register_forward_hook(lambda *call: outputs.append(call[2].detach()))
        state = train(model, make_training(epochs=1, max_steps=max_steps), dataset)
        logits = torch.cat(outputs[:max_steps])
        targets = whole(dataset.train).targets[epoch_order(50, 0, 0)[: len(logits)]]
        assert len(logits) == (50 if max_steps == 4 else 32)
        loss = functional.cross_entropy(logits, targets).item()
        accuracy = (logits.argmax(dim=1) == targets).double().mean().item()
        assert state.history[0]["train/loss"] == pytest.approx(loss, rel=1e-5)
        assert state.history[0]["train/error"] == pytest.approx(1 - accuracy)

    def test_the_rate_is_that_of_the_epochs_last_step(self) -> None:
        state = train(small_model(), make_training())
        assert [row["learning_rate"] for row in state.history] == [
            learning_rate_at(step, 8, 0.01, "one_cycle") for step in (3, 7)
        ]

    def test_training_time_leaves_evaluation_out(self) -> None:
        training, evaluation = 0.005, 0.5  # seconds that each batch takes at least
        model = small_model()
        model.register_forward_pre_hook(
            lambda module, _: time.sleep(training if module.training else evaluation)
        )
        state = train(model, make_training())
        assert 2 * STEPS_PER_EPOCH * training <= state.train_seconds < evaluation
        seconds = [50 / row["samples_per_second"] for row in state.history]
        assert sum(seconds) == pytest.approx(state.train_seconds)


def test_without_validation_the_last_epoch_is_kept() -> None:
    seen: list[dict[str, Tensor]] = []
    model = small_model()

    def keep(*_: object) -> None:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})

    config = make_training(epochs=4, learning_rate=0.03)
    state = fit(model, make_dataset(validation=0), config, seed=0, log=keep)
    assert state.best is not None
    assert state.best.epoch == 4
    assert same_weights(dict(model.state_dict()), seen[-1])
    assert not same_weights(seen[-1], seen[-2])
    assert all(math.isnan(row["val/error"]) for row in state.history)
    with pytest.raises(UserError, match=r"training\.patience=2 looks at validation"):
        fit(model, make_dataset(validation=0), make_training(patience=2), seed=0, log=keep)
