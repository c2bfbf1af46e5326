"""Every command that is printed: pasted into a shell, it gives the config that it speaks of."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from sizewise.config import parse, portable
from sizewise.config.as_train import composed_as_typed, spelled
from sizewise.config.compose import Grid, as_typed, command, typed
from sizewise.records import RunRecord, read_records
from sizewise.report.proposal import Proposal, spell_all
from sizewise.report.selection import select
from tests.lab import CONF
from tests.processes import ROOT, client, environment_of, train

STUDIES = sorted((ROOT / "experiments").glob("*/runs.jsonl"))
AWKWARD = {
    "tracking.experiment": "my exp, v2",
    "tracking.artifacts": "it's (here)",
    "data.root": "a folder/with=signs",
}
SWEEPS = [
    ["model=cnn,lstm", "size=1k,4k", "seed=range(0,2)"],
    ["training.batch_size=50,200", "training.max_steps=${training.batch_size}"],
    [
        "seed=choice(0,1)",
        "model=glob(l*,exclude=[li*])",
        *(f'{key}="{each}"' for key, each in AWKWARD.items()),
    ],
    ["experiment=large_vs_small", "model=gru", "training.clip_grad_norm=null"],
    ["experiment=demo", "data.train_samples=100,null", "++threads=2"],
    ["~model.depth", "+model.depth=1,2", "tracking.experiment='$HOME','`ls`'"],
    ["seed=shuffle(0,1,2)", "hydra.sweep.subdir=${hydra:job.override_dirname}"],
]


def pasted(text: str) -> list[str]:
    """Return the words that bash gives to python."""
    shell = 'python() { printf "%s\\0" "$@"; }\n' + text
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    script, *words = done.stdout.split("\0")[:-1]
    assert Path(script).name == "train.py"
    return words


def jobs(overrides: list[str]) -> list[Any]:
    with composed_as_typed(overrides, CONF, multirun=True) as composed:
        grid = Grid(composed)
        return [OmegaConf.to_container(grid.compose(job)) for job in sorted(grid.jobs)]


@pytest.mark.parametrize("overrides", SWEEPS, ids=lambda each: each[0])
def test_the_command_of_a_sweep_starts_the_same_sweep(overrides: list[str]) -> None:
    with composed_as_typed(overrides, CONF, multirun=True) as composed:
        text = command(composed.hydra, typed(composed.hydra), sweep=True)
    multirun, *words = pasted(text)
    assert multirun == "-m"
    assert jobs(words) == jobs(overrides)


@pytest.mark.parametrize("overrides", SWEEPS, ids=lambda each: each[0])
def test_the_command_of_one_of_its_runs_trains_that_run(overrides: list[str]) -> None:
    with composed_as_typed(overrides, CONF, multirun=True) as composed:
        grid = Grid(composed)
        wanted = {
            command(composed.hydra, job): OmegaConf.to_container(grid.compose(job))
            for job in grid.jobs[:2]
        }
    for text, config in wanted.items():
        words = pasted(text)
        assert jobs([word for word in words if word != "hydra.mode=RUN"]) == [config]
        assert ("hydra.mode=RUN" in words) == any(each.startswith("exper") for each in overrides)


def test_a_value_is_typed_so_that_hydra_reads_it() -> None:
    values: list[Any] = [*AWKWARD.values(), "5", "null", "true", "", "${x}", "a\\b", '"']
    values += [None, True, 5, 1e-05, ["Id", "a b", "c,d", "5", "${x}"], [4, 8], []]
    named = {f"value{number}": value for number, value in enumerate(values)}
    (config,) = jobs([f"++tracking.{name}={as_typed(value)}" for name, value in named.items()])
    assert {name: config["tracking"][name] for name in named} == named


def variant(record: RunRecord, **changes: Any) -> RunRecord:
    """Return a record with keys of its config changed, given with `__` for a dot."""
    own = {key.replace("__", "."): value for key, value in changes.items()}
    return dataclasses.replace(record, config=record.config | own)


def by_defaults(config: dict[str, Any]) -> list[str]:
    """Spell a config by what differs from the defaults."""
    return spelled(config, CONF)


@pytest.mark.parametrize(  # each study in one spelling; in the other among the slow tests
    ("path", "spell"),
    [
        pytest.param(
            *(path, spell),
            id=f"{path.parent.name}-{spell.__name__}",
            marks=[pytest.mark.slow] * ((number + place) % 2),
        )
        for number, path in enumerate(STUDIES)
        for place, spell in enumerate((spell_all, by_defaults))
    ],
)
def test_what_a_report_says_to_run_next_trains_what_was_reported(path: Path, spell: Any) -> None:
    own = {"data__validation_fraction": 0.2, "training__max_steps": 77, "training__batch_size": 9}
    records = [variant(each, **own) for each in read_records(path) if each.features is None]
    families = list(select(records).families.values())
    for cells in families[-1:] if spell is spell_all else families[:1]:
        text = Proposal(cells[0].records[0], [500], None, [7], {}, 1.0).command(None, spell)
        words = [word for word in pasted(text) if word != "-m"]
        (config,) = jobs(words)
        found = portable(parse(OmegaConf.create(config)))
        record = cells[0].records[0].config
        free = ("size", "seed", "threads", "device", "model.width")
        assert {key: found[key] for key in record if key not in free} == {
            key: value for key, value in record.items() if key not in free
        }
        assert (found["size"], found["seed"]) == (500, 7)
        if spell is not spell_all:  # nothing that is the default's
            named = {word.partition("=")[0] for word in words} - {"model", "data", "size", "seed"}
            defaults = portable(parse(OmegaConf.create(jobs([words[0], words[3]])[0])))
            assert all(found[key] != defaults[key] for key in named)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a config folder of its own."""
    folder = tmp_path_factory.mktemp("printed")
    (folder / "my conf/training").mkdir(parents=True)
    text = (CONF / "training/default.yaml").read_text().replace("epochs: 25", "epochs: 2")
    (folder / "my conf/training/short.yaml").write_text(text)
    return folder


