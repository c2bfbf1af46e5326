"""Interrupted and resumed equals uninterrupted, to the bit."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sizewise.config import TrainingConfig
from sizewise.data import Dataset
from sizewise.data.augment import augmented
from sizewise.errors import Interrupted
from sizewise.models import Architecture, build
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.loop import fit
from sizewise.training.optimizer import Stepper
from sizewise.training.state import TrainState
from tests.builders import CLASSIFIERS, make_dataset, make_model, make_spec, make_training
from tests.training.malice import Malicious

SHAPE = (1, 8)
STEPS_PER_EPOCH = 4  # 50 samples in batches of 16, the last of 2
THREE_EPOCHS = make_training(epochs=3)
OF_THE_CLOCK = "samples_per_second"


def train(
    model: nn.Module,
    path: Path,
    config: TrainingConfig = THREE_EPOCHS,
    *,
    stop_after: int | None = None,
    key: str = "key",
    minutes: float = 60,
    dataset: Dataset | None = None,
) -> tuple[TrainState, list[tuple[int, dict[str, float]]]]:
    """Train to the end, or until the step `stop_after` from here; return what was logged too."""
    logged: list[tuple[int, dict[str, float]]] = []
    steps = iter(range(1, 1000))
    checkpoint = Checkpoint(path, key, minutes, lambda: next(steps) == stop_after)
    state = fit(
        model,
        dataset or make_dataset(50, 20, SHAPE),
        config,
        seed=3,
        log=lambda *each: logged.append(each),
        checkpoint=checkpoint,
    )
    return state, logged


def assert_same(found: Any, expected: Any) -> None:
    """Compare nested containers; tensors by their bits, and nothing that a clock gave."""
    if isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            if name not in (OF_THE_CLOCK, "train_seconds"):
                assert_same(found[name], expected[name])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


class Dropping(nn.Sequential):
    """A network that draws random numbers in training, as a user's own may."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(8, 16), nn.Dropout(0.5), nn.Linear(16, 4))


def make(family: str, seed: int = 5) -> nn.Module:
    if family == "dropout":
        torch.manual_seed(seed)
        return Dropping()
    return make_model(family, 4, SHAPE, 4, seed=seed)


