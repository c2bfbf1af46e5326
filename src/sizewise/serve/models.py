"""The networks that are served, and what they answer."""

import functools
import statistics
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from sizewise.config import DataConfig
from sizewise.data import DataSpec
from sizewise.data.published import read_arrays
from sizewise.errors import UserError
from sizewise.predict import Predictor
from sizewise.predict.familiar import Familiar, Tally
from sizewise.predict.forms import form_of
from sizewise.records import RunRecord

WARM_UP_CALLS = 10
TIMED_CALLS = 50
MILLISECONDS = 1e3

BYTES_PER_PARAMETER = 4


@dataclass
class Served:
    """A trained network, with the record of its run."""

    predictor: Predictor
    record: RunRecord

    def about(self) -> dict[str, Any]:
        """Return what /models says of it."""
        metrics = self.record.metrics
        return {
            "id": self.record.run_id,
            "name": self.record.name,
            "family": self.record.family,
            "parameters": self.record.parameters,
            "size": self.size,
            "test_accuracy": 1 - self.record.error(),
            "train_seconds": metrics["cost/train_seconds"],
            "bytes": metrics["cost/model_bytes"],
            "latency_ms": self.latency_ms,
        }

    @property
    def size(self) -> float:
        """The number of parameters; of a method that has none, what its bytes would make."""
        if self.record.parameters is not None:
            return self.record.parameters
        return self.record.metrics["cost/model_bytes"] / BYTES_PER_PARAMETER

    @functools.cached_property
    def latency_ms(self) -> float:
        """The median time for one sample on this machine, normalisation and softmax included.

        It is taken once, undisturbed: in answers the first network asked pays for waking the cores.
        """
        blank = np.zeros((1, *self.predictor.spec.input_shape), dtype=np.float32)
        seconds = []
        for _ in range(WARM_UP_CALLS + TIMED_CALLS):
            started = time.perf_counter()
            self.predictor.predict(blank)
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds[WARM_UP_CALLS:]) * MILLISECONDS

    def answer(self, inputs: np.ndarray) -> dict[str, Any]:
        """Return what /predict says of inputs (N, C, *S).

        Raises:
            UserError: the network has no finite answer.
        """
        started = time.perf_counter()
        logits = self.predictor.logits(inputs)
        probabilities = logits.softmax(dim=1)
        elapsed = time.perf_counter() - started
        if not probabilities.isfinite().all():
            raise UserError("the network has no finite answer to numbers as large as these")
        ranked = zip(self.predictor.rank(logits), probabilities.tolist(), strict=True)
        return {
            "model": self.record.run_id,
            "latency_ms": elapsed * MILLISECONDS,
            "predictions": [each._asdict() | {"probabilities": shares} for each, shares in ranked],
        }


class Shelf:
    """The networks served together, the smallest first; all read the same samples.

    Args:
        served: one or more.
        data: the set to show samples of.

    Raises:
        UserError: the networks don't read the same samples.
    """

    def __init__(self, served: list[Served], data: DataConfig) -> None:
        self.served = sorted(served, key=lambda each: each.size)
        self.spec = self._common_spec()
        self._data = data
        # Of several, one that knows its training range: those saved by older versions don't.
        known = [each.predictor.normalisation for each in self.served]
        self._familiar = Familiar(next((each for each in known if each.low), known[0]))
        self._samples: tuple[np.ndarray, np.ndarray] | None = None
        self._loading = threading.Lock()
        for each in self.served:
            each.about()  # warms it up

    def _common_spec(self) -> DataSpec:
        first, *others = (each.predictor.spec for each in self.served)
        for other in others:
            if other != first:
                raise UserError(
                    f"the runs are on {first.name} and {other.name}, and a page shows one data "
                    "set; serve each by itself, with --port"
                )
        return first

    @property
    def is_image(self) -> bool:
        """Whether samples are images that can be shown: grey or in colour."""
        return len(self.spec.input_shape) == 3 and self.spec.input_shape[0] in (1, 3)

    def about(self) -> dict[str, Any]:
        """Return what /models says."""
        form = form_of(self.spec)
        return {
            "data": self.spec.name,
            "input_shape": self.spec.input_shape,
            "classes": self.spec.class_names,
            "kind": "image" if self.is_image else "sequence",
            "white": form.white,
            "stroke": form.stroke,
            "models": [each.about() for each in self.served],
        }

    def answer(self, inputs: np.ndarray, ids: list[str] | None = None) -> list[dict[str, Any]]:
        """Return each network's answers to inputs (N, C, *S).

        Args:
            inputs: as the data set has them.
            ids: of the networks to ask; None asks all.

        Raises:
            UserError: there is no network with such an id, or one has no finite answer.
        """
        known = [each.record.run_id for each in self.served]
        unknown = set(ids or ()) - set(known)
        if unknown:
            raise UserError(f"there is no model {min(unknown)} here; expected {', '.join(known)}")
        asked = [each for each in self.served if ids is None or each.record.run_id in ids]
        return [each.answer(inputs) for each in asked]

    def warnings(self, inputs: np.ndarray) -> list[str]:
        """Return what is to be said of inputs (N, C, *S) unlike all that was trained on."""
        tally = Tally()
        for each, unlike in zip(inputs, self._familiar.unlike(inputs).tolist(), strict=True):
            tally.add(each, unlike)
        return [tally.warning(self._familiar.trained_on)] if tally.unlike else []

    def sample(self, index: int | None = None) -> dict[str, Any]:
        """Return a sample of the test split with its label, any by default.

        Raises:
            UserError: the data is not here, or has no sample of this index.
        """
        with self._loading:
            if self._samples is None:
                arrays = read_arrays(self._data)
                self._samples = arrays.test_inputs, arrays.test_targets
        inputs, targets = self._samples
        if index is None:
            index = int(np.random.default_rng().integers(len(targets)))
        if not 0 <= index < len(targets):
            raise UserError(f"there is no test sample {index}; expected 0 to {len(targets) - 1}")
        label = self.spec.class_names[int(targets[index])]
        return {"index": index, "label": label, "inputs": inputs[index : index + 1].tolist()}