def test_what_a_failing_sweep_prints_and_records_can_be_pasted(workspace: Path) -> None:
    options = ("-m", "--config-dir", "my conf", "training=short", "model=logistic", "size=500")
    own = (
        "tracking.experiment='my exp, v2'",
        "training.patience=9",
        "training.max_steps=60",
    )
    swept = ("data.validation_fraction=0.1,0", "hydra/launcher=basic")
    done = train(workspace, *options, *own, *swept)
    printed = re.findall(r"(?:again|run next): (python .*)", done.stdout)
    runs = client(workspace).search_runs(["1"])
    tags = [run.data.tags["command"] for run in runs]
    assert len(printed) == 1, done.stdout + done.stderr
    assert len(tags) == 3
    (sweep,) = (text for text in tags if " -m " in text)
    assert pasted(sweep)[3:] == [*swept[1:], *options[3:], *own, *swept[:1]]
    for text in {*printed, *tags} - {sweep}:
        shown = subprocess.run(
            ["bash", "-c", f"{text} --cfg job"],
            cwd=workspace,
            env=environment_of(workspace, {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        config = yaml.safe_load(shown.stdout)
        assert config["training"]["epochs"] == 2
        assert config["tracking"]["experiment"] == "my exp, v2"
        fraction = re.search(r"validation_fraction=(\S+)", text)
        assert fraction is not None
        assert config["data"]["validation_fraction"] == float(fraction[1])


def test_the_same_is_said_of_one_run(workspace: Path) -> None:
    own = ("model=logistic", "training.max_steps=10", 'tracking.experiment="it\'s one, too"')
    train(workspace, *own, "hydra.run.dir=one").check_returncode()
    run_id = (workspace / "one/mlflow_run_id").read_text().strip()
    words = pasted(client(workspace).get_run(run_id).data.tags["command"])
    assert words == list(own)
    assert json.loads((workspace / "one/record.jsonl").read_text())["steps"] == 10
