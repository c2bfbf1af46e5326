"""The networks that are served, and what they answer."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.files.conform import form_of
from sizewise.data.files.familiar import Tally, unlike
from sizewise.data.lengths import lengths_of
from sizewise.data.own.named import channels, raw
from sizewise.data.published import read_arrays
from sizewise.data.spec import DataSpec, TableForm
from sizewise.errors import UserError
from sizewise.models import Classical
from sizewise.predict import Predictor
from sizewise.predict.explained import explain
from sizewise.predict.predictor import TOO_LARGE
from sizewise.records import RunRecord, readable_number
from sizewise.serve.nearness import Nearness
from sizewise.serve.shelf import BaseShelf, Listed


def about_table(form: TableForm) -> dict[str, Any]:
    """Return what /models says of a table: a field for each column, with what it has by default."""
    return {
        "target": form.target,
        "steps": [form.id, form.time] if form.id else [],
        "columns": [
            {
                "name": each.name,
                "categories": each.categories,
                "default": each.categories[0] if each.categories else readable_number(each.mean),
            }
            for each in form.columns
        ],
    }


@dataclass
class Served(Listed):
    """A trained network that answers samples, with the record of its run."""

    predictor: Predictor
    record: RunRecord

    @property
    def spec(self) -> DataSpec:
        return self.predictor.spec

    def answer_once(self) -> Callable[[Tensor], object]:
        """Normalisation and softmax are included."""
        return lambda inputs: self.predictor.predict(inputs.numpy())

    def answer(self, inputs: np.ndarray) -> dict[str, Any]:
        """Return what /predict says of inputs (N, C, *S).

        Raises:
            UserError: the network has no finite answer.
        """
        outputs = self.predictor.logits(inputs)
        answers = self.predictor.answers(outputs)
        if not all(each.is_finite for each in answers):
            raise UserError(TOO_LARGE)
        predictions = [each._asdict() for each in answers]
        if self.predictor.spec.class_names:
            for each, shares in zip(predictions, outputs.softmax(dim=1).tolist(), strict=True):
                each["probabilities"] = shares
        return {
            "model": self.record.run_id,
            "latency_ms": self.latency_ms,
            "predictions": predictions,
        }

    def explain(self, inputs: np.ndarray) -> dict[str, Any]:
        """Return what /explain says of inputs (N, C, *S): a map of each, or why there is none.

        Raises:
            UserError: the network has no finite answer.
        """
        if isinstance(self.predictor.model, Classical):
            return {"model": self.record.run_id, "refused": "it is fitted: it has no gradients"}
        maps, _ = explain(self.predictor, inputs)
        return {
            "model": self.record.run_id,
            "method": maps.method.replace("_", " "),
            "maps": maps.values.tolist(),
        }


def _numbers(arrays: Arrays, spec: DataSpec) -> np.ndarray:
    """Return the numbers to tell of the test split in their own unit, (N,)."""
    assert spec.table is not None
    targets = arrays.test_targets
    return np.asarray(targets[:, 0] * targets[:, 1] + spec.table.mean)


class Shelf(BaseShelf[Served]):
    """Networks that answer samples, served together; all read the same.

    Args:
        served: one or more.
        data: the set to show samples of.

    Raises:
        UserError: the networks don't read the same samples.
    """

    script = ("common.js", "inputs.js", "maps.js", "page.js")
    markup = "samples.html"

    def __init__(self, served: list[Served], data: DataConfig) -> None:
        super().__init__(served)
        self._data = data
        # Of several, one that knows its training range: those saved by older versions don't.
        known = [each.predictor.normalisation for each in self.served]
        self._known = next((each for each in known if each.low), known[0])
        self.form = form_of(self.spec, self._known)
        self._nearness: Nearness | None = None

    def reads(self, spec: DataSpec) -> object:
        """Return what has to be the same of all; how classes were weighed in training need not."""
        return replace(spec, task="classify") if spec.task == "balanced" else spec

    def about(self) -> dict[str, Any]:
        """Return what /models says."""
        return {
            **super().about(),
            "input_shape": self.spec.input_shape,
            "classes": self.spec.class_names,
            "kind": "image" if self.spec.is_image else "table" if self.form.table else "sequence",
            "table": self.form.table and about_table(self.form.table),
            "unequal": self.spec.unequal,
            "white": self.form.white,
            "stroke": self.form.stroke,
        }

    def answer(self, inputs: np.ndarray, ids: list[str] | None = None) -> list[dict[str, Any]]:
        """Return each network's answers to inputs (N, C, *S).

        Args:
            inputs: as the data set has them.
            ids: of the networks to ask; None asks all.

        Raises:
            UserError: there is no network with such an id, or one has no finite answer.
        """
        return [each.answer(inputs) for each in self.asked(ids)]

    def explain(self, inputs: np.ndarray, ids: list[str] | None = None) -> list[dict[str, Any]]:
        """Return what each network looks at in inputs (N, C, *S); the arguments are as above.

        Raises:
            UserError: likewise.
        """
        return [each.explain(inputs) for each in self.asked(ids)]

    def doubts(self, inputs: np.ndarray) -> dict[str, Any]:
        """Return which of inputs (N, C, *S) no network was taught, and what is to be said of them.

        Until `read` is done it goes by their range, mean and spread alone.
        """
        tally = Tally(self._known, channels(self.form.table) if self.form.table else ())
        strange = unlike(inputs, self._known)
        for each, is_unlike in zip(inputs, strange.tolist(), strict=True):
            tally.add(each, is_unlike)
        if self._nearness:
            strange = strange | self._nearness.far(self._comparable(inputs))
        warnings = [tally.warning()] if tally.unlike else []
        return {"not_sure": strange.tolist(), "warnings": warnings}

    def read(self) -> int:
        """Read the data set, which takes a while, and return how many test samples it has.

        Raises:
            UserError: the data is not here.
        """
        if not self.spec.unequal:  # between which there is no distance
            both = self._arrays.train_inputs, self._arrays.test_inputs
            self._nearness = Nearness(*map(self._comparable, both))
        return len(self._arrays.test_targets)

    def _comparable(self, inputs: np.ndarray) -> np.ndarray:
        """Return inputs whose numbers may be added up: a table's columns differ in unit."""
        return self._known.apply(inputs).numpy() if self.form.table else inputs

    def told(self, start: int, stop: int) -> np.ndarray:
        """Return the class or number that each network gives these test samples: (M, N)."""
        inputs = self._arrays.test_inputs[start:stop]
        found = [each.predictor.predict(inputs) for each in self.served]
        return np.stack(
            [each.argmax(axis=1) if self.spec.class_names else each[:, 0] for each in found]
        )

    def survey(self, told: np.ndarray) -> dict[str, Any]:
        """Return what /survey says, of what was told of all test samples, (M, N)."""
        if not self.spec.class_names:
            errors = np.abs(told - _numbers(self._arrays, self.spec)).mean(axis=1)
            return {"samples": told.shape[1], "errors": errors.tolist(), "disagreements": []}
        classes = told
        right = classes == self._arrays.test_targets
        agree = (classes == classes[0]).all(axis=0)
        return {
            "samples": len(agree),
            "agreement": agree.mean(),
            "all_wrong": 1 - right.any(axis=0).mean(),
            "errors": (1 - right.mean(axis=1)).tolist(),
            "disagreements": np.flatnonzero(~agree).tolist(),
        }

    @functools.cached_property
    def _arrays(self) -> Arrays:
        return read_arrays(self._data)

    def sample(self, index: int | None = None) -> dict[str, Any]:
        """Return a sample of the test split with its label, any by default.

        Raises:
            UserError: the data is not here, or has no sample of this index.
        """
        inputs, targets = self._arrays.test_inputs, self._arrays.test_targets
        if index is None:
            index = int(np.random.default_rng().integers(len(targets)))
        if not 0 <= index < len(targets):
            raise UserError(f"there is no test sample {index}; expected 0 to {len(targets) - 1}")
        sample = inputs[index]
        if self.spec.unequal:
            sample = sample[:, : lengths_of(sample[None])[0]]
        if self.spec.class_names:
            label = self.spec.class_names[int(targets[index])]
        else:
            label = readable_number(float(_numbers(self._arrays, self.spec)[index]))
        found = {"index": index, "label": label, "inputs": [sample.tolist()]}
        if self.form.table and self.spec.kind == "row":
            found["row"] = raw(sample[:, 0], self.form.table)
        return found
