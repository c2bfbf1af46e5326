"""Sweeps with a known answer."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sizewise import sample_errors
from sizewise.records import RunRecord

TEST_SAMPLES, CHANCE = 2000, 0.9


def record(
    family: str = "lstm",
    parameters: int = 1000,
    seed: int = 0,
    *,
    test_error: float = 0.2,
    validation_error: float | None = None,
    epochs: int = 5,
    **config: Any,
) -> RunRecord:
    """Return a finished run; keys of its config are given with `__` for a dot."""
    validation = test_error if validation_error is None else validation_error
    history = []
    for epoch in range(1, epochs + 1):
        ahead = (0.9 - validation) * (1 - epoch / epochs)
        history.append(
            {
                "train/loss": validation + ahead,
                "train/accuracy": 1 - 0.5 * (validation + ahead),
                "val/loss": 1.5 * (validation + ahead),
                "val/accuracy": 1 - (validation + ahead),
            }
        )
    overrides = {key.replace("__", "."): value for key, value in config.items()}
    settings = {
        "model.family": family,
        "model.width": 8,
        "model._target_": None,
        "data.name": "mnist1d",
        "data.num_samples": 5000,
        "training.epochs": epochs,
        "training.learning_rate": 0.01,
        "size": parameters,
        "seed": seed,
    } | overrides
    marks = "".join(f"-{value}" for value in overrides.values())
    return RunRecord(
        run_id=f"{family}{parameters}s{seed}{marks}".replace(".", "").ljust(32, "0")[:32],
        name=f"{family}-{parameters}-mnist1d-s{seed}",
        run_key=f"key-{family}-{parameters}-{seed}{marks}",
        family=family,
        width=8,
        depth=None,
        size_asked=parameters,
        parameters=parameters,
        parameters_by_group={"all": parameters},
        data="mnist1d",
        fingerprint=f"print{seed}",
        seed=seed,
        best_epoch=epochs,
        epochs=epochs,
        steps=epochs * 36,
        stopped_by=f"all {epochs} epochs done",
        metrics={
            "test/loss": 2 * test_error,
            "test/accuracy": 1 - test_error,
            "test/macro_f1": 1 - test_error,
            "cost/parameters": parameters,
            "cost/train_seconds": 2 + parameters / 1000,
            "cost/model_bytes": 4 * parameters + 2000,
            "cost/latency_ms_p50": 0.2 + parameters / 1e5,
            "cost/flops_inference": 9 * parameters,
        },
        history=history,
        config=settings,
        folder=f"multirun/{family}-{parameters}-{seed}",
        git_commit="abc",
    )


def reference(
    family: str = "svm",
    seed: int = 0,
    *,
    test_error: float = 0.2,
    validation_error: float | None = None,
    parameters: int | None = None,
    **config: Any,
) -> RunRecord:
    """Return a finished run of a classical family; keys of its config are given as for `record`."""
    config = {"model__width": None, "size": None} | config
    made = record(
        family, 0, seed, test_error=test_error, validation_error=validation_error, epochs=2,
        **config,
    )  # fmt: skip
    metrics = dict(made.metrics)
    del metrics["cost/flops_inference"], metrics["cost/parameters"]
    if parameters is not None:
        metrics["cost/parameters"] = parameters
    return replace(
        made,
        width=made.config["model.width"],
        size_asked=None,
        parameters=parameters,
        parameters_by_group={},
        metrics=metrics,
        features=made.config.get("features", "hog"),
        steps=0,
    )


def attempt(
    error: float,
    seed: int = 0,
    *,
    family: str = "lstm",
    size: int = 1000,
    rate: float = 0.01,
    diverged: int | None = None,
    **config: Any,
) -> RunRecord:
    """Return a run that errs on that share of samples; which, is half of it shared by all runs."""
    rng = np.random.default_rng([seed, size, round(1e6 * rate)])
    shared = np.random.default_rng(1).standard_normal(TEST_SAMPLES)
    errors = np.zeros(TEST_SAMPLES)
    errors[
        np.argsort(shared + rng.standard_normal(TEST_SAMPLES))[: round(error * TEST_SAMPLES)]
    ] = 1
    settings = {"training__learning_rate": rate} | config
    made = record(family, size, seed, test_error=float(errors.mean()), **settings)
    extras: dict[str, Any] = {"chance": CHANCE, "spikes": seed}
    if diverged:
        extras["diverged"] = diverged
        made.history[-1]["train/loss"] = math.nan
    return replace(made, extras=extras, sample_errors=sample_errors.pack(errors))


def with_samples(runs: Sequence[RunRecord], samples: int, *, all_there_are: int) -> list[RunRecord]:
    """Return runs as if they had learnt from so many of the training samples there are."""
    asked = None if samples == all_there_are else samples
    return [
        replace(
            run,
            run_id=f"n{samples}{run.run_id}"[:32],
            config=run.config | {"data.train_samples": asked},
            fingerprint=f"{run.fingerprint}-{samples}",
            train_samples=samples,
        )
        for run in runs
    ]


def sweep(
    family: str,
    sizes: Sequence[int],
    seeds: int,
    error: Callable[[float], float],
    noise: float,
    rng: np.random.Generator,
    **config: Any,
) -> list[RunRecord]:
    """Return runs whose true error is `error(size)`, seeds varying by `noise` about it.

    Half of the variance is the seed's own, shared by all sizes, as hard divisions of the data are.
    """
    shared = rng.standard_normal(seeds)
    records = []
    for size in sizes:
        for seed in range(seeds):
            deviation = np.sqrt(0.5) * (shared[seed] + rng.standard_normal())
            test = error(size) + noise * deviation
            validation = error(size) + noise * rng.standard_normal()
            records.append(
                record(
                    family,
                    size,
                    seed,
                    test_error=float(np.clip(test, 0, 1)),
                    validation_error=float(np.clip(validation, 0, 1)),
                    **config,
                )
            )
    return records
