"""What do Optuna and FLAML find in the time that `sizewise advise` has, and how good is it?

    make bench-tuners                                                     # half an hour, two cores
    python -m benchmarks.advise_peers --folder FOLDER --advised FILE      # beside rows of advice

Optuna looks through sizewise's own networks, FLAML through its own estimators. What each chooses is
scored on the samples that `benchmarks.advise` scores advice on; FILE is that benchmark's
results.jsonl. Each that is finished is a line of FOLDER/peers.jsonl; typed again, it goes on.
"""

import argparse
import json
import math
import os
import pickle
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from flaml import AutoML
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from benchmarks.advise import errors_on
from benchmarks.advise import read as read_advised
from benchmarks.advise_peers_table import RATES, SIZES, WORKERS, Peer, report
from benchmarks.advise_sets import SETS, TARGET, Drawn, fresh_of, overrides_of, write
from benchmarks.advise_table import Advised
from benchmarks.configs import config_of
from benchmarks.results import ANSWERS, setting, write_section
from sizewise.config import Config
from sizewise.data import Dataset, DataSpec
from sizewise.data.own.named import to_inputs
from sizewise.data.published import read_arrays
from sizewise.errors import UserError
from sizewise.predict import Predictor
from sizewise.records import Measure
from sizewise.run.data import load_for
from sizewise.run.identity import architecture_of
from sizewise.run.network import initialise
from sizewise.sizing import count_parameters, solve_width
from sizewise.tasks import find_task
from sizewise.training.checkpoint import SavedModel
from sizewise.training.evaluate import evaluate
from sizewise.training.loop import fit

SEARCHED = {"Optuna": ("mnist1d", "shapes", "classes"), "FLAML": ("classes", "numbers")}
STUDY = "peer"


def main() -> None:
    """Search where it was not done yet, and write ANSWERS.md's section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(dict.fromkeys(name for names in SEARCHED.values() for name in names))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(known), help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=5, help="default: %(default)s")
    parser.add_argument("--advised", type=Path, help="results.jsonl of benchmarks.advise")
    arguments = parser.parse_args()
    names, minutes = arguments.sets.split(","), arguments.minutes
    if unknown := set(names) - set(known):
        parser.error(f"--sets {','.join(unknown)}: expected some of {', '.join(known)}")
    if arguments.advised and not arguments.advised.is_file():
        parser.error(f"--advised {arguments.advised}: expected a file that benchmarks.advise wrote")
    folder: Path = arguments.folder.resolve()
    (folder / "sets").mkdir(parents=True, exist_ok=True)
    own = {"SIZEWISE_DATA": str(folder / "sets"), "XDG_CACHE_HOME": str(folder / "cache")}
    os.environ.update(own)
    for tool, its in SEARCHED.items():
        for name in its:
            if name in names:
                _once(folder, tool, name, minutes)
    peers = [row for row in read(folder) if row.data in names and row.minutes == minutes]
    beside = read_advised(arguments.advised) if arguments.advised else []
    advised = [row for row in beside if isinstance(row, Advised) and row.minutes == minutes]
    given = [f"--sets {arguments.sets}"] if len(names) < len(known) else []
    given += [f"--minutes {minutes:g}", *["--advised FILE"] * bool(advised)]
    command = " ".join(["python -m benchmarks.advise_peers", *given])
    packages = ("torch", "optuna", "FLAML", "lightgbm", "xgboost", "scikit-learn")
    write_section(
        "Advice beside Optuna and FLAML",
        setting(command, packages),
        *report(peers, advised),
        file=ANSWERS,
    )


def read(folder: Path) -> list[Peer]:
    """Return what was measured so far."""
    file = folder / "peers.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    rows = [Peer(**json.loads(line)) for line in lines]
    return [
        row._replace(measure=Measure(*row.measure), fresh=(row.fresh[0], row.fresh[1]))
        for row in rows
    ]


def _once(folder: Path, tool: str, name: str, minutes: float) -> None:
    """Have a tool search a set and add its line, unless it is there; a part begins anew."""
    if any((row.tool, row.data, row.minutes) == (tool, name, minutes) for row in read(folder)):
        return
    write(name, folder / "sets")
    own = folder / f"{name}-{tool}-{minutes:g}min"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    print(f"{own.name} …", flush=True)
    drawn = fresh_of(name, folder / "sets")
    assert drawn is not None
    row = {"Optuna": with_optuna, "FLAML": with_flaml}[tool](name, minutes, own, drawn)
    with (folder / "peers.jsonl").open("a") as results:
        print(json.dumps(row._asdict()), file=results)
    print(f"{own.name}: {row}", flush=True)


def with_optuna(name: str, minutes: float, own: Path, drawn: Drawn) -> Peer:
    """Have Optuna choose family, width and learning rate, and score the best trial's network."""
    overrides = overrides_of(name, own.parent / "sets")
    families = SETS[name].families
    configs = {family: config_of(*overrides, f"model={family}") for family in families}
    dataset = load_for(configs[families[0]])
    optuna.create_study(study_name=STUDY, storage=_storage(own))
    search = partial(_search, configs, dataset, own, 60 * minutes)
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        seconds = max(pool.map(search, range(WORKERS)))
    study = optuna.load_study(study_name=STUDY, storage=_storage(own))
    best, states = study.best_trial, [trial.state.name for trial in study.trials]
    config = _tried(configs, best.params)
    architecture = architecture_of(config, dataset.spec)
    weights = torch.load(own / f"{best.number}.pt", weights_only=True)
    network = Predictor(SavedModel(dataset.spec, dataset.normalisation, architecture, weights))
    task = find_task(dataset.spec.task)
    return Peer(
        *(name, "Optuna", minutes, seconds, task.measure, config.model.family),
        size=count_parameters(network.model),
        told=best.value,
        test=evaluate(network.model, dataset.test, task).error,
        fresh=_mean_of(errors_on(network, drawn)),
        trials=len(states),
        pruned=states.count("PRUNED"),
    )


