"""What came of a run: its scores, its saved network, its costs, its record and its files."""

import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn

from sizewise import cost, sample_errors
from sizewise.config import Config, portable
from sizewise.data import Dataset
from sizewise.data.compressed import rates_of
from sizewise.data.own.named import columns_of
from sizewise.data.pairs import Pairs
from sizewise.models.classical.estimators import requirements_of
from sizewise.records import RunRecord, write_records
from sizewise.run.code import own_code
from sizewise.run.costs import costs_of_use
from sizewise.run.decoded import exact_by_length, symbol_error
from sizewise.run.explained import measure_maps
from sizewise.run.identity import Identity
from sizewise.sizing import parameters_by_group
from sizewise.tasks import find_task
from sizewise.tracking.lifecycle import git_commit
from sizewise.tracking.tracker import Tracker
from sizewise.training.checkpoint import SavedModel, save_model
from sizewise.training.evaluate import evaluate
from sizewise.training.fitted import Fitted
from sizewise.uri import hide_password

LIBRARIES = ("torch", "scikit-learn")  # that shape a result


def make_record(
    config: Config,
    identity: Identity,
    dataset: Dataset,
    model: nn.Module,
    state: Fitted,
    unit: str,
    tracker: Tracker,
    costs: dict[str, float] | None = None,
    shared_costs: Path | None = None,
) -> RunRecord:
    """Score a trained network on the test set, measure it, and keep what came of its run.

    Args:
        config: the run's, as it was asked for.
        identity: what is known of it from before.
        dataset: that the network was trained on.
        model: at its best epoch.
        state: what came of fitting it, in epochs or settings: `unit`.
        unit: see `RunRecord`.
        tracker: of the run, which is told all of it.
        costs: what it takes to train and use the network, if that was measured before.
        shared_costs: see `costs_of_use`.
    """
    assert state.best is not None
    folder, spec, task = tracker.folder, dataset.spec, find_task(dataset.spec.task)
    tally = task.tally(spec.num_outputs)
    scores = evaluate(model, dataset.test, task, tally)._asdict()
    errors = scores.pop("errors")
    scores = {"error": scores.pop("error")} | scores  # MLflow shows them in this order
    if tally is not None:
        scores |= tally.scores()
    if isinstance(dataset.test, Pairs):
        scores["symbol_error"] = symbol_error(model, dataset.test)
    saved = SavedModel(spec, dataset.normalisation, identity.architecture, state.best.weights)
    on_disk = save_model(folder.path / folder.MODEL, saved)
    costs = costs or {
        "train_seconds": state.train_seconds,
        "model_bytes": on_disk,
        "peak_memory_mb": cost.peak_memory_mb(cost.device_of(model)),  # so far, hence first
        **costs_of_use(model, identity.architecture, spec, shared_costs),
    }
    if "flops_training" in costs:
        seen = state.step * config.training.batch_size
        costs = costs | {"flops_spent": seen * costs["flops_training"]}
    metrics = {f"test/{name}": value for name, value in scores.items()}
    metrics |= {f"cost/{name}": value for name, value in costs.items()}
    extras: dict[str, Any] = dict(state.extras)  # what a study measures of each run, by name
    if spec.task in ("classify", "balanced"):
        extras["chance"] = _chance(dataset.test.targets)  # type: ignore[attr-defined]
    if spec.task == "next_byte":
        extras["compressors"] = rates_of(dataset)
    if isinstance(dataset.test, Pairs):
        extras["exact"] = exact_by_length(model, dataset.test, errors, config.data)
    extras.pop("maps", None)  # of the run that trained this network, if that was another
    if config.explain is not None:
        extras["maps"] = measure_maps(saved, dataset.test, config.data, config.explain, config.seed)
    record = RunRecord(
        run_id=tracker.run_id,
        name=identity.name,
        run_key=identity.key,
        family=config.model.name,
        width=identity.architecture.width,
        depth=config.model.depth,
        size_asked=config.size,
        parameters=identity.parameters,
        parameters_by_group=parameters_by_group(model),
        data=spec.name,
        fingerprint=dataset.fingerprint,
        seed=config.seed,
        best_epoch=state.best.epoch,
        epochs=state.epoch,
        steps=state.step,
        stopped_by=state.stopped_by,
        metrics=tracker.log(state.epoch, metrics),
        history=state.history,
        config=portable(config),
        folder=os.path.relpath(folder.path),
        git_commit=git_commit(),
        features=identity.architecture.features,
        train_samples=len(dataset.train),
        threads=torch.get_num_threads(),
        measure=task.measure,
        unit=unit,
        extras=extras,
        sample_errors=sample_errors.pack(errors, weighted=spec.task == "balanced"),
        test_fingerprint=dataset.test_fingerprint,
        code=identity.code,
        libraries=" ".join(f"{name} {version(name)}" for name in LIBRARIES),
        sweep=tracker.tags.get("sweep"),
        looked_at="looked_at" in tracker.tags,
        date=datetime.now(UTC).date().isoformat(),
        machine=cost.machine(),
    )
    write_records(folder.path / folder.RECORD, [record])
    config_text = yaml.safe_dump(config.model_dump(by_alias=True), sort_keys=False)
    (folder.path / folder.CONFIG).write_text(hide_password(config_text))
    for name, counts in (tally.tables() if tally else {}).items():
        np.savetxt(folder.path / f"{name}.csv", counts, fmt="%d", delimiter=",")
    code = own_code(type(model))
    code.copy_to(folder.path / folder.CODE)
    tracker.log_model(
        spec.input_shape,
        columns_of(spec.table) if spec.table else (),
        (*requirements_of(model), *code.packages),
        prompts=not (spec.class_names or spec.outputs),  # it tells neither
    )
    return record


def _chance(targets: torch.Tensor) -> float:
    """Return the error of always answering the class that counts most: see `tasks`."""
    classes = targets.cpu()
    weights = torch.ones(len(classes))
    if classes.ndim > 1:  # with a weight for each sample
        classes, weights = classes[:, 0].long(), classes[:, 1]
    return float(1 - classes.bincount(weights).max().item() / len(classes))
