"""Every config key with values that it can't have: one line, exit code 2, and nothing written."""

import copy
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from sizewise.config import known_keys, parse
from sizewise.errors import UserError
from tests.lab import CONF
from tests.processes import ROOT

VALUES = {
    "text": "abc",
    "float": "1.5",
    "null": "null",
    "list": "[1,2]",
    "negative": "-3",
    "huge": "1" + 400 * "0",
}
# What is a value that the key may have; all else is a mistake.
FINE = {
    "answer.bytes": {"null"},
    "answer.latency": {"null"},
    "answer.target": {"float", "null"},
    "answer.tolerance": {"float", "null"},
    "answer.train_seconds": {"float", "null"},
    "until.minutes": {"float", "null"},
    "checkpoint_minutes": {"float"},
    "data.label_noise": {"null"},
    "data.label_noise_kind": {"null"},
    "data.inner_test": {"null"},
    "data.root": {"text"},
    "data.test_samples": {"null"},
    "data.train_samples": {"null"},
    "explain": {"null"},
    "features": {"null"},
    "model._target_": {"null"},
    "model.init": {"null"},
    "model.depth": {"null"},
    "model.width": {"null"},
    "precision": {"null"},
    "parametrization": {"null"},
    "resume": {"null"},
    "size": {"null"},
    "threads": {"null"},
    "tracking.artifacts": {"text", "null"},
    "tracking.experiment": {"text"},
    "tracking.uri": {"text"},
    "training.augment": {"null"},
    "training.class_weights": {"null"},
    "training.clip_grad_norm": {"float", "null"},
    "training.keep": {"null"},
    "training.learning_rate": {"float"},
    "training.flops": {"float", "null"},
    "training.max_steps": {"null"},
    "training.momentum": {"null"},
    "training.patience": {"null"},
    "training.stop_loss": {"float", "null"},
    "training.weight_decay": {"float", "null"},
}
GROUPS = ("model", "data", "training", "tracking", "experiment", "sweep")
# Names that only their registries know, which are asked when PyTorch is there.
NAMES = [("model.family", "text"), ("model._target_", "text")]
# What goes through the whole program: a group with each kind, and every third key with one.
WHOLE = [*NAMES, *((group, kind) for group in GROUPS for kind in VALUES)]
for number, key in enumerate([*known_keys()][::3]):
    wrong = [kind for kind in VALUES if kind not in FINE.get(key, ())]
    WHOLE.append((key, wrong[number % len(wrong)]))


@pytest.fixture
def typed(
    tmp_path: Path,
    data_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """Return a function that runs train.py in an empty folder and returns its one line."""
    monkeypatch.setenv("SIZEWISE_DATA", str(data_root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.chdir(tmp_path)

    def run(*overrides: str) -> str:
        monkeypatch.setattr(sys, "argv", [str(ROOT / "train.py"), *overrides])
        monkeypatch.setattr(sys, "stdout", sys.stdout)  # the script puts others in their place
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("sizewise: ")
        assert said.err.count("\n") == 1
        assert list(tmp_path.iterdir()) == []
        return said.err

    return run


@pytest.mark.parametrize(("key", "kind"), WHOLE)
def test_a_value_that_a_key_cannot_have_is_refused_before_anything_is_written(
    typed: Callable[..., str], key: str, kind: str
) -> None:
    line = typed(f"{key}={VALUES[kind]}")
    assert key.rpartition(".")[0] in line or "a group can't be null" in line
    assert len(line) < 600


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    """Return a config that a key can be changed in, which is quicker than to compose each."""
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        return compose("config")


@pytest.mark.parametrize("key", known_keys())
def test_each_key_takes_what_it_can_have_and_nothing_else(composed: DictConfig, key: str) -> None:
    for kind, text in VALUES.items():
        changed = copy.deepcopy(composed)
        OmegaConf.set_struct(changed, False)  # a key may be another data set's
        (override,) = OverridesParser.create().parse_overrides([f"{key}={text}"])
        OmegaConf.update(changed, key, override.value())
        if kind in FINE.get(key, ()) or (key, kind) in NAMES:
            parse(changed)
            continue
        with pytest.raises(UserError) as caught:
            parse(changed)
        line = str(caught.value)
        assert line.startswith((f"{key}=", f"there is no config key {key.partition('.')[0]}."))
        assert "\n" not in line
        assert "expected None" not in line


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model=[cnn,lstm]"], "model=[cnn,lstm] names several: expected one, or a sweep: -m mod"),
        (["experiment=[demo,article]"], "experiment=[demo,article] names several"),
        (["experiment=null"], "leave experiment out"),
        (["data.root=~/x"], "quote what is no plain word: 'data.root=\"~/x\"'"),
        (["tracking.experiment=it's"], "can't be read: expected KEY=VALUE; quote what"),
        (["seed"], "seed can't be read: expected KEY=VALUE"),
        (["seed=${nowhere}"], "nowhere"),
        (["-m", "seed=0,1", "training.epochs=x"], "training.epochs=x has the wrong type"),
        (["-m", "seed=interval(0,1)"], "seed=interval(0,1) gives a range to draw from"),
        (["-m", "model=[cnn,lstm],mlp"], "model=[cnn,lstm] names several"),
        (["-m", "--cfg", "job"], "expected them without -m"),
        (['hydra.run.dir="~/x"'], "would be a folder called ~ here"),
        (["-m", "seed=0,1", 'hydra.sweep.dir="~/x"'], "as in hydra.sweep.dir=$HOME/runs"),
    ],
)
def test_what_hydra_would_misread_is_refused(
    typed: Callable[..., str], overrides: list[str], words: str
) -> None:
    assert words in typed(*overrides)


def test_the_home_folder_is_meant_by_a_quoted_tilde(compose_raw: Callable[..., object]) -> None:
    config = parse(compose_raw('data.root="~/x"'))  # type: ignore[arg-type]
    assert config.data.root == str(Path.home() / "x")
    config = parse(compose_raw('tracking.uri="sqlite:///~/x.db"'))  # type: ignore[arg-type]
    assert config.tracking.uri == f"sqlite:///{Path.home()}/x.db"


def test_the_table_knows_every_key() -> None:
    shown = OmegaConf.load(CONF / "config.yaml")
    assert set(FINE) <= set(known_keys())
    assert {key for key in shown if key not in ("defaults", "hydra")} <= {
        key.partition(".")[0] for key in known_keys()
    }