def _search(
    configs: dict[str, Config], dataset: Dataset, own: Path, seconds: float, worker: int
) -> float:
    """Take part in a study until its time is over; return the seconds that it took."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    widths = {family: _widths(config, dataset.spec) for family, config in configs.items()}

    def train(trial: Any) -> float:
        def report_epoch(epoch: int, metrics: dict[str, float]) -> None:
            trial.report(metrics["val/error"], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        family = trial.suggest_categorical("family", list(configs))
        trial.suggest_int(f"{family}_width", *widths[family], log=True)
        trial.suggest_float("learning_rate", *RATES, log=True)
        config = _tried(configs, trial.params)
        architecture = architecture_of(config, dataset.spec)
        model = initialise(config.seed, dataset.spec, architecture, threads=1)
        state = fit(model, dataset, config.training, seed=config.seed, log=report_epoch)
        assert state.best is not None
        torch.save(state.best.weights, own / f"{trial.number}.pt")
        return state.best.error

    epochs = next(iter(configs.values())).training.epochs
    study = optuna.load_study(
        study_name=STUDY,
        storage=_storage(own),
        sampler=optuna.samplers.TPESampler(seed=worker),  # with the same, both would begin alike
        pruner=optuna.pruners.HyperbandPruner(max_resource=epochs),
    )
    started = time.monotonic()
    study.optimize(train, timeout=seconds)
    return time.monotonic() - started


def _storage(own: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(own / "journal.log")))


def _widths(config: Config, spec: DataSpec) -> tuple[int, int]:
    """Return the widths of a family between whose sizes Optuna chooses."""
    asked = architecture_of(config, spec)
    try:
        return solve_width(SIZES[0], spec, asked), solve_width(SIZES[1], spec, asked)
    except UserError:  # the smallest network is larger than that
        return 1, solve_width(SIZES[1], spec, asked)


def _tried(configs: dict[str, Config], chosen: dict[str, Any]) -> Config:
    """Return the config that a trial has chosen."""
    config = configs[chosen["family"]]
    model = config.model.model_copy(update={"width": chosen[f"{chosen['family']}_width"]})
    training = config.training.model_copy(update={"learning_rate": chosen["learning_rate"]})
    return config.model_copy(update={"model": model, "training": training})


def with_flaml(name: str, minutes: float, own: Path, drawn: Drawn) -> Peer:
    """Have FLAML choose an estimator for a table's training rows, and score it."""
    data = config_of(*overrides_of(name, own.parent / "sets")).data
    arrays, path = read_arrays(data), own.parent / "sets" / SETS[name].file
    rows = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    tested = {each.tobytes() for each in arrays.test_inputs}
    in_test = [each.tobytes() in tested for each in to_inputs(rows, arrays.told["table"], 1)]
    assert sum(in_test) == len(arrays.test_inputs)
    test, train = rows[in_test], rows[~np.array(in_test)]
    measure, log = find_task(arrays.told.get("task", "classify")).measure, own / "trials.log"
    numbers, automl = not arrays.class_names, AutoML()
    started = time.monotonic()
    automl.fit(
        train.drop(columns=TARGET),
        train[TARGET],
        task="regression" if numbers else "classification",
        metric="mae" if numbers else "accuracy",
        time_budget=60 * minutes,
        n_jobs=WORKERS,
        seed=0,
        verbose=0,
        log_file_name=str(log),
        log_type="all",
    )
    seconds = time.monotonic() - started

    def errors(inputs: Any, targets: np.ndarray) -> np.ndarray:
        answers = automl.predict(inputs)
        wrong = np.abs(answers - targets) if numbers else answers != targets
        return np.asarray(wrong, float)

    return Peer(
        *(name, "FLAML", minutes, seconds, measure, automl.best_estimator),
        size=len(pickle.dumps(automl.model.estimator)),
        told=float(automl.best_loss),
        test=float(errors(test.drop(columns=TARGET), np.asarray(test[TARGET])).mean()),
        fresh=_mean_of(errors(*drawn)),
        trials=sum("record_id" in json.loads(line) for line in log.read_text().splitlines()),
        pruned=0,
    )


def _mean_of(errors: np.ndarray) -> tuple[float, float]:
    return float(errors.mean()), float(errors.std(ddof=1) / math.sqrt(len(errors)))


if __name__ == "__main__":
    main()
