"""Fitting classical families: what is read, what is chosen, and that it comes out the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sizewise.data import Dataset, Split
from sizewise.data.balance import balanced
from sizewise.errors import Interrupted, UserError
from sizewise.models import CLASSICAL, Architecture, Classical, build
from sizewise.models.classical.estimators import KNN
from sizewise.tasks.classify import TASK
from sizewise.training.classical import fit_classical
from sizewise.training.evaluate import evaluate
from sizewise.training.fitted import Fitted
from tests.builders import make_dataset, whole

WIDTHS = {"random_forest": 3, "gradient_boosting": 3}


def fitted(family: str, dataset: Dataset, seed: int = 0) -> tuple[Classical, Fitted]:
    model = build(dataset.spec, Architecture(family, WIDTHS.get(family)))
    assert isinstance(model, Classical)
    return model, fit_classical(model, dataset, seed=seed, log=lambda *_: None)


@pytest.mark.parametrize("family", CLASSICAL)
def test_the_test_split_is_not_read(family: str) -> None:
    dataset = make_dataset(shape=(1, 12))  # its test split is NaN, and scikit-learn refuses NaN
    unread = replace(dataset, test=Split(torch.zeros(0), torch.zeros(0, dtype=torch.int64)))
    assert fitted(family, dataset)[1].best is not None
    assert fitted(family, unread)[1].history[0]["val/error"] <= 1


@pytest.mark.parametrize("family", CLASSICAL)
def test_every_setting_is_in_the_history_and_the_best_is_kept(family: str) -> None:
    dataset = make_dataset(60, 40, shape=(1, 12))
    model, search = fitted(family, dataset)
    assert len(search.history) == search.epoch == len(model.grid)
    for setting, row in zip(model.grid, search.history, strict=True):
        assert {name: row[f"setting/{name}"] for name in setting} == setting
    assert search.best is not None
    ranks = [(row["val/error"], row["val/loss"]) for row in search.history]
    assert ranks[search.best.epoch - 1] == min(ranks)
    scores = evaluate(model, dataset.validation, TASK)
    assert scores.error == pytest.approx(search.best.error, abs=1e-9)
    assert scores.loss == pytest.approx(search.best.loss, abs=1e-5)
    name, value = next(iter(model.grid[search.best.epoch - 1].items()))
    assert search.stopped_by.endswith(f"settings tried, {name}={value:g} chosen")


@pytest.mark.parametrize("family", CLASSICAL)
def test_the_same_seed_gives_the_same_numbers(family: str) -> None:
    dataset = make_dataset(60, 40, shape=(1, 12))
    timed = "fit_seconds"
    first, second = (
        [{k: v for k, v in row.items() if k != timed} for row in fitted(family, dataset)[1].history]
        for _ in range(2)
    )
    assert first == second


def test_another_seed_grows_another_forest() -> None:
    dataset = make_dataset(60, 40, shape=(1, 12))
    inputs = whole(dataset.validation).inputs
    first, second = (fitted("random_forest", dataset, seed)[0](inputs) for seed in (0, 1))
    assert not torch.equal(first, second)


def test_a_forest_sums_its_votes_in_one_thread() -> None:
    model, _ = fitted("random_forest", make_dataset(shape=(1, 12)))
    assert model.pipeline[-1].n_jobs is None


def test_a_width_keeps_so_many_samples_of_each_class() -> None:
    dataset = make_dataset(60, 20, shape=(1, 12))
    model = KNN(dataset.spec, "raw", width=20)
    fit_classical(model, dataset, seed=3, log=lambda *_: None)
    kept = model.pipeline[-1]
    assert np.bincount(kept._y).tolist() == [5, 5, 5, 5]
    given = {row.tobytes() for row in whole(dataset.train).inputs.flatten(1).numpy()}
    assert {row.tobytes() for row in kept._fit_X} <= given


def test_more_neighbours_than_samples_is_all_of_them() -> None:
    dataset = make_dataset(4, 20, shape=(1, 12))
    model, search = fitted("knn", dataset)
    assert len(search.history) == 4
    assert model.pipeline[-1].n_neighbors <= 4


def test_more_samples_to_keep_than_there_are_is_an_error() -> None:
    dataset = make_dataset(50, 20, shape=(1, 12))
    with pytest.raises(UserError, match=r"model\.width=51 is more than the 50 training samples"):
        fit_classical(KNN(dataset.spec, width=51), dataset, seed=0, log=lambda *_: None)


def test_one_class_alone_is_an_error_in_words() -> None:
    dataset = make_dataset(20, 20, shape=(1, 12))
    alone = Split(whole(dataset.train).inputs, torch.zeros_like(whole(dataset.train).targets))
    with pytest.raises(UserError, match="SVM can't be fitted: The number of classes"):
        fitted("svm", replace(dataset, train=alone))


def test_signal_features_are_standardised_by_training_samples_and_raw_ones_are_not() -> None:
    dataset = make_dataset(60, 20, shape=(1, 12))
    model, _ = fitted("linear", dataset)
    features = model.make_features(whole(dataset.train).inputs)
    assert np.allclose(model.pipeline[0].mean_, features.mean(axis=0), atol=1e-5)
    plain = build(dataset.spec, Architecture("linear", None, features="raw"))
    assert isinstance(plain, Classical)
    fit_classical(plain, dataset, seed=0, log=lambda *_: None)
    assert plain.pipeline[0] == "passthrough"


def test_the_seconds_are_of_the_chosen_setting() -> None:
    search = fitted("svm", make_dataset(shape=(1, 12)))[1]
    assert search.best is not None
    chosen = search.history[search.best.epoch - 1]["fit_seconds"]
    assert chosen <= search.train_seconds < sum(row["fit_seconds"] for row in search.history) + 1


def test_it_can_be_stopped_between_settings() -> None:
    dataset = make_dataset(shape=(1, 12))
    model = build(dataset.spec, Architecture("knn", None))
    assert isinstance(model, Classical)
    seen: list[int] = []

    def stop() -> None:
        if len(seen) == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit_classical(model, dataset, seed=0, log=lambda n, _: seen.append(n), before_each=stop)
    assert seen == [1, 2]


def test_without_validation_there_is_nothing_to_choose_by() -> None:
    dataset = make_dataset(validation=0, shape=(1, 12))
    model = build(dataset.spec, Architecture("knn", None))
    assert isinstance(model, Classical)
    with pytest.raises(UserError, match="KNN chooses its settings by validation"):
        fit_classical(model, dataset, seed=0, log=lambda *_: None)


@pytest.mark.parametrize("family", CLASSICAL)
def test_classes_are_weighed_where_the_method_can(family: str) -> None:
    noise = make_dataset(300, 200, (1, 12), 2)
    rare = (noise.train.batch(slice(0, 300)).inputs[:, 0, 0] > 1).long()  # a sixth, and hard to see
    blurred = whole(noise.train).inputs + torch.randn(300, 1, 12)
    dataset = replace(noise, train=Split(blurred, rare), validation=Split(blurred, rare))
    if family == "knn":
        with pytest.raises(UserError, match=r"^KNN can't weigh classes"):
            fitted(family, balanced(dataset))
        return
    plain, weighed = (fitted(family, each)[0] for each in (dataset, balanced(dataset)))
    named = [(model(blurred).argmax(dim=1) == 1).sum() for model in (plain, weighed)]
    assert named[1] >= named[0]
    estimator = weighed.pipeline.steps[-1][1]
    assert estimator.class_weight == "balanced"
