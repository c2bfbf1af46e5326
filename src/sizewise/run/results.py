"""What came of a run: its saved network, its costs, its record and its files."""

import os
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
from sizewise.flops import flops_per_sample
from sizewise.records import RunRecord, write_records
from sizewise.run.folder import RunFolder
from sizewise.run.identity import Identity
from sizewise.sizing import parameters_by_group, parameters_of
from sizewise.tasks import Tally, find_task
from sizewise.tracking.lifecycle import git_commit
from sizewise.tracking.tracker import Tracker
from sizewise.training.checkpoint import SavedModel, save_model
from sizewise.training.fitted import Fitted
from sizewise.uri import hide_password

LIBRARIES = ("torch", "scikit-learn")  # that shape a result


def save(path: Path, config: Config, identity: Identity, dataset: Dataset, state: Fitted) -> int:
    """Save the best epoch's network and return the file's size in bytes."""
    assert state.best is not None
    saved = SavedModel(
        spec=dataset.spec,
        normalisation=dataset.normalisation,
        architecture=identity.architecture,
        weights=state.best.weights,
    )
    return save_model(path, saved)


def make_record(
    config: Config,
    identity: Identity,
    dataset: Dataset,
    unit: str,
    state: Fitted,
    model: nn.Module,
    metrics: dict[str, float],
    extras: dict[str, Any],
    errors: np.ndarray,
    tracker: Tracker,
) -> RunRecord:
    """Put all that is known of a finished run into its record."""
    assert state.best is not None
    return RunRecord(
        run_id=tracker.run_id,
        name=identity.name,
        run_key=identity.key,
        family=config.model.name,
        width=identity.architecture.width,
        depth=config.model.depth,
        size_asked=config.size,
        parameters=identity.parameters,
        parameters_by_group=parameters_by_group(model),
        data=config.data.name,
        fingerprint=dataset.fingerprint,
        seed=config.seed,
        best_epoch=state.best.epoch,
        epochs=state.epoch,
        steps=state.step,
        stopped_by=state.stopped_by,
        metrics=metrics,
        history=state.history,
        config=portable(config),
        folder=os.path.relpath(tracker.folder.path),
        git_commit=git_commit(),
        features=identity.architecture.features,
        train_samples=len(dataset.train),
        threads=torch.get_num_threads(),
        measure=find_task(dataset.spec.task).measure,
        unit=unit,
        extras=extras,
        sample_errors=sample_errors.pack(errors),
        test_fingerprint=dataset.test_fingerprint,
        code=identity.code,
        libraries=" ".join(f"{name} {version(name)}" for name in LIBRARIES),
        sweep=tracker.tags.get("sweep"),
    )


def measure_costs(
    model: nn.Module,
    dataset: Dataset,
    state: Fitted,
    model_bytes: int,
    device: torch.device,
) -> dict[str, float]:
    """Return a trained network's costs by their MLflow names."""
    peak = cost.peak_memory_mb(device)  # before the costs' own batches can raise it
    speed = cost.measure_speed(model, dataset.spec)
    costs = {
        "cost/train_seconds": state.train_seconds,
        "cost/peak_memory_mb": peak,
        "cost/model_bytes": model_bytes,
        "cost/latency_ms_p50": speed.latency_ms_p50,
        "cost/latency_ms_p95": speed.latency_ms_p95,
        "cost/throughput": speed.throughput,
    }
    size, flops = parameters_of(model), flops_per_sample(model, dataset.spec)
    if size is not None:
        costs["cost/parameters"] = size
    if flops is not None:
        costs |= {"cost/flops_inference": flops.inference, "cost/flops_training": flops.training}
    return costs


def write_files(folder: RunFolder, config: Config, record: RunRecord, tally: Tally | None) -> None:
    """Write what is kept of a finished run, besides its metrics and its network."""
    path = folder.path
    config_text = yaml.safe_dump(config.model_dump(by_alias=True), sort_keys=False)
    (path / folder.CONFIG).write_text(hide_password(config_text))
    write_records(path / folder.RECORD, [record])
    for name, counts in (tally.tables() if tally else {}).items():
        np.savetxt(path / f"{name}.csv", counts, fmt="%d", delimiter=",")
