"""`precision=`: what it is on which device, in which runs' keys, and what it does to training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sizewise.config import Config, run_key
from sizewise.errors import Interrupted, UserError
from sizewise.records import RunRecord
from sizewise.run.identity import with_precision
from sizewise.run.run import run
from sizewise.training import device
from sizewise.training.loop import fit
from tests.builders import CLASSIFIERS, make_dataset, make_model, make_training
from tests.lab import make_config

Compose = Callable[..., Config]
SMALL = ("model=cnn", "size=1k", "data.num_samples=200", "training.epochs=2")


@pytest.mark.parametrize(
    ("asked", "on", "settled"),
    [
        ("auto", "cpu", None),
        ("auto", "mps", None),
        ("auto", "cuda", "bfloat16"),
        ("auto", "cuda:1", "bfloat16"),
        ("float32", "cuda", None),
        ("float32", "cpu", None),
        ("bfloat16", "cpu", "bfloat16"),
    ],
)
def test_it_is_settled_by_the_device(
    compose: Compose, asked: str, on: str, settled: str | None
) -> None:
    found = with_precision(compose(f"precision={asked}", f"device={on}"))
    assert found.precision == settled
    assert with_precision(found) == found


def test_a_classical_family_has_none(compose: Compose) -> None:
    assert with_precision(compose("model=knn")).precision is None
    with pytest.raises(UserError, match="precision=bfloat16 is for networks, and knn is fitted"):
        with_precision(compose("model=knn", "precision=bfloat16"))


def test_a_key_holds_what_was_settled(compose: Compose) -> None:
    def key(*overrides: str) -> str:
        return run_key(with_precision(compose(*overrides)), 8, "data", "code")

    before = compose().model_dump(by_alias=True)
    del before["precision"]  # as in a record from before there was a choice
    assert run_key(with_precision(Config.model_validate(before)), 8, "data", "code") == key()
    assert key("precision=float32") == key()
    assert key("precision=bfloat16") != key()
    assert key("device=cuda") == key("precision=bfloat16")
    assert key("device=cuda", "precision=float32") == key()


def test_a_processor_without_it_is_told(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(device, "CPU_FLAGS", {"a flag of none"})
    with_precision(compose("precision=bfloat16", "device=cpu"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "no instructions for it" in line


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_every_family_learns_in_bfloat16_and_keeps_its_weights_in_float32(family: str) -> None:
    dataset, config = make_dataset(64, 32, (1, 40)), make_training(epochs=4, schedule="constant")

    def trained(precision: str | None) -> list[float]:
        model = make_model(family, None if family == "logistic" else 8, (1, 40), 4)
        state = fit(model, dataset, config, seed=0, precision=precision, log=lambda *_: None)
        assert {each.dtype for each in model.state_dict().values()} <= {torch.float32}
        return [epoch["train/loss"] for epoch in state.history]

    single, half = trained(None), trained("bfloat16")
    assert half[-1] < half[0]
    assert half != single
    assert half == pytest.approx(single, rel=0.1)
    assert half == trained("bfloat16")


def test_a_run_records_it_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    def train(place: Path, name: str, *overrides: str, stop_after: int | None = None) -> RunRecord:
        place.mkdir(exist_ok=True)
        asked = iter(range(10**6))
        return run(
            make_config(place, *SMALL, *overrides),
            place / name,
            quiet=True,
            take_up="resume=true" in overrides,
            asked_to_stop=lambda: next(asked) == stop_after,
        )

    def losses(record: RunRecord) -> list[float]:
        return [epoch["train/loss"] for epoch in record.history]

    whole = train(tmp_path / "one", "whole", "precision=bfloat16")
    assert whole.config["precision"] == "bfloat16"
    assert whole.name.endswith("-bf16-s0")
    other = tmp_path / "other"
    with pytest.raises(Interrupted):
        train(other, "stopped", "precision=bfloat16", stop_after=2)
    resumed = train(other, "resumed", "precision=bfloat16", "resume=true")
    assert losses(resumed) == losses(whole)
    single = train(tmp_path / "one", "single")
    assert single.config["precision"] is None
    assert single.run_key != whole.run_key
    assert losses(single) != losses(whole)
