"""Fitting the classical families: every setting of a small grid, chosen by validation."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sizewise.data.dataset import Dataset
from sizewise.data.splits import Batch, choose_stratified
from sizewise.errors import UserError
from sizewise.models.classical.estimators import Classical, Hyperparameters
from sizewise.models.classical.features import Array
from sizewise.tasks import find_task
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.evaluate import score
from sizewise.training.fitted import Best, Fitted, Log

TRAIN_SCORED = 2000  # training samples, at most, that a setting's training scores are measured on


@dataclass(frozen=True)
class SettingsSearch:
    """Fits a classical model under each setting of its grid."""

    model: Classical
    seed: int
    unit: ClassVar[str] = "setting"

    @property
    def most(self) -> int:
        return len(self.model.grid)

    def fit(self, dataset: Dataset, log: Log, checkpoint: Checkpoint) -> Fitted:
        before_each = checkpoint.before_fit
        return fit_classical(self.model, dataset, seed=self.seed, log=log, before_each=before_each)

    def limits(self) -> AbstractContextManager[None]:
        return as_many_threads_as_torch()


class _Samples(NamedTuple):
    features: Array
    targets: Tensor


@contextmanager
def as_many_threads_as_torch() -> Iterator[None]:
    """Hold BLAS and OpenMP to PyTorch's number of threads, for the time of a fit and its scores."""
    import sklearn.pipeline  # what brings them: only libraries that are loaded can be held
    from threadpoolctl import threadpool_limits

    assert sklearn.pipeline
    with threadpool_limits(torch.get_num_threads()):
        yield


def fit_classical(
    model: Classical,
    dataset: Dataset,
    *,
    seed: int,
    log: Log,
    before_each: Callable[[], None] = lambda: None,
) -> Fitted:
    """Fit `model` in place under each setting of its grid, and leave it as the best one has it.

    The best has the lowest validation error; ties go to the lower validation loss, then to the
    earlier. It stays as it was fitted on the training samples: validation samples are not added.

    Args:
        model: not yet fitted.
        dataset: its test split is not read.
        seed: decides which samples are kept, where the width limits them, and the trees.
        log: called after each setting with its number, from 1, and its metrics by name.
        before_each: called before each setting is fitted; what it raises ends the search.

    Raises:
        UserError: more samples are to be kept than there are, or none are for validation.
    """
    if not len(dataset.validation):
        raise UserError(
            f"{type(model).__name__} chooses its settings by validation, and there is none with "
            "data.validation_fraction=0: expected a share of the training samples"
        )
    threads, task = torch.get_num_threads(), find_task(dataset.spec.task)
    started = time.perf_counter()
    train = _training_samples(model, dataset, seed)
    feature_seconds = time.perf_counter() - started
    few = np.linspace(0, len(train.targets) - 1, min(len(train.targets), TRAIN_SCORED)).astype(int)
    scored = _Samples(train.features[few], train.targets[torch.from_numpy(few)])
    validation = _samples(model, dataset.validation.batch(slice(0, len(dataset.validation))))
    search, ranks = Fitted(), list[tuple[float, float, int]]()
    best: tuple[Any, Tensor] | None = None
    for number, setting in enumerate(model.grid, start=1):
        before_each()
        seconds = _fit(model, train, setting, seed, threads)
        model.calibrate(validation.features, _learnt(model, validation.targets))
        metrics = {"fit_seconds": seconds} | {f"setting/{name}": v for name, v in setting.items()}
        for split, samples in (("train", scored), ("val", validation)):
            scores = score([(model.score(samples.features), samples.targets)], task)
            metrics |= {f"{split}/loss": scores.loss, f"{split}/error": scores.error}
        search.epoch = number
        search.history.append(metrics)
        ranks.append((metrics["val/error"], metrics["val/loss"], number))
        if ranks[-1] == min(ranks):
            best = model.pipeline, model.scale.clone()
            search.train_seconds = feature_seconds + seconds
        log(number, metrics)
    assert best is not None
    model.pipeline = best[0]
    model.scale.copy_(best[1])
    error, loss, number = min(ranks)
    search.best = Best(number, error, loss, dict(model.state_dict()))
    search.stopped_by = _words(model, number)
    return search


def _training_samples(model: Classical, dataset: Dataset, seed: int) -> _Samples:
    """Return the features and targets of the samples that the model keeps."""
    train = dataset.train.batch(slice(0, len(dataset.train)))
    if model.keeps_samples and model.width is not None:
        targets = _learnt(model, train.targets).cpu().numpy()
        kept = choose_stratified(targets, model.width, seed, "model.width")
        train = dataset.train.batch(torch.from_numpy(kept).to(train.targets.device))
    return _samples(model, train)


def _samples(model: Classical, batch: Batch) -> _Samples:
    return _Samples(model.make_features(*batch.given), batch.targets.cpu())


def _fit(
    model: Classical, train: _Samples, setting: Hyperparameters, seed: int, threads: int
) -> float:
    """Fit one setting and return its seconds."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    estimator = model.estimator(setting, seed=seed, threads=threads, samples=len(train.targets))
    pipeline = make_pipeline(
        StandardScaler() if model.features == "signal" else "passthrough", estimator
    )
    if model.spec.task == "balanced":
        if "class_weight" not in estimator.get_params():
            raise UserError(
                f"{type(model).__name__} can't weigh classes: expected training.class_weights=null"
            )
        estimator.set_params(class_weight="balanced")
    targets = _learnt(model, train.targets).numpy()
    started = time.perf_counter()
    try:
        pipeline.fit(train.features, targets)
    except ValueError as error:
        raise UserError(f"{type(model).__name__} can't be fitted: {error}") from error
    seconds = time.perf_counter() - started
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=None)  # threads would sum a forest's votes in any order
    model.pipeline = pipeline
    return seconds


def _learnt(model: Classical, targets: Tensor) -> Tensor:
    """Return classes, or numbers, without the weight or the unit that stands beside them."""
    first = targets[:, 0] if targets.ndim == 2 else targets
    return first.long() if model.spec.class_names else first


def _words(model: Classical, number: int) -> str:
    setting = " ".join(f"{name}={value:g}" for name, value in model.grid[number - 1].items())
    return f"all {len(model.grid)} settings tried, {setting} chosen"
