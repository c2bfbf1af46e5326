"""Families: architectures that can be built at any width, and the classical methods beside them.

To add one: write a module whose constructor takes `spec`, `width` and, if it has that knob,
`depth`; name it in `FAMILIES`; give it a conf/model/NAME.yaml. A classical one is a subclass of
`Classical`, named in `CLASSICAL`. Classes are named here as texts, so that a run's key sees the
file of its own family and of no other.
"""

import importlib
import inspect
from dataclasses import replace

from torch import nn

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError, nearest
from sizewise.models.architecture import Architecture
from sizewise.models.classical.estimators import Classical
from sizewise.models.initialise import initialise_as_pytorch
from sizewise.models.mup import parametrise

FAMILIES: dict[str, str] = {
    "cnn": "sizewise.models.cnn.CNN",
    "lstm": "sizewise.models.recurrent.LSTM",
    "attention": "sizewise.models.attention.Attention",
    "rnn": "sizewise.models.recurrent.RNN",
    "gru": "sizewise.models.recurrent.GRU",
    "mlp": "sizewise.models.mlp.MLP",
    "residual_mlp": "sizewise.models.residual_mlp.ResidualMLP",
    "strided_cnn": "sizewise.models.strided_cnn.StridedCNN",
    "bigru": "sizewise.models.bigru.BiGRU",
    "logistic": "sizewise.models.mlp.Logistic",
    "transformer": "sizewise.models.transformer.Transformer",
    "seq2seq": "sizewise.models.seq2seq.Seq2Seq",
    "seq2seq_dot": "sizewise.models.seq2seq.Seq2SeqDot",
    "seq2seq_additive": "sizewise.models.seq2seq.Seq2SeqAdditive",
    "seq2seq_gru": "sizewise.models.seq2seq.Seq2SeqGRU",
    "seq2seq_gru_dot": "sizewise.models.seq2seq.Seq2SeqGRUDot",
    "seq2seq_gru_additive": "sizewise.models.seq2seq.Seq2SeqGRUAdditive",
    "seq2seq_transformer": "sizewise.models.seq2seq_transformer.Seq2SeqTransformer",
}
CLASSICAL: dict[str, str] = {
    "knn": "sizewise.models.classical.estimators.KNN",
    "svm": "sizewise.models.classical.estimators.SVM",
    "random_forest": "sizewise.models.classical.estimators.RandomForest",
    "gradient_boosting": "sizewise.models.classical.estimators.GradientBoosting",
    "linear": "sizewise.models.classical.estimators.Linear",
}
ALL_FAMILIES: dict[str, str] = FAMILIES | CLASSICAL
READERS = {  # by the kind of data that not all can read: what says who can, and why others can't
    "tokens": ("reads_tokens", "which is text"),
    "row": (
        "reads_rows",
        "whose rows have no steps (data.id=COLUMN data.time=COLUMN make sequences of rows)",
    ),
    "unequal": ("reads_lengths", "whose sequences are of unequal length"),
    "pair": ("reads_pairs", "which asks for a sequence in answer to each"),
}

__all__ = [
    "ALL_FAMILIES",
    "CLASSICAL",
    "FAMILIES",
    "Architecture",
    "Classical",
    "base_width_of",
    "build",
    "find_class",
]


def build(spec: DataSpec, architecture: Architecture) -> nn.Module:
    """Build a freshly initialised network, or an unfitted classical model, for data like `spec`.

    Raises:
        UserError: there is no such family or class, it does not take these arguments, or can't read
            such data.
    """
    family, target, features = architecture.family, architecture.target, architecture.features
    network = find_class(family, target)
    named = f"model={family}" if target is None else f"model._target_={target}"
    kind = "unequal" if spec.unequal else spec.kind
    able = _families(READERS[kind][0]) if kind in READERS else []
    if spec.task == "regress":
        able = [each for each in able if _tells_numbers(find_class(each))]
    if able and target is None and family not in able:
        raise UserError(
            f"{named} can't read {spec.name}, {READERS[kind][1]}: expected "
            f"model={' or '.join(able)}"
        )
    if target is None and kind != "pair" and getattr(network, "reads_pairs", False):
        raise UserError(
            f"{named} answers a sequence with another, and {spec.name} asks for none: expected "
            "data=reverse or cmudict, or another model"
        )
    if not (spec.class_names or _tells_numbers(network)):
        numbers = f"model={' or '.join(_families('regressor_name'))}, or "
        raise UserError(
            f"{named} tells classes, and {spec.name} has none: expected "
            f"{numbers if spec.task == 'regress' else ''}a network"
        )
    parameters = inspect.signature(network).parameters
    knobs: dict[str, int | str] = {}
    for name, value in (("width", architecture.width), ("depth", architecture.depth)):
        if value is not None and name not in parameters:
            raise UserError(f"{named} has no {name}; expected model.{name}=null")
        if value is not None:
            knobs[name] = value
        elif name in parameters and parameters[name].default is inspect.Parameter.empty:
            raise UserError(f"{named} needs a {name}; give it with model.{name}=NUMBER")
    if features is not None and issubclass(network, Classical):
        knobs["features"] = features
    elif features not in (None, "raw"):
        raise UserError(
            f"features={features} is for a classical family ({', '.join(CLASSICAL)}), and {named} "
            "reads samples as they are: expected features=null or raw"
        )
    model = network(spec, **knobs)
    if architecture.init is not None:
        initialise_as_pytorch(model)
    base, width = architecture.base_width, architecture.width
    if base is not None:
        if width is None:
            raise UserError(
                f"parametrization=mup scales with a width, and {named} has none: expected "
                "model.width=NUMBER, size=NUMBER or parametrization=null"
            )
        standard = replace(architecture, base_width=None)
        parametrise(model, width, base, lambda width: build(spec, replace(standard, width=width)))
    return model


def base_width_of(family: str, target: str | None = None) -> int:
    """Return the width from which a network's rates and initial weights scale under muP.

    Raises:
        UserError: there is no such network, or it does not say.
    """
    network = find_class(family, target)
    if issubclass(network, Classical):
        raise UserError(
            f"parametrization=mup is for networks, and model={family} is fitted: expected "
            "parametrization=null"
        )
    base = getattr(network, "base_width", None)
    if type(base) is not int or base < 1:
        raise UserError(
            f"parametrization=mup scales from a width that {target or family} does not say: "
            "expected base_width = 16, or another number, in the class, or parametrization=null"
        )
    return base


def _tells_numbers(network: type[nn.Module]) -> bool:
    """Return whether it can tell something else than classes: a network can."""
    return not issubclass(network, Classical) or bool(network.regressor_name)


def _families(ability: str) -> list[str]:
    """Return the families whose class has an attribute that is true."""
    return [each for each in ALL_FAMILIES if getattr(find_class(each), ability, False)]


def find_class(family: str, target: str | None = None) -> type[nn.Module]:
    """Return the class of a network or a classical model: see `Architecture`.

    Raises:
        UserError: there is no such family or class.
    """
    if target is None and family not in ALL_FAMILIES:
        raise UserError(f"there is no model family {family}: {nearest(family, ALL_FAMILIES)}")
    return _import_class(ALL_FAMILIES[family] if target is None else target)


def _import_class(target: str) -> type[nn.Module]:
    module_name, _, class_name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"model._target_={target} can't be imported ({error}): expected package.Class, with "
            "the package installed or on PYTHONPATH"
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UserError(f"model._target_={target} is not a torch.nn.Module class")
    return found
