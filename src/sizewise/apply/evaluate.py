"""A trained network's scores on a test split, by class, and its calibration."""

from typing import NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from sizewise.apply.calibration import BINS, Calibration, calibration
from sizewise.config import DataConfig
from sizewise.data import Split
from sizewise.data.published import Arrays, read
from sizewise.errors import UserError
from sizewise.predict import Predictor
from sizewise.training.evaluate import Scores, evaluate

MOST_COLUMNS = 20  # of a confusion matrix that is shown whole
MOST_PAIRS = 10


class Evaluation(NamedTuple):
    """What came of it. `names` are the classes in the order of the labels."""

    data: str
    samples: int
    names: tuple[str, ...]
    scores: Scores
    calibration: Calibration

    @property
    def by_class(self) -> list[tuple[float, float, float, int]]:
        """Precision, recall, F1 and number of samples of each class; 0 where one is undefined."""
        confusion = self.scores.confusion.double()
        hits, predicted, present = confusion.diag(), confusion.sum(dim=0), confusion.sum(dim=1)
        precision, recall = hits / predicted.clamp(min=1), hits / present.clamp(min=1)
        f1 = 2 * hits / (predicted + present).clamp(min=1)
        columns = (precision.tolist(), recall.tolist(), f1.tolist(), present.long().tolist())
        return list(zip(*columns, strict=True))


def evaluate_on(predictor: Predictor, config: DataConfig) -> Evaluation:
    """Score a network on the test split of a data set, in batches.

    Raises:
        UserError: the set can't be had, or its samples or classes are not those of the network's.
    """
    arrays = read(config)
    _check_fits(predictor, config.name, arrays)
    inputs = arrays.test_inputs
    logits = torch.cat(
        [predictor.logits(inputs[start : start + 1000]) for start in range(0, len(inputs), 1000)]
    )
    targets = torch.as_tensor(arrays.test_targets).long()
    scores = evaluate(nn.Identity(), Split(logits, targets), predictor.spec.num_classes)
    found = calibration(logits, targets)
    return Evaluation(config.name, len(targets), arrays.class_names, scores, found)


def _check_fits(predictor: Predictor, name: str, arrays: Arrays) -> None:
    spec = predictor.spec
    found, wanted = arrays.test_inputs.shape[1:], spec.input_shape
    if found != wanted:
        raise UserError(
            f"data={name} has samples of shape {_shape(found)}, and the network was trained on "
            f"{spec.name}'s of {_shape(wanted)}; expected a set of that shape"
        )
    if len(arrays.class_names) != spec.num_classes:
        raise UserError(
            f"data={name} has {len(arrays.class_names)} classes, and the network was trained on "
            f"{spec.name}'s {spec.num_classes}"
        )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def show(evaluation: Evaluation, predictor: Predictor, console: Console) -> None:
    """Show the scores, a line for each class, the confusions and the calibration."""
    scores, found = evaluation.scores, evaluation.calibration
    summary = Table(box=None, show_header=False)
    lean = "over" if found.confidence > scores.accuracy else "under"
    rows = {
        "accuracy": f"{scores.accuracy:.2%}",
        "macro F1": f"{scores.macro_f1:.4f}",
        "loss": f"{scores.loss:.4f} nats",
        f"calibration error (ECE, {BINS} bins)": f"{found.error:.2%}",
        "mean confidence": f"{found.confidence:.2%}: {lean}confident by "
        f"{abs(found.confidence - scores.accuracy):.2%}",
    }
    for name, value in rows.items():
        summary.add_row(name, value)
    console.print(f"{evaluation.samples:,} test samples of {evaluation.data}", highlight=False)
    if evaluation.names != predictor.spec.class_names:
        console.print(f"classes are matched by number with {predictor.spec.name}'s")
    console.print(summary)
    console.print(_class_table(evaluation))
    console.print(_confusions(evaluation))


def _class_table(evaluation: Evaluation) -> Table:
    table = Table(box=None, header_style="bold", title="by class", title_justify="left")
    table.add_column("class", no_wrap=True)
    for heading in ("precision", "recall", "F1", "samples"):
        table.add_column(heading, justify="right")
    for name, (*shares, count) in zip(evaluation.names, evaluation.by_class, strict=True):
        table.add_row(name, *(f"{share:.2%}" for share in shares), f"{count:,}")
    return table


def _confusions(evaluation: Evaluation) -> Table:
    confusion, names = evaluation.scores.confusion, evaluation.names
    if len(names) > MOST_COLUMNS:
        return _frequent_confusions(confusion, names)
    title = "confusion: rows true, columns predicted"
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    table.add_column("", style="bold", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for name, row in zip(names, confusion.tolist(), strict=True):
        table.add_row(name, *(str(count) if count else "·" for count in row))
    return table


def _frequent_confusions(confusion: Tensor, names: tuple[str, ...]) -> Table:
    table = Table(box=None, header_style="bold", title="frequent confusions", title_justify="left")
    for heading in ("true", "predicted", "samples"):
        table.add_column(heading)
    wrong = confusion - torch.diag(confusion.diag())
    for index in wrong.flatten().argsort(descending=True)[:MOST_PAIRS].tolist():
        true, predicted = divmod(index, len(names))
        if wrong[true, predicted]:
            table.add_row(names[true], names[predicted], str(int(wrong[true, predicted])))
    return table
