"""Fitting the classical families: every setting of a small grid, chosen by validation."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sizewise.data.dataset import Dataset
from sizewise.data.splits import choose_stratified
from sizewise.errors import UserError
from sizewise.models.classic import Classical, Setting
from sizewise.models.features import Array
from sizewise.training.state import Best, Log

TRAIN_SCORED = 2000  # training samples, at most, that a setting's training scores are measured on


@dataclass
class Search:
    """What came of fitting, by the names of `TrainState`; a setting takes an epoch's place.

    Args:
        epoch: how many settings were fitted; `step` counts gradient steps, and there are none.
        best: the setting chosen, counted from 1, and the model's state.
        train_seconds: of making the training samples' features and fitting the chosen setting.
        stopped_by: the chosen setting, in words.
        history: each setting's scores and seconds, in the grid's order.
    """

    epoch: int = 0
    step: int = 0
    best: Best | None = None
    train_seconds: float = 0.0
    stopped_by: str = ""
    history: list[dict[str, float]] = field(default_factory=list)


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
) -> Search:
    """Fit `model` in place under each setting of its grid, and leave it as the best one has it.

    The best has the highest validation accuracy; ties go to the lower validation loss, then to the
    earlier. It stays as it was fitted on the training samples: validation samples are not added.

    Args:
        model: not yet fitted.
        dataset: its test split is not read.
        seed: decides which samples are kept, where the width limits them, and the trees.
        log: called after each setting with its number, from 1, and its metrics by name.
        before_each: called before each setting is fitted; what it raises ends the search.

    Raises:
        UserError: more samples are to be kept than there are.
    """
    threads = torch.get_num_threads()
    started = time.perf_counter()
    train = _training_samples(model, dataset, seed)
    feature_seconds = time.perf_counter() - started
    few = np.linspace(0, len(train.targets) - 1, min(len(train.targets), TRAIN_SCORED)).astype(int)
    scored = _Samples(train.features[few], train.targets[torch.from_numpy(few)])
    validation = _Samples(
        model.make_features(dataset.validation.inputs), dataset.validation.targets.cpu()
    )
    search, ranks = Search(), list[tuple[float, float, int]]()
    best: tuple[Any, Tensor] | None = None
    for number, setting in enumerate(model.grid, start=1):
        before_each()
        seconds = _fit(model, train, setting, seed, threads)
        model.calibrate(*validation)
        metrics = {"fit_seconds": seconds} | {f"setting/{name}": v for name, v in setting.items()}
        for split, samples in (("train", scored), ("val", validation)):
            loss, accuracy = _scores(model, samples)
            metrics |= {f"{split}/loss": loss, f"{split}/accuracy": accuracy}
        search.epoch = number
        search.history.append(metrics)
        ranks.append((-metrics["val/accuracy"], metrics["val/loss"], number))
        if ranks[-1] == min(ranks):
            best = model.pipeline, model.scale.clone()
            search.train_seconds = feature_seconds + seconds
        log(number, metrics)
    assert best is not None
    model.pipeline = best[0]
    model.scale.copy_(best[1])
    _, loss, number = min(ranks)
    search.best = Best(number, -min(ranks)[0], loss, dict(model.state_dict()))
    search.stopped_by = _words(model, number)
    return search


def _training_samples(model: Classical, dataset: Dataset, seed: int) -> _Samples:
    """Return the features and targets of the samples that the model keeps."""
    train = dataset.train
    if model.keeps_samples and model.width is not None:
        targets = train.targets.cpu().numpy()
        kept = choose_stratified(targets, model.width, seed, "model.width")
        chosen = torch.from_numpy(kept).to(train.targets.device)
        train = type(train)(train.inputs[chosen], train.targets[chosen])
    return _Samples(model.make_features(train.inputs), train.targets.cpu())


def _fit(model: Classical, train: _Samples, setting: Setting, seed: int, threads: int) -> float:
    """Fit one setting and return its seconds."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    estimator = model.estimator(setting, seed=seed, threads=threads, samples=len(train.targets))
    pipeline = make_pipeline(
        StandardScaler() if model.features == "signal" else "passthrough", estimator
    )
    started = time.perf_counter()
    try:
        pipeline.fit(train.features, train.targets.numpy())
    except ValueError as error:
        raise UserError(f"{type(model).__name__} can't be fitted: {error}") from error
    seconds = time.perf_counter() - started
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=None)  # threads would sum a forest's votes in any order
    model.pipeline = pipeline
    return seconds


@torch.no_grad()
def _scores(model: Classical, samples: _Samples) -> tuple[float, float]:
    """Return the mean cross-entropy in nats and the accuracy."""
    logits = model.score(samples.features).double()
    loss = functional.cross_entropy(logits, samples.targets).item()
    accuracy = (logits.argmax(dim=1) == samples.targets).double().mean().item()
    return loss, accuracy


def _words(model: Classical, number: int) -> str:
    setting = " ".join(f"{name}={value:g}" for name, value in model.grid[number - 1].items())
    return f"all {len(model.grid)} settings tried, {setting} chosen"