@pytest.mark.parametrize("stop_after", [1, 4, 6, 12], ids="step {}".format)
@pytest.mark.parametrize("family", [*CLASSIFIERS, "dropout"])
def test_resuming_gives_the_same_bits(tmp_path: Path, family: str, stop_after: int) -> None:
    undisturbed, logged = train(make(family), tmp_path / "undisturbed.pt")

    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        train(make(family), path, stop_after=stop_after)
    resumed, logged_after = train(make(family, seed=99), path)

    assert_same(resumed.content(), undisturbed.content())
    assert_same(logged_after, logged[(stop_after - 1) // STEPS_PER_EPOCH :])
    assert_same(resumed.history, undisturbed.history)


def test_a_stop_between_two_looks_at_the_losses_changes_nothing(tmp_path: Path) -> None:
    """The first look of the epoch is after 50 of its 63 steps."""
    dataset = make_dataset(1000, 20, SHAPE)
    undisturbed, _ = train(make("mlp"), tmp_path / "undisturbed.pt", dataset=dataset)
    for _ in range(3):
        with pytest.raises(Interrupted):
            train(make("mlp"), tmp_path / "stopped.pt", stop_after=30, dataset=dataset)
    resumed, _ = train(make("mlp"), tmp_path / "stopped.pt", dataset=dataset)
    assert_same(resumed.content(), undisturbed.content())


def test_any_number_of_interruptions_changes_nothing(tmp_path: Path) -> None:
    undisturbed, logged = train(make("lstm"), tmp_path / "undisturbed.pt")

    path = tmp_path / "checkpoint.pt"
    for _ in range(3 * STEPS_PER_EPOCH):
        with pytest.raises(Interrupted):
            train(make("lstm"), path, stop_after=1)
    resumed, logged_after = train(make("lstm"), path)

    assert_same(resumed.content(), undisturbed.content())
    assert_same(logged_after, logged[-1:])


OPTIMIZERS: list[dict[str, Any]] = [
    {"optimizer": "keras_adam", "schedule": "constant"},
    {"optimizer": "adamw", "weight_decay": 0.1},
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.1},
]


@pytest.mark.parametrize("changes", OPTIMIZERS, ids=lambda changes: changes["optimizer"])
def test_each_optimizer_resumes_to_the_bit(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = make_training(epochs=3, **changes)
    undisturbed, _ = train(make("lstm"), tmp_path / "undisturbed.pt", config)
    with pytest.raises(Interrupted):
        train(make("lstm"), tmp_path / "checkpoint.pt", config, stop_after=6)
    resumed, _ = train(make("lstm", seed=99), tmp_path / "checkpoint.pt", config)
    assert_same(resumed.content(), undisturbed.content())


@pytest.mark.parametrize("stop_after", [1, 6], ids="step {}".format)
def test_rates_by_width_resume_to_the_bit(tmp_path: Path, stop_after: int) -> None:
    def scaled(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return build(make_spec(SHAPE, 4), Architecture("lstm", 32, 2, base_width=16))

    config = make_training(epochs=3, optimizer="adamw", weight_decay=0.1)
    undisturbed, _ = train(scaled(5), tmp_path / "undisturbed.pt", config)
    with pytest.raises(Interrupted):
        train(scaled(5), tmp_path / "checkpoint.pt", config, stop_after=stop_after)
    resumed, _ = train(scaled(99), tmp_path / "checkpoint.pt", config)
    assert_same(resumed.content(), undisturbed.content())
    assert {group["scale"] for group in resumed.stepper.optimizer.param_groups} == {1.0, 0.5}


def test_training_that_had_ended_is_not_gone_through_again(tmp_path: Path) -> None:
    first, _ = train(make("cnn"), tmp_path / "checkpoint.pt")
    again, logged = train(make("cnn", seed=8), tmp_path / "checkpoint.pt", stop_after=1)
    assert_same(again.content(), first.content())
    assert not logged


def test_training_within_max_steps_resumes_too(tmp_path: Path) -> None:
    config = make_training(epochs=3, max_steps=6)
    undisturbed, _ = train(make("mlp"), tmp_path / "undisturbed.pt", config)
    with pytest.raises(Interrupted):
        train(make("mlp"), tmp_path / "checkpoint.pt", config, stop_after=5)
    resumed, _ = train(make("mlp"), tmp_path / "checkpoint.pt", config)
    assert resumed.step == 6
    assert_same(resumed.content(), undisturbed.content())


def test_time_before_the_interruption_counts(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=6)
    state = TrainState(model=(model := make("mlp")), stepper=Stepper(model, THREE_EPOCHS))
    assert Checkpoint(path, "key", 60, lambda: False).restore(state)
    assert state.train_seconds > 0
    assert state.sums is not None
    assert state.sums.seconds > 0


def test_a_checkpoint_of_another_kind_of_device_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There the optimiser's state has other shapes, which PyTorch would take all the same."""
    path = tmp_path / "checkpoint.pt"
    with monkeypatch.context() as patch:
        patch.setattr(TrainState, "device", "cuda")
        with pytest.raises(Interrupted):
            train(make("mlp"), path, stop_after=6)
    state = TrainState(model=(model := make("mlp")), stepper=Stepper(model, THREE_EPOCHS))
    assert not Checkpoint(path, "key", 60, lambda: False).restore(state)
    assert "it was trained on cuda, not cpu" in capsys.readouterr().err


def test_state_is_saved_by_the_clock_within_an_epoch(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"

    class Crash(Exception):
        """As kill -9 does, this leaves no time to save."""

    model = make("mlp")
    calls = iter(range(100))

    def crash(*_: object) -> None:
        if next(calls) == 6:
            raise Crash

    model.register_forward_pre_hook(crash)
    with pytest.raises(Crash):
        train(model, path, minutes=0)
    state = TrainState(model=(model := make("mlp")), stepper=Stepper(model, THREE_EPOCHS))
    Checkpoint(path, "key", 60, lambda: False).restore(state)
    assert (state.epoch, state.step) == (1, 5)  # forward passes: 4, the evaluation, 1 more


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "torn":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "flipped":
        path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.write_text("not a checkpoint")


@pytest.mark.parametrize("how", ["torn", "flipped", "empty", "text"])
def test_a_damaged_file_is_skipped_for_the_one_before(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed, _ = train(make("mlp"), tmp_path / "undisturbed.pt")
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=10)  # saved at the steps 4, 8 and 10
    damage(path, how)
    resumed, logged = train(make("mlp"), path)

    assert_same(resumed.content(), undisturbed.content())
    assert [epoch for epoch, _ in logged] == [3]
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"skipping the checkpoint {path}: it is ")


def test_the_state_that_was_gone_on_from_is_kept_until_there_are_two_again(tmp_path: Path) -> None:
    undisturbed, _ = train(make("mlp"), tmp_path / "undisturbed.pt")
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=10)
    damage(path, "torn")
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=1)
    damage(path, "torn")  # the first that was saved since
    resumed, logged = train(make("mlp"), path)
    assert_same(resumed.content(), undisturbed.content())
    assert [epoch for epoch, _ in logged] == [3]


def test_without_a_file_that_serves_training_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed, _ = train(make("mlp"), tmp_path / "undisturbed.pt")
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=10, key="another run's")
    resumed, logged = train(make("mlp"), path)

    assert_same(resumed.content(), undisturbed.content())
    assert len(logged) == 3
    assert capsys.readouterr().err.count("belongs to another run") == 2


