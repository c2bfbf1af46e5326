"""Optimisers: those of torch.optim, over checked parameter groups; and their steps."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from sizewise.config import TrainingConfig
from sizewise.training.flat import Flat

BETAS = 0.9, 0.999
KERAS_EPSILON = 1e-7  # PyTorch's own default is 1e-8
KERAS_ADAM = "keras_adam"

# Each steps a number by its own gradients alone: on a CPU it sees parameters laid flat, without
# their shapes.
# Keras decays weights apart from the gradient, as AdamW does; without decay AdamW is Adam.
MAKERS: dict[str, Callable[..., Optimizer]] = {
    "adam": partial(Adam, betas=BETAS, eps=KERAS_EPSILON),
    "adamw": partial(AdamW, betas=BETAS, eps=KERAS_EPSILON),
    KERAS_ADAM: partial(AdamW, betas=BETAS, eps=KERAS_EPSILON),
    "sgd": SGD,
}


class Stepper:
    """Takes the steps of the optimiser that a config names, for a model's trainable parameters.

    Args:
        model: trained in place. On a CPU its parameters are laid flat, see `Flat`.
        config: names the optimiser, its momentum and its decay.
    """

    def __init__(self, model: nn.Module, config: TrainingConfig) -> None:
        groups = parameter_groups(model, config.weight_decay or 0.0)
        self._flats: list[Flat] = []
        if groups and groups[0]["params"][0].is_cpu:
            self._flats = [Flat(group["params"]) for group in groups]
            groups = [
                group | {"params": [flat.whole]}
                for group, flat in zip(groups, self._flats, strict=True)
            ]
        options: dict[str, Any] = {} if config.momentum is None else {"momentum": config.momentum}
        if groups and groups[0]["params"][0].is_cuda and config.optimizer != "sgd":
            options["capturable"] = True
        # Each device that the config can name has fused kernels.
        self.optimizer = MAKERS[config.optimizer](
            groups, lr=config.learning_rate, fused=True, **options
        )
        for group in self.optimizer.param_groups:
            group["keras_epsilon"] = config.optimizer == KERAS_ADAM
        self._parameters = [each for group in groups for each in group["params"]]
        # A CUDA graph takes a learning rate as a tensor, and no epsilon that changes.
        self.capturable = config.optimizer != KERAS_ADAM

    def step(
        self, number: int, learning_rate: float | Tensor, max_norm: float | None = None
    ) -> Tensor:
        """Take a step by the gradients that the parameters have, which have none afterwards.

        Args:
            number: of the step, from 0.
            learning_rate: the schedule's; a tensor, (), in a CUDA graph.
            max_norm: to which the gradients are clipped, all together.

        Returns:
            The norm of all gradients before they were clipped, ().
        """
        for flat in self._flats:
            flat.take_gradients()
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        if len(gradients) == 1:
            norm: Tensor = torch.linalg.vector_norm(gradients[0])  # in half of the time
        else:
            norm = nn.utils.get_total_norm(gradients)
        if max_norm is not None:
            nn.utils.clip_grads_with_norm_(self._parameters, max_norm, norm)
        set_step(self.optimizer, number, learning_rate)
        self.optimizer.step()
        if not self._flats:
            for each in self._parameters:
                each.grad = None
        return norm


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the trainable parameters of `model`, each in one group.

    Biases and other parameters of one dimension, such as a normalisation's scales, get no decay.
    What `model.rate_scales` names has that scale, if there is such a thing: under muP
    (`models/mup.py`). Its decay is divided by it: a step takes as large a share of every weight.
    """
    scales: dict[str, float] = getattr(model, "rate_scales", {})
    kinds: dict[tuple[float, float, torch.dtype], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            scale = scales.get(name, 1.0)
            decay = weight_decay / scale if parameter.ndim > 1 else 0.0
            kinds.setdefault((scale, decay, parameter.dtype), []).append(parameter)
    groups: list[dict[str, Any]] = [  # as few as can be: each takes a kernel of its own
        {"params": held, "scale": scale, "weight_decay": decay}
        for (scale, decay, _), held in kinds.items()
    ]
    check_groups(model, groups)
    return groups


def check_groups(model: nn.Module, groups: list[dict[str, Any]]) -> None:
    """Raise ValueError unless `groups` hold each trainable parameter of `model` exactly once."""
    held = sorted(id(each) for group in groups for each in group["params"])
    if held != sorted(id(each) for each in model.parameters() if each.requires_grad):
        raise ValueError("the parameter groups don't hold each trainable parameter exactly once")


def set_step(optimizer: Optimizer, step: int, learning_rate: float | Tensor) -> None:
    """Set what the optimiser's groups need for one step: a pure function of the step.

    Args:
        optimizer: a stepper's.
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
