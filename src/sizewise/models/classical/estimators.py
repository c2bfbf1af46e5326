"""Traditional learning: scikit-learn's estimators on features made by hand.

To everything but training each is a network: samples in, logits out, and a state dict that rebuilds
it. `training.classical` fits them.

Shapes: B batch, C channels, F features, K classes.
"""

import math
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.classical.features import FEATURES, Array, choose_features, signal
from sizewise.models.classical.stored import from_bytes, to_bytes

Hyperparameters = dict[str, float]
REQUIREMENTS = ("scikit-learn", "scikit-image", "scipy", "skops")
LEAST_PROBABILITY = 1e-6  # a vote of no neighbour or tree would cost an infinite loss


class Classical(nn.Module):
    """An estimator in a network's place: features - estimator - log-probabilities as logits.

    What is fitted lies in the state dict as bytes (`stored`). Until then all classes are alike to
    it. It computes on the CPU, with one thread where threads would change the order of a sum,
    wherever its inputs are.

    Only `signal` features, whose units differ, are standardised, by the training samples' mean and
    deviation. HOG's blocks are normalised already, and raw samples by their channel; to divide by
    the deviation of what is nearly constant costs accuracy there (an SVM on HOG of 5,000 MNIST
    images, on 3,000 others held out of training: 96.5 % with, 97.5 % without).

    Args:
        spec: the data's shape.
        features: `raw`, `hog` or `signal`; None takes those suited to the data.
    """

    estimator_name: ClassVar[str]  # the class's name in scikit-learn
    regressor_name: ClassVar[str] = ""  # of that which tells numbers, where there is one
    reads_rows: ClassVar[bool] = True
    reads_lengths: ClassVar[bool] = True
    grid: ClassVar[tuple[Hyperparameters, ...]]  # the settings that validation chooses from
    dial: ClassVar[str | None] = None  # what `model.width` counts
    keeps_samples: ClassVar[bool] = False  # whether `model.width` limits the training samples

    def __init__(
        self, spec: DataSpec, features: str | None = None, width: int | None = None
    ) -> None:
        super().__init__()
        self.spec = spec
        self.width = width
        self.features = choose_features(features, spec)
        self.pipeline: Any = None
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(()))

    def parameters_by_group(self) -> dict[str, int]:
        """Return the trainable parameters; none where a method has no such thing."""
        return {}

    def estimator(self, setting: Hyperparameters, *, seed: int, threads: int, samples: int) -> Any:
        """Return scikit-learn's estimator under one setting of the grid, not yet fitted.

        Args:
            setting: its arguments by name.
            seed: of its random choices.
            threads: to fit with.
            samples: how many it will be fitted on.
        """
        raise NotImplementedError

    def make_features(self, inputs: Tensor, lengths: Tensor | None = None) -> Array:
        """Map inputs (B, C, *S) to features (B, F), float32.

        Args:
            inputs: sequences of unequal length are padded.
            lengths: steps of each of these, (B,); None where they are all of one length.
        """
        values = inputs.detach().float().cpu().numpy()
        if not self.spec.unequal:
            return FEATURES[self.features](values)
        all_of_it = np.full(len(values), values.shape[-1])
        steps = all_of_it if lengths is None else lengths.cpu().numpy()
        return signal(values, steps, self.spec.input_shape[-1])

    def score(self, features: Array) -> Tensor:
        """Map features (B, F) to logits (B, K), or to numbers (B, 1), float32."""
        if not self.spec.class_names:
            told = self.pipeline.predict(features) if self.pipeline else np.zeros(len(features))
            return torch.from_numpy(told).float()[:, None]
        logits = np.full((len(features), self.spec.num_classes), math.log(LEAST_PROBABILITY))
        if self.pipeline is None:
            return torch.zeros(logits.shape)
        logits[:, self.pipeline.classes_] = self._scores(features)
        return torch.from_numpy(logits).float()

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K): see `make_features`."""
        return self.score(self.make_features(inputs, lengths)).to(inputs.device)

    def calibrate(self, features: Array, targets: Tensor) -> None:
        """Fit what turns scores into probabilities, where the method has none of its own."""

    def get_extra_state(self) -> Tensor:
        """Return the fitted pipeline as bytes, (N,), uint8; none before it is fitted."""
        content = b"" if self.pipeline is None else to_bytes(self.pipeline)
        return torch.from_numpy(np.frombuffer(content, dtype=np.uint8).copy())

    def set_extra_state(self, state: Any) -> None:
        """Take on what `get_extra_state` returned.

        Raises:
            UserError: it is damaged, of another family, or holds a type that is not trusted.
        """
        content = state.cpu().numpy().tobytes()
        expected = self.estimator_name if self.spec.class_names else self.regressor_name
        self.pipeline = from_bytes(content, expected) if content else None

    def _scores(self, features: Array) -> NDArray[np.float64]:
        probabilities = self.pipeline.predict_proba(features)
        return np.asarray(np.log(np.maximum(probabilities, LEAST_PROBABILITY)))


def requirements_of(model: nn.Module) -> tuple[str, ...]:
    """Return the packages that it takes to apply a fitted model, beyond those of every network."""
    return REQUIREMENTS if isinstance(model, Classical) else ()


class KNN(Classical):
    """The nearest training samples vote, by their inverse distance. The width keeps so many."""

    estimator_name = "KNeighborsClassifier"
    grid = ({"n_neighbors": 1}, {"n_neighbors": 3}, {"n_neighbors": 5}, {"n_neighbors": 10})
    dial = "training samples to keep"
    keeps_samples = True

    def estimator(self, setting: Hyperparameters, *, seed: int, threads: int, samples: int) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        neighbours = min(int(setting["n_neighbors"]), samples)
        return KNeighborsClassifier(neighbours, weights="distance", algorithm="brute")


class SVM(Classical):
    """A support vector machine with a Gaussian kernel. The width keeps so many training samples.

    Its probabilities are the softmax of its decision values over one temperature (`scale` is one
    over it), fitted on validation (Guo et al., "On Calibration of Modern Neural Networks", ICML
    2017, section 4.2).
    """

    estimator_name = "SVC"
    grid = ({"C": 1.0}, {"C": 10.0})
    dial = "training samples to keep"
    keeps_samples = True

    def estimator(self, setting: Hyperparameters, *, seed: int, threads: int, samples: int) -> Any:
        from sklearn.svm import SVC

        return SVC(C=setting["C"], gamma="scale", cache_size=500)

    def calibrate(self, features: Array, targets: Tensor) -> None:
        from scipy.optimize import minimize_scalar

        self.scale.fill_(1.0)
        decisions = self.score(features).double()

        def loss(log_scale: float) -> float:
            scaled = math.exp(log_scale) * decisions
            return nn.functional.cross_entropy(scaled, targets.cpu()).item()

        best = minimize_scalar(loss, bounds=(-4, 6), method="bounded")
        self.scale.fill_(math.exp(best.x))

    def _scores(self, features: Array) -> NDArray[np.float64]:
        decisions = self.pipeline.decision_function(features)
        if decisions.ndim == 1:  # of two classes there is one
            decisions = np.stack([-decisions, decisions], axis=1) / 2
        return np.asarray(decisions * self.scale.item())


class RandomForest(Classical):
    """Randomised trees that vote (Breiman, 2001). The width is their number."""

    estimator_name = "RandomForestClassifier"
    regressor_name = "RandomForestRegressor"
    grid = ({"min_samples_leaf": 1}, {"min_samples_leaf": 3})
    dial = "trees"

    def __init__(self, spec: DataSpec, width: int, features: str | None = None) -> None:
        super().__init__(spec, features, width)

    def estimator(self, setting: Hyperparameters, *, seed: int, threads: int, samples: int) -> Any:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        leaf = int(setting["min_samples_leaf"])
        kind = RandomForestClassifier if self.spec.class_names else RandomForestRegressor
        return kind(self.width, min_samples_leaf=leaf, random_state=seed, n_jobs=threads)


class GradientBoosting(Classical):
    """Small trees, each fitted to what is left by those before. The width is their rounds."""

    estimator_name = "HistGradientBoostingClassifier"
    regressor_name = "HistGradientBoostingRegressor"
    grid = ({"learning_rate": 0.1}, {"learning_rate": 0.3})
    dial = "boosting rounds"

    def __init__(self, spec: DataSpec, width: int, features: str | None = None) -> None:
        super().__init__(spec, features, width)

    def estimator(self, setting: Hyperparameters, *, seed: int, threads: int, samples: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        of_classes = self.spec.class_names
        kind = HistGradientBoostingClassifier if of_classes else HistGradientBoostingRegressor
        return kind(
            learning_rate=setting["learning_rate"],
            max_iter=self.width,
            max_leaf_nodes=15,
            max_features=0.2,  # of them at each split: as good, and several times faster
            early_stopping=False,
            random_state=seed,
        )


class Linear(Classical):
    """Multinomial logistic regression, regularised by L2; `logistic` is the same by Adam."""

    estimator_name = "LogisticRegression"
    grid = ({"C": 0.01}, {"C": 0.1}, {"C": 1.0}, {"C": 10.0})

    def __init__(self, spec: DataSpec, features: str | None = None) -> None:
        super().__init__(spec, features)

    def parameters_by_group(self) -> dict[str, int]:
        """One weight for each feature and class, and a bias; of two classes there is one."""
        sample = torch.zeros(1, *self.spec.input_shape, device="cpu")
        rows = self.spec.num_classes if self.spec.num_classes > 2 else 1
        return {"estimator": rows * (int(self.make_features(sample).shape[1]) + 1)}

    def estimator(self, setting: Hyperparameters, *, seed: int, threads: int, samples: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=setting["C"], max_iter=1000)
