"""Small specs, data sets and configs to test with."""

import dataclasses
from typing import Any

import torch
from torch import nn

from sizewise.config import TrainingConfig
from sizewise.data import Dataset, DataSpec, Normalisation, Split
from sizewise.data.splits import Batch, Samples
from sizewise.models import FAMILIES, Architecture, Classical, build, find_class
from sizewise.training.checkpoint import SavedModel
from sizewise.training.classical import fit_classical

SHAPES = {
    "sequence": (1, 40),
    "grey image": (1, 28, 28),
    "colour image": (3, 32, 32),
    "small image": (1, 8, 8),
}
CLASSIFIERS = [each for each in FAMILIES if not hasattr(find_class(each), "reads_pairs")]
DEPTHS = {"lstm": 2, "gru": 2, "rnn": 1, "mlp": 2}  # of the families that have this knob


def make_spec(shape: tuple[int, ...] = (1, 40), num_classes: int = 10) -> DataSpec:
    return DataSpec("made-up", shape, tuple(f"class {index}" for index in range(num_classes)))


def make_model(
    family: str,
    width: int | None,
    shape: tuple[int, ...] = (1, 40),
    num_classes: int = 10,
    *,
    seed: int = 0,
) -> nn.Module:
    assert family in FAMILIES
    torch.manual_seed(seed)
    return build(make_spec(shape, num_classes), Architecture(family, width, DEPTHS.get(family)))


def recurrent_layer(model: nn.Module) -> nn.RNNBase:
    layer = model.get_submodule("recurrent")
    assert isinstance(layer, nn.RNNBase)
    return layer


def make_training(**changes: Any) -> TrainingConfig:
    config = TrainingConfig(
        epochs=2,
        max_steps=None,
        stop_loss=None,
        patience=None,
        batch_size=16,
        optimizer="adam",
        learning_rate=0.01,
        schedule="one_cycle",
        clip_grad_norm=1.0,
        momentum=None,
        weight_decay=None,
    )
    return config.model_copy(update=changes)


def make_split(num_samples: int, spec: DataSpec, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    return Split(
        torch.randn(num_samples, *spec.input_shape, generator=generator),
        torch.arange(num_samples) % spec.num_classes,
    )


def whole(samples: Samples) -> Batch:
    """Return all samples of a split."""
    return samples.batch(slice(0, len(samples)))


def make_dataset(
    train: int = 50, validation: int = 20, shape: tuple[int, ...] = (1, 6), num_classes: int = 4
) -> Dataset:
    """Return noise with labels; its test split is NaN, so that reading it can't go unseen."""
    spec = make_spec(shape, num_classes)
    test = make_split(20, spec, seed=2)
    return Dataset(
        spec=spec,
        train=make_split(train, spec, seed=0),
        validation=make_split(validation, spec, seed=1),
        test=Split(torch.full_like(test.inputs, torch.nan), test.targets),
        normalisation=Normalisation([0.0], [1.0]),
        fingerprint="noise",
    )


def make_saved(
    family: str = "mlp",
    shape: tuple[int, ...] = (1, 40),
    *,
    name: str = "made-up",
    mean: float = 0.0,
    std: float = 1.0,
    width: int = 6,
    seed: int = 3,
) -> SavedModel:
    """Return an untrained network as a run leaves it."""
    return SavedModel(
        spec=dataclasses.replace(make_spec(shape), name=name),
        normalisation=Normalisation([mean] * shape[0], [std] * shape[0]),
        architecture=Architecture(family, width, DEPTHS.get(family)),
        weights=make_model(family, width, shape, seed=seed).state_dict(),
    )


def make_saved_text(
    family: str = "lstm", window: int = 8, *, width: int = 6, name: str = "made-up text"
) -> SavedModel:
    """Return an untrained network that reads bytes."""
    spec = DataSpec(name, (window,), (), "next_byte", num_tokens=256, per_step=True)
    architecture = Architecture(family, width, DEPTHS.get(family))
    torch.manual_seed(3)
    weights = build(spec, architecture).state_dict()
    return SavedModel(spec, Normalisation([0.0], [1.0]), architecture, weights)


def make_saved_pairs(
    given: tuple[str, ...],
    answers: tuple[str, ...],
    longest: int,
    *,
    family: str = "seq2seq",
    width: int = 6,
    name: str = "made-up",
) -> SavedModel:
    """Return an untrained network that answers symbols with symbols, of which the first is the end.

    What is given has 6 symbols at most, and an answer `longest`, its end included.
    """
    names: dict[str, Any] = {"source_names": given, "answer_names": answers}
    spec = DataSpec(name, (6,), (), "transduce", longest_answer=longest, **names)
    architecture = Architecture(family, width)
    torch.manual_seed(3)
    weights = build(spec, architecture).state_dict()
    return SavedModel(spec, Normalisation([0.0], [1.0]), architecture, weights)


def make_classical(
    family: str,
    width: int | None = None,
    shape: tuple[int, ...] = (1, 12),
    num_classes: int = 4,
    features: str | None = None,
) -> Classical:
    """Return a classical model fitted to noise."""
    dataset = make_dataset(60, 40, shape, num_classes)
    model = build(dataset.spec, Architecture(family, width, features=features))
    assert isinstance(model, Classical)
    fit_classical(model, dataset, seed=0, log=lambda *_: None)
    return model
