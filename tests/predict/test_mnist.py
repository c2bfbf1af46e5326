"""MNIST's test images as PNG files: the accuracy is that of the arrays, exactly."""

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sizewise.config import DataConfig
from sizewise.data import Split
from sizewise.data.published import read_arrays as read
from sizewise.predict import Predictor
from sizewise.predict.stream import predict_files
from sizewise.tasks.classify import TASK
from sizewise.training.evaluate import evaluate
from tests.builders import make_saved

COUNT = 1000


def test_png_files_give_the_accuracy_of_a_runs_own_evaluation(
    mnist_root: Path, tmp_path: Path
) -> None:
    arrays = read(
        DataConfig(name="mnist", root=str(mnist_root), validation_fraction=0.1, train_samples=None)
    )
    images, targets = arrays.test_inputs[:COUNT], arrays.test_targets[:COUNT]
    saved = make_saved("cnn", (1, 28, 28), name="mnist", mean=33.3, std=78.6, width=2)
    predictor = Predictor(saved)
    (tmp_path / "images").mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image[0]).save(tmp_path / "images" / f"{index:04d}.png")

    outcome = predict_files(predictor, [tmp_path / "images"], tmp_path / "out.csv")

    assert (outcome.predicted, outcome.failed, outcome.adapted) == (COUNT, 0, {})
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["input"])
    found = np.array([predictor.spec.class_names.index(row["label"]) for row in rows])
    split = Split(saved.normalisation.apply(images), torch.from_numpy(targets))
    tally = TASK.tally(10)
    logged = evaluate(predictor.model, split, TASK, tally)
    assert (found != targets).mean() == logged.error
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (targets, found), 1)
    assert np.array_equal(confusion, tally.tables()["confusion"])
