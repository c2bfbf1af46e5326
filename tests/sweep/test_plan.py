"""A sweep's runs as they are planned, held against the configs that Hydra gives its jobs."""

import re
import sys
from pathlib import Path
from typing import Any

import hydra
import pytest
import yaml
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from sizewise.config.as_train import composed_as_typed
from sizewise.config.compose import Grid, is_grid, typed
from sizewise.errors import UserError
from sizewise.sweep.plan import plan_sweep
from tests.lab import CONF, sizewise
from tests.processes import make_store

EXPERIMENT = """# @package _global_
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      training.epochs: 3,4
      training.max_steps: ${training.batch_size}
"""
KINDS = {
    "values": ["model=cnn", "size=500,1k", "seed=0,1"],
    "groups": ["model=cnn,lstm", "training=default,article"],
    "a group and its keys": ["model=lstm", "data=digits", "data.validation_fraction=0.1,0.2"],
    "an interpolation of a swept key": [
        *("training.batch_size=50,200", "training.max_steps=${training.batch_size}"),
    ],
    "an interpolation within a group": ["data.train_samples=${training.epochs}", "seed=1,2"],
    "an interpolation of another group": [
        *("tracking.experiment=${model.family}", "model=cnn,gru", "size=${.training.batch_size}"),
    ],
    "a range": ["seed=range(0,2)", "training.epochs=range(5,1,-2)"],
    "a range of floats": ["training.learning_rate=range(0.001,0.004,0.001)"],
    "a glob": ["model=glob(l*,exclude=[li*])"],
    "a choice": ["training.schedule=choice(cosine,constant)", "seed=7"],
    "a choice with repeats": ["seed=choice(0,0,1)"],
    "a sorted choice": ["seed=sort(3,1,2)", "size=sort(2k,1k,reverse=true)"],
    "null among values": ["data.train_samples=100,null", "training.clip_grad_norm=null,1.0"],
    "quoted texts": ["tracking.experiment='my exp, v2',other"],
    "added and removed keys": ["++threads=1,2", "~model.depth", "+model.depth=1,2"],
    "one key twice": ["seed=0,1", "seed=5,6"],
    "an experiment": ["experiment=demo", "seed=0", "size=500,1k", "model=cnn,lstm"],
    "an experiment with an interpolation": ["experiment=mine", "training.batch_size=50,200"],
    "an experiment and its group": ["experiment=article", "model=attention", "size=1k,2k"],
    "small forms of a family": ["model=small/cnn,cnn", "model.width=4,8"],
}


# Much like others.
ALIKE = (
    *("a range of floats", "a choice with repeats", "a sorted choice", "one key twice"),
    "an experiment and its group",
)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Return the project's config files with one experiment more."""
    folder = tmp_path / "conf"
    folder.mkdir()
    for each in CONF.iterdir():
        if each.name != "experiment":
            (folder / each.name).symlink_to(each)
    (folder / "experiment").mkdir()
    for each in (CONF / "experiment").iterdir():
        (folder / "experiment" / each.name).symlink_to(each)
    (folder / "experiment/mine.yaml").write_text(EXPERIMENT)
    return folder


