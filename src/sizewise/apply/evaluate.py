"""`sizewise evaluate`: a network's scores on a test split, by class, and its calibration."""

from argparse import Namespace
from dataclasses import replace

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from sizewise.apply.runs import find_finished, recorded_config
from sizewise.config import DataConfig
from sizewise.config.as_train import compose
from sizewise.data import DataSpec, load
from sizewise.data.pairs import Pairs
from sizewise.data.published import Arrays, read_arrays
from sizewise.errors import UserError
from sizewise.place import CONF
from sizewise.predict import Prompted
from sizewise.predict.fetch import load_run
from sizewise.records import readable_number
from sizewise.run.decoded import symbol_error
from sizewise.screen import console, facts, table
from sizewise.tasks import find_task
from sizewise.tasks.classify import BINS, ClassTally
from sizewise.training.evaluate import Scores, evaluate, score, slices

MOST_COLUMNS = 20  # of a confusion matrix that is shown


def run(arguments: Namespace) -> None:
    """Print a run's scores on the test split of its own data set, or of another.

    Raises:
        UserError: the set can't be had, or its samples or classes are not those of the network's.
    """
    for each in arguments.overrides:
        if not each.startswith(("data=", "data.")) or "=" not in each:
            raise UserError(f"{each} is not understood; expected data=NAME or data.KEY=VALUE")
    store, stored = find_finished(arguments)
    network = load_run(store, stored, arguments.allow_code)
    if any(each.startswith("data=") for each in arguments.overrides):
        data = compose(arguments.overrides, CONF).data
    else:
        data = recorded_config(store, stored, arguments.overrides).data
    screen = console()
    if isinstance(network, Prompted):
        told = _of_prompted(network, data)
        screen.print(f"{stored.name} ({stored.run_id})")
        screen.print(facts(told))
        return
    arrays, spec = read_arrays(data), network.spec
    _check_fits(spec, data.name, arrays)
    screen.print(f"{stored.name} ({stored.run_id})")
    screen.print(f"{len(arrays.test_inputs):,} test samples of {arrays.name or data.name}")
    if arrays.class_names != spec.class_names:
        screen.print(f"classes are matched by number with {spec.name}'s")
    task = find_task("classify" if spec.class_names else spec.task)  # balanced: by class, below
    targets, tally = torch.as_tensor(arrays.test_targets), task.tally(spec.num_outputs)
    targets = targets.long() if spec.class_names else targets
    answers = (
        (network.logits(arrays.test_inputs[each]), targets[each]) for each in slices(len(targets))
    )
    scores = score(answers, task, tally)
    if not isinstance(tally, ClassTally):
        screen.print(facts(_of_numbers(scores, targets)))
        return
    screen.print(facts(_overall(tally, scores.loss)))
    screen.print(_by_class(tally.confusion, arrays.class_names))
    if len(arrays.class_names) <= MOST_COLUMNS:
        rows = ([str(count or "·") for count in row] for row in tally.confusion.tolist())
        named = [[name, *row] for name, row in zip(arrays.class_names, rows, strict=True)]
        headings = ["", *arrays.class_names]
        screen.print(table(headings, named, title="confusion: rows true, columns predicted"))


def _of_prompted(network: Prompted, data: DataConfig) -> dict[str, str]:
    """Return what is said of a network that answers prompts, on the test split of a set.

    Raises:
        UserError: the set can't be had, or is none that the network reads.
    """
    dataset, trained_on = load(data, seed=0), network.spec  # the test split knows no seed
    if replace(dataset.spec, name=trained_on.name) != trained_on:
        raise UserError(
            f"data={data.name} is not read as {trained_on.name}, which the network was trained on: "
            "expected a set of the same task, symbols and lengths"
        )
    task = find_task(trained_on.task)
    scores = evaluate(network.model, dataset.test, task)
    spread = f"standard error {task.measure.shown(scores.standard_error)}"
    told = {
        "test samples": f"{len(dataset.test):,} of {dataset.spec.name}",
        task.measure.name: f"{task.measure.shown(scores.error)} ({spread})",
        "loss": f"{scores.loss:.4f} nats",
    }
    if isinstance(dataset.test, Pairs):
        told["symbol error"] = f"{symbol_error(network.model, dataset.test):.2%}"
    return told


def _check_fits(spec: DataSpec, name: str, arrays: Arrays) -> None:
    if arrays.told.get("table") != spec.table:
        raise UserError(
            f"data={name} has other columns, categories or means than {spec.name}: expected the "
            "table that the network was trained on"
        )
    if (rate := arrays.told.get("sound_rate", 0)) != spec.sound_rate:
        raise UserError(
            f"data={name} has sounds of {rate:,} samples a second, and {spec.name} of "
            f"{spec.sound_rate:,} (0 is none): expected a set like that"
        )
    found = (arrays.test_inputs.shape[1:], len(arrays.class_names))
    wanted = (spec.input_shape, spec.num_classes)
    if found != wanted:
        sizes, trained_on = ("x".join(map(str, shape)) for shape, _ in (found, wanted))
        raise UserError(
            f"data={name} has samples of {sizes} in {found[1]} classes, and the network was "
            f"trained on {spec.name}'s of {trained_on} in {wanted[1]}; expected a set like that"
        )


def _of_numbers(scores: Scores, targets: Tensor) -> dict[str, str]:
    """Return what is said of numbers told, in the target's own unit; targets as in the task."""
    always = (targets[:, 0] * targets[:, 1]).abs().double()  # the mean of training answered
    square, at_most = (np.mean(np.square(each)) for each in (scores.errors, always.numpy()))
    spread = f"standard error {scores.standard_error:.2g}"
    return {
        "mean absolute error": f"{readable_number(scores.error)} ({spread})",
        "root mean square error": readable_number(float(np.sqrt(square))),
        "always the mean of training": readable_number(always.mean().item())
        + " (mean absolute error)",
        "variance explained (R²)": f"{1 - square / at_most:.2%}",
    }


def _overall(tally: ClassTally, loss: float) -> dict[str, str]:
    found = tally.scores()
    over = found["confidence"] - found["accuracy"]
    lean = "over" if over > 0 else "under"
    return {
        "accuracy": f"{found['accuracy']:.2%}",
        "macro F1": f"{found['macro_f1']:.4f}",
        "loss": f"{loss:.4f} nats",
        f"calibration error (ECE, {BINS} bins)": f"{found['calibration_error']:.2%}",
        "mean confidence": f"{found['confidence']:.2%}: {lean}confident by {abs(over):.2%}",
    }


def _by_class(confusion: Tensor, names: tuple[str, ...]) -> Table:
    """Return precision, recall and F1 of each class, 0 where one is undefined, as a table."""
    counts = confusion.double()  # (K, K), rows true and columns predicted
    hits, predicted, present = counts.diag(), counts.sum(dim=0), counts.sum(dim=1)
    out_of = (predicted, present, (predicted + present) / 2)  # precision, recall, F1
    shares = [hits / each.clamp(min=0.5) for each in out_of]
    rows = [
        [name, *(f"{each[index]:.2%}" for each in shares), f"{present[index]:,.0f}"]
        for index, name in enumerate(names)
    ]
    return table(("class", "precision", "recall", "F1", "samples"), rows, title="by class")
