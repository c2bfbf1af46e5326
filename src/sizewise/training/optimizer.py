"""Optimisers: those of torch.optim, over checked parameter groups."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from sizewise.config import TrainingConfig

BETAS = 0.9, 0.999
KERAS_EPSILON = 1e-7  # PyTorch's own default is 1e-8
KERAS_ADAM = "keras_adam"

# Keras decays weights apart from the gradient, as AdamW does; without decay AdamW is Adam.
MAKERS: dict[str, Callable[..., Optimizer]] = {
    "adam": partial(Adam, betas=BETAS, eps=KERAS_EPSILON),
    "adamw": partial(AdamW, betas=BETAS, eps=KERAS_EPSILON),
    KERAS_ADAM: partial(AdamW, betas=BETAS, eps=KERAS_EPSILON),
    "sgd": SGD,
}


def make_optimizer(model: nn.Module, config: TrainingConfig) -> Optimizer:
    """Return the optimiser that `config` names, for the trainable parameters of `model`.

    Each of its groups has a `scale`, by which the schedule's rate is multiplied. `set_step` is to
    be called before each step.
    """
    groups = parameter_groups(model, config.weight_decay or 0.0)
    options = {} if config.momentum is None else {"momentum": config.momentum}
    # Each device that the config can name has fused kernels.
    optimizer = MAKERS[config.optimizer](groups, lr=config.learning_rate, fused=True, **options)
    for group in optimizer.param_groups:
        group["keras_epsilon"] = config.optimizer == KERAS_ADAM
    return optimizer


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the trainable parameters of `model`, each in one group.

    Biases and other parameters of one dimension, such as a normalisation's scales, get no decay.
    What `model.rate_scales` names has that scale, if there is such a thing: under muP
    (`models/mup.py`). Its decay is divided by it: a step takes as large a share of every weight.
    """
    scales: dict[str, float] = getattr(model, "rate_scales", {})
    kinds: dict[tuple[float, bool], list[nn.Parameter]] = {(1.0, True): [], (1.0, False): []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = scales.get(name, 1.0), parameter.ndim > 1
            kinds.setdefault(kind, []).append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": held, "scale": scale, "weight_decay": weight_decay / scale if decays else 0.0}
        for (scale, decays), held in kinds.items()
    ]
    check_groups(model, groups)
    return groups


def check_groups(model: nn.Module, groups: list[dict[str, Any]]) -> None:
    """Raise ValueError unless `groups` hold each trainable parameter of `model` exactly once."""
    held = sorted(id(each) for group in groups for each in group["params"])
    if held != sorted(id(each) for each in model.parameters() if each.requires_grad):
        raise ValueError("the parameter groups don't hold each trainable parameter exactly once")


def set_step(optimizer: Optimizer, step: int, learning_rate: float) -> None:
    """Set what the optimiser's groups need for one step: a pure function of the step.

    Args:
        optimizer: from `make_optimizer`.
        step: from 0.
        learning_rate: the schedule's.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["scale"]
        if group["keras_epsilon"]:
            group["eps"] = keras_epsilon_at(step)


def keras_epsilon_at(step: int) -> float:
    """Return the epsilon with which PyTorch's Adam takes the step of Keras's, from step 0.

    Keras adds its epsilon to the root of the second moment before the bias is corrected, as in the
    last lines of section 2 of Kingma & Ba (ICLR 2015), and PyTorch after:
    √v + ε = √(1 - β₂ᵗ) · (√(v / (1 - β₂ᵗ)) + ε / √(1 - β₂ᵗ)). Both count steps t from 1.
    """
    return float(KERAS_EPSILON / (1 - BETAS[1] ** (step + 1)) ** 0.5)