@pytest.fixture
def given(conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs Hydra's own multirun, and returns what its jobs were given."""

    def run(overrides: list[str]) -> list[dict[str, Any]]:
        @hydra.main(version_base="1.3", config_path=str(conf), config_name="config")
        def nothing(_: DictConfig) -> None:
            pass

        (hydras,) = (
            each for each in Plugins.instance().discover(Sweeper) if each.__name__ == "BasicSweeper"
        )
        sweeper = f"hydra.sweeper._target_={hydras.__module__}.{hydras.__name__}"
        own = (sweeper, "hydra/launcher=basic", "~hydra.callbacks.sweep")
        monkeypatch.setattr(
            sys, "argv", ["train.py", "-m", *own, "hydra.sweep.dir=sweep", *overrides]
        )
        monkeypatch.chdir(tmp_path)
        nothing()
        folders = sorted((tmp_path / "sweep").glob("*/.hydra"), key=lambda f: int(f.parent.name))
        return [yaml.safe_load((folder / "config.yaml").read_text()) for folder in folders]

    return run


@pytest.fixture
def data(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZEWISE_DATA", str(data_root))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind in ALIKE)) for kind in KINDS]
)
def test_what_is_planned_is_what_hydra_runs(given: Any, conf: Path, kind: str) -> None:
    with composed_as_typed(KINDS[kind], conf, multirun=True) as composed:
        grid = Grid(composed)
        assert grid.configs is not None
        planned = [OmegaConf.to_container(grid.compose(job)) for job in grid.jobs]
    assert planned == given(KINDS[kind])
    assert len(planned) > 1 or kind == "a glob"


def test_an_interpolation_of_a_swept_key_gives_each_run_its_own_value(
    conf: Path, data: None
) -> None:
    with composed_as_typed(
        KINDS["an interpolation of a swept key"], conf, multirun=True
    ) as composed:
        assert typed(composed.hydra)[1] == "training.max_steps=${training.batch_size}"
        planned = plan_sweep(Grid(composed))
    assert planned is not None
    assert [run.config.training.max_steps for run in planned.values()] == [50, 200]


def test_what_is_shuffled_is_drawn_once(conf: Path, data: None) -> None:
    with composed_as_typed(
        ["model=logistic", "seed=shuffle(range(0,9))"], conf, multirun=True
    ) as composed:
        grid = Grid(composed)
        planned = plan_sweep(grid)
    assert planned is not None
    assert [run.overrides for run in planned.values()] == grid.jobs
    assert [f"seed={run.config.seed}" for run in planned.values()] == [job[1] for job in grid.jobs]
    assert sorted(run.config.seed for run in planned.values()) == list(range(9))


def test_an_optimisers_range_is_no_grid(conf: Path) -> None:
    with (
        pytest.raises(UserError, match=r"expected values, as in training\.learning_rate=1,2"),
        composed_as_typed(
            ["training.learning_rate=interval(0.001,0.1)"], conf, multirun=True
        ) as composed,
    ):
        Grid(composed)


def test_an_optimisers_sweep_is_no_grid(conf: Path) -> None:
    with composed_as_typed(["experiment=tune_lstm"], conf, multirun=True) as composed:
        assert not is_grid(composed)


def test_a_seed_that_is_given_twice_is_one_run(conf: Path, data: None) -> None:
    with composed_as_typed(
        ["model=logistic", *KINDS["a choice with repeats"]], conf, multirun=True
    ) as composed:
        planned = plan_sweep(Grid(composed))
    assert planned is not None
    assert [run.config.seed for run in planned.values()] == [0, 1]


@pytest.mark.parametrize(
    "overrides",
    [
        ["seed=${hydra:job.num}", "model=cnn,lstm"],
        ["tracking.experiment=${now:%H%M%S}", "seed=0,1"],
    ],
)
def test_runs_that_are_made_of_the_job_are_not_planned(conf: Path, overrides: list[str]) -> None:
    with composed_as_typed(overrides, conf, multirun=True) as composed:
        assert plan_sweep(Grid(composed)) is None


def test_a_bad_run_is_named_before_anything_is_loaded(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIZEWISE_DATA", "/dev/null")
    with (
        composed_as_typed(["seed=0,1", "training.epochs=3,x"], conf, multirun=True) as composed,
        pytest.raises(UserError, match=r"training\.epochs=x has the wrong type.*in the run seed=0"),
    ):
        plan_sweep(Grid(composed))


def test_a_key_that_is_not_there_is_refused_as_by_hydra(conf: Path) -> None:
    with (
        pytest.raises(hydra.errors.HydraException, match=r"training\.epoch"),
        composed_as_typed(["model=cnn,lstm", "training.epoch=3"], conf, multirun=True) as composed,
    ):
        plan_sweep(Grid(composed))


def planned_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, *typed: str
) -> str:
    """Return what `sizewise plan` says where train.py is, over a store of its own."""
    monkeypatch.chdir(CONF.parent)
    make_store(folder / "mlflow.db")
    assert sizewise("plan", *typed, f"tracking.uri=sqlite:///{folder}/mlflow.db") == 0
    return capsys.readouterr().out


def test_a_plan_takes_what_train_py_takes_in_any_order(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: None
) -> None:
    (tmp_path / "my conf/training").mkdir(parents=True)
    text = (CONF / "training/default.yaml").read_text().replace("epochs: 25", "epochs: 7")
    (tmp_path / "my conf/training/short.yaml").write_text(text)
    (tmp_path / "my conf/other.yaml").write_text("defaults: [config, _self_]\nsize: 500\n")
    own = ("--config-dir", str(tmp_path / "my conf"), "--config-name", "other", "training=short")
    model = ("data.num_samples=200", "model=logistic")
    said = planned_text(
        capsys, monkeypatch, tmp_path, *model, "-m", *own, "hydra/launcher=basic", "seed=0,1"
    )
    assert re.search(r"logistic +mnist1d +144 +500 +510 +\d+ +2 +0 ", said)
    assert "2 runs, 0 done, 2 to run: about" in said
    assert said.rstrip().endswith("1 at once")


def test_a_single_run_is_planned_on_all_cores(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: None
) -> None:
    monkeypatch.setattr("sizewise.threads.available_cores", lambda: 3)
    wide = ("model=mlp", "model.width=1200", "data.num_samples=100", "training.epochs=1")
    for more, threads in (((), 3), (("-m", "hydra.launcher.n_jobs=3"), 1)):
        said = planned_text(capsys, monkeypatch, tmp_path, *wide, *more)
        assert re.search(rf"mlp .* {threads} +1 +0 ", said), said
        assert "1 run, 0 done, 1 to run" in said


def test_runs_that_cost_something_else_are_estimated_by_themselves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: None
) -> None:
    small = ("model=mlp", "size=500", "data.num_samples=100", "training.epochs=1")
    costs = ("precision=float32,bfloat16", "explain=null,5", "training.optimizer=adam,sgd")
    same = "training.learning_rate=0.01,0.02"
    said = planned_text(capsys, monkeypatch, tmp_path, "-m", *small, *costs, same)
    assert len(re.findall(r"^mlp .* 2 +0 ", said, re.MULTILINE)) == 8, said


def test_an_experiment_that_is_a_sweep_is_one_run_where_that_is_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: None
) -> None:
    one = ("experiment=demo", "hydra.mode=RUN", "model=logistic", "training.epochs=1")
    assert "1 run, 0 done" in planned_text(capsys, monkeypatch, tmp_path, *one)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["seed=0,1"], "seed=0,1 has several values, a sweep's: expected python train.py -m seed"),
        (["--multi", "--jobs", "2"], "there is no --jobs here"),
        (["--config-dir", "nowhere"], "--config-dir nowhere: expected a folder of config files"),
        (["-m", "model=[cnn,lstm]"], "model=[cnn,lstm] names several"),
    ],
)
def test_what_train_py_refuses_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(CONF.parent)
    assert sizewise("plan", *typed) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1, errors
