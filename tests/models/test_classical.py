"""Classical families as networks: their logits, their state, and what they refuse."""

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sizewise.cost import measure_speed
from sizewise.data import Normalisation
from sizewise.errors import UserError
from sizewise.flops import flops_per_sample
from sizewise.models import CLASSICAL, Architecture, Classical, build
from sizewise.models.classical.estimators import LEAST_PROBABILITY
from sizewise.models.classical.stored import to_bytes
from sizewise.predict import Predictor
from sizewise.sizing import parameters_by_group, parameters_of, solve_width
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from tests.builders import make_classical, make_spec
from tests.training.malice import Malicious

WIDTHS = {"random_forest": 3, "gradient_boosting": 3}
SHAPES = {"sequence": (1, 12), "image": (1, 10, 10)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", CLASSICAL)
def test_a_saved_model_answers_exactly_as_before(
    family: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    model = make_classical(family, WIDTHS.get(family), shape)
    saved = SavedModel(
        spec=model.spec,
        normalisation=Normalisation([0.0], [1.0]),
        architecture=Architecture(family, model.width, None, features=model.features),
        weights=model.state_dict(),
    )
    save_model(tmp_path / "model.pt", saved)
    inputs = torch.randn(7, *shape)
    again = load_model(tmp_path / "model.pt")
    assert torch.equal(again.build()(inputs), model(inputs))
    probabilities = Predictor(again).predict(inputs.numpy())
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("family", CLASSICAL)
def test_equal_models_are_equal_bytes(family: str) -> None:
    first, second = (make_classical(family, WIDTHS.get(family)) for _ in range(2))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.parametrize("family", CLASSICAL)
def test_an_unfitted_model_holds_all_classes_alike(family: str) -> None:
    model = build(make_spec(), Architecture(family, WIDTHS.get(family)))
    assert torch.equal(model(torch.randn(2, 1, 40)), torch.zeros(2, 10))


def test_logits_are_log_probabilities_with_a_floor() -> None:
    model = make_classical("knn")
    inputs = torch.randn(5, 1, 12)
    probabilities = model.pipeline.predict_proba(model.make_features(inputs))
    expected = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    assert np.allclose(model(inputs).numpy(), expected, atol=1e-6)


def test_a_class_that_was_not_learnt_is_never_predicted() -> None:
    model = make_classical("random_forest", 3)
    model.spec = replace(model.spec, class_names=("a", "b", "c", "d", "never seen"))
    logits = model(torch.randn(6, 1, 12))
    assert logits.shape == (6, 5)
    assert torch.allclose(logits[:, 4], torch.tensor(math.log(LEAST_PROBABILITY)))


def test_an_svm_of_two_classes_decides_as_scikit_learns() -> None:
    model = make_classical("svm", num_classes=2)
    features = model.make_features(torch.randn(50, 1, 12))
    expected = model.pipeline.predict(features)
    assert model.score(features).argmax(dim=1).tolist() == expected.tolist()


def test_an_svms_scale_is_where_the_loss_is_least() -> None:
    model = make_classical("svm")
    features = model.make_features(torch.randn(60, 1, 12))
    targets = model.score(features).argmax(dim=1)
    targets[::4] = 0  # some wrong, or the best scale would be infinite
    model.calibrate(features, targets)
    best = model.scale.item()

    def loss(scale: float) -> float:
        model.scale.fill_(scale)
        return torch.nn.functional.cross_entropy(model.score(features), targets).item()

    assert loss(best) <= min(loss(0.9 * best), loss(1.1 * best))


@pytest.mark.parametrize(
    ("family", "classes", "count"),
    [("linear", 10, 10 * (40 + 1)), ("linear", 2, 40 + 1), ("knn", 10, None), ("svm", 10, None)],
)
def test_only_a_linear_model_has_parameters_to_count(
    family: str, classes: int, count: int | None
) -> None:
    model = build(make_spec(num_classes=classes), Architecture(family, None, features="raw"))
    assert parameters_of(model) == count
    assert parameters_by_group(model) == ({} if count is None else {"estimator": count})


def test_linear_counts_what_scikit_learn_fits() -> None:
    model = make_classical("linear")
    estimator = model.pipeline[-1]
    assert parameters_of(model) == estimator.coef_.size + estimator.intercept_.size


def test_speed_is_measured_and_flops_are_left_out() -> None:
    model = make_classical("linear")
    assert measure_speed(model, model.spec).throughput > 0
    assert flops_per_sample(model, model.spec) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: solve_width(1000, make_spec(), Architecture("random_forest")),
            r"size=1000 counts a network's parameters, and model=random_forest is sized by "
            r"model\.width, its trees: expected size=null",
        ),
        (
            lambda: solve_width(1000, make_spec(), Architecture("linear")),
            "size=1000 .* model=linear has what its features ask for: expected size=null",
        ),
        (lambda: build(make_spec(), Architecture("linear", 5)), "model=linear has no width"),
        (lambda: build(make_spec(), Architecture("svm", None, 2)), "model=svm has no depth"),
        (
            lambda: build(make_spec(), Architecture("random_forest", None)),
            "model=random_forest needs a width",
        ),
        (
            lambda: build(make_spec(), Architecture("mlp", 5, 1, features="signal")),
            r"features=signal is for a classical family \(knn, .*\), and model=mlp reads",
        ),
        (
            lambda: build(make_spec(), Architecture("swm", 5)),
            r"no model family swm: did you mean svm\?",
        ),
    ],
)
def test_what_a_family_does_not_have_is_an_error(call: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()


def test_a_network_may_say_that_it_reads_raw_samples() -> None:
    assert build(make_spec(), Architecture("mlp", 5, 1, features="raw"))(
        torch.randn(2, 1, 40)
    ).shape == (2, 10)


def state_of(pipeline: Any) -> torch.Tensor:
    return torch.frombuffer(bytearray(to_bytes(pipeline)), dtype=torch.uint8)


def take(model: Classical, state: torch.Tensor) -> None:
    model.load_state_dict(model.state_dict() | {"_extra_state": state})


@pytest.mark.parametrize("kind", ["function", "object"])
def test_a_type_that_is_not_trusted_is_refused_and_does_nothing(kind: str, tmp_path: Path) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    target = tmp_path / "made"
    hostile = FunctionTransformer(os.mkdir, kw_args={"path": str(target)})
    if kind == "object":
        hostile = FunctionTransformer(kw_args={"hidden": Malicious(target)})
    evil = make_pipeline(hostile, make_classical("knn").pipeline[-1])
    with pytest.raises(UserError, match=r"the stored estimator can't be read .*[Uu]ntrusted"):
        take(make_classical("knn"), state_of(evil))
    assert not target.exists()


def test_the_estimator_of_another_family_is_refused() -> None:
    with pytest.raises(UserError, match="is a LogisticRegression; expected a pipeline to SVC"):
        take(make_classical("svm"), make_classical("linear").state_dict()["_extra_state"])


def test_a_damaged_estimator_is_one_line() -> None:
    model = make_classical("linear")
    state = model.state_dict()["_extra_state"].clone()
    state[: len(state) // 2] = 0
    with pytest.raises(UserError, match="the stored estimator can't be read"):
        take(model, state)