def test_a_checkpoint_of_an_earlier_format_is_not_gone_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=3)  # within the first epoch: one file
    path.write_bytes(path.read_bytes().replace(b"sizewise checkpoint 2", b"sizewise checkpoint 1"))
    _, logged = train(make("mlp"), path)
    assert len(logged) == 3
    assert capsys.readouterr().err.splitlines() == [
        f"skipping the checkpoint {path}: it was written by another version of sizewise"
    ]


def test_code_in_a_checkpoint_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = tmp_path / "checkpoint.pt", tmp_path / "made-by-code"
    monkeypatch.setattr(TrainState, "content", lambda _: Malicious(made))
    with pytest.raises(Interrupted):  # the checksum and the key are right
        train(make("mlp"), path, stop_after=2)
    monkeypatch.undo()
    _, logged = train(make("mlp"), path)
    assert len(logged) == 3
    assert not made.exists()
    assert "skipping the checkpoint" in capsys.readouterr().err


def test_a_failed_save_keeps_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    undisturbed, _ = train(make("mlp"), tmp_path / "undisturbed.pt")
    with pytest.raises(Interrupted):
        train(make("mlp"), path, stop_after=6)

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full_disk)
        with pytest.raises(OSError, match="No space"):
            train(make("mlp"), path)
    assert not list(tmp_path.glob("*.part"))
    assert_same(train(make("mlp"), path)[0].content(), undisturbed.content())


def test_files_go_when_the_run_is_finished(tmp_path: Path) -> None:
    train(make("mlp"), tmp_path / "checkpoint.pt")
    assert len(list(tmp_path.iterdir())) == 2
    Checkpoint(tmp_path / "checkpoint.pt", "key", 60, lambda: False).remove()
    assert not list(tmp_path.iterdir())


def test_resuming_sees_the_same_variants_of_images(tmp_path: Path) -> None:
    shape, path = (1, 8, 8), tmp_path / "checkpoint.pt"
    plain = make_dataset(50, 20, shape)
    varied = augmented(plain, "crop+flip+shift", seed=3)
    undisturbed, _ = train(make_model("mlp", 4, shape, 4), tmp_path / "other.pt", dataset=varied)
    with pytest.raises(Interrupted):
        train(make_model("mlp", 4, shape, 4), path, stop_after=6, dataset=varied)
    resumed, _ = train(make_model("mlp", 4, shape, 4, seed=9), path, dataset=varied)
    assert_same(resumed.model.state_dict(), undisturbed.model.state_dict())
    other, _ = train(make_model("mlp", 4, shape, 4), tmp_path / "plain.pt", dataset=plain)
    assert other.history[0]["train/loss"] != undisturbed.history[0]["train/loss"]
