"""The training loop."""

import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sizewise.config import TrainingConfig
from sizewise.data.dataset import Dataset
from sizewise.data.sampler import epoch_order
from sizewise.data.splits import Batch, Samples
from sizewise.errors import UserError
from sizewise.tasks import find_task
from sizewise.tasks.task import Task
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.cuda_graph import TakeStep, graphed
from sizewise.training.device import BFLOAT16
from sizewise.training.evaluate import Scores, evaluate
from sizewise.training.fitted import Best, Fitted, Log, LogSteps
from sizewise.training.flat import unflatten
from sizewise.training.optimizer import Stepper
from sizewise.training.schedule import learning_rate_at
from sizewise.training.spikes import WINDOW, count_spikes
from sizewise.training.state import EpochSums, TrainState

# What steps give is looked at every so many, a loss that is not finite above all: each look makes a
# GPU wait.
CHECK_EVERY = 50
DIVERGED = (
    "the loss stopped being finite at step {step}; a smaller training.learning_rate or "
    "training.clip_grad_norm=1 may help"
)
UNKNOWN = Scores(math.nan, math.nan, math.nan, np.empty(0))  # without validation samples


@dataclass(frozen=True)
class GradientSteps:
    """Trains a network."""

    model: nn.Module
    config: TrainingConfig
    seed: int
    precision: str | None
    log_steps: LogSteps | None
    unit: ClassVar[str] = "epoch"

    @property
    def most(self) -> int:
        return self.config.epochs

    def fit(self, dataset: Dataset, log: Log, checkpoint: Checkpoint) -> Fitted:
        return fit(
            self.model,
            dataset,
            self.config,
            seed=self.seed,
            precision=self.precision,
            log=log,
            log_steps=self.log_steps,
            checkpoint=checkpoint,
        )

    def limits(self) -> AbstractContextManager[None]:
        return nullcontext()


def total_steps(config: TrainingConfig, num_samples: int) -> int:
    """The number of gradient steps if nothing stops training early."""
    steps = config.epochs * math.ceil(num_samples / config.batch_size)
    return steps if config.max_steps is None else min(steps, config.max_steps)


def fit(
    model: nn.Module,
    dataset: Dataset,
    config: TrainingConfig,
    *,
    seed: int,
    log: Log,
    log_steps: LogSteps | None = None,
    precision: str | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainState:
    """Train `model` in place and leave it with the weights of its best epoch.

    The best epoch is chosen by the one-standard-error rule (Hastie et al., The Elements of
    Statistical Learning, section 7.10): the latest whose validation error is within one
    standard error of the lowest. The lowest itself is a noisy choice on a small split, and tends
    to fall before the schedule has brought the learning rate down. Without validation samples, or
    with `keep="last"`, it is the last epoch; without them, validation errors and losses are NaN.

    Training ends after `epochs` or `max_steps`, once an epoch's training loss is at most
    `stop_loss`, or after `patience` epochs without a lower validation error. It ends too when a
    loss stops being finite: that epoch is left out, `extras["diverged"]` is the step, and the
    weights are those of the best epoch before; if it was the first, it is scored with the initial
    weights. `extras["spikes"]` counts loss spikes (`spikes.count_spikes`).

    Args:
        model: on the device of the data.
        dataset: its test split is not read.
        config: the training keys.
        seed: decides the order of the samples.
        log: called after each epoch with its number, from 1, and its metrics by name.
        log_steps: called before `log` with the number of the epoch's first step, from 1, and the
            losses of its steps.
        precision: `bfloat16`, in which autocast has what gains by it, products above all, while
            weights, gradients and the optimiser's state stay in float32; None has all in float32.
            Validation is in float32 either way.
        checkpoint: where training goes on from, if it holds anything, and keeps its state. What
            comes out is the same to the bit as without an interruption.

    Raises:
        UserError: `patience` has no validation to look at, or the network's answers are not finite
            with its initial weights.
        Interrupted: `checkpoint` was asked to stop.
    """
    task, validated = find_task(dataset.spec.task), len(dataset.validation) > 0
    if config.patience is not None and not validated:
        raise UserError(
            f"training.patience={config.patience} looks at validation, and there is none with "
            "data.validation_fraction=0: expected training.patience=null"
        )
    state = TrainState(model=model, stepper=Stepper(model, config))
    state.best = Best(0, math.inf, math.nan, _copied(model))
    autocast = torch.autocast(
        next(model.parameters()).device.type, torch.bfloat16, enabled=precision == BFLOAT16
    )
    one_by_one = partial(_take_step, model, state.stepper, task, config.clip_grad_norm, autocast)
    take_step = graphed(one_by_one, model, state.stepper)
    if checkpoint is not None:
        checkpoint.restore(state)
    while not state.stopped_by:
        metrics = _train_epoch(state, take_step, dataset.train, config, seed, checkpoint, log_steps)
        validation = evaluate(model, dataset.validation, task) if validated else UNKNOWN
        broken = metrics["train/loss"], validation.loss if validated else 0.0
        if not all(map(math.isfinite, broken)):
            state.extras.setdefault("diverged", state.step)
            state.stopped_by = DIVERGED.format(step=state.extras["diverged"])
            if state.history:
                state.epoch -= 1
                break
            model.load_state_dict(state.best.weights)
            validation = evaluate(model, dataset.validation, task) if validated else UNKNOWN
            if validated and not math.isfinite(validation.loss):
                raise UserError(
                    f"the validation loss is {validation.loss} with the network's initial weights: "
                    "expected finite answers"
                )
        metrics |= {"val/loss": validation.loss, "val/error": validation.error}
        if validation.error < state.lowest_error:
            state.lowest_error, state.lowest_epoch = validation.error, state.epoch
            state.enough = validation.error + validation.standard_error
        if validation.error <= state.enough or not validated or config.keep == "last":
            state.best = Best(state.epoch, validation.error, validation.loss, _copied(model))
        state.history.append(metrics)
        log(state.epoch, metrics)
        state.stopped_by = state.stopped_by or _reason_to_stop(
            state, config, len(dataset.train), metrics["train/loss"]
        )
        if checkpoint is not None:
            checkpoint.save(state)
    model.load_state_dict(state.best.weights)
    unflatten(model)
    return state


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _train_epoch(
    state: TrainState,
    take_step: TakeStep,
    train: Samples,
    config: TrainingConfig,
    seed: int,
    checkpoint: Checkpoint | None,
    log_steps: LogSteps | None,
) -> dict[str, float]:
    """Take one epoch's gradient steps, or what is left of them, and return its metrics."""
    device = next(state.model.parameters()).device
    limit = total_steps(config, len(train))
    batches = epoch_order(len(train), seed, state.epoch).to(device).split(config.batch_size)
    before = state.epoch * len(batches)
    batches = batches[: limit - before]
    rate_at = partial(
        learning_rate_at,
        total_steps=limit,
        peak=config.learning_rate,
        schedule=config.schedule,
    )
    if state.sums is None:
        losses, norms = torch.zeros(2, len(batches), device=device)
        state.sums = EpochSums(losses, norms, torch.zeros((), device=device))
    sums = state.sums
    started = time.perf_counter() - sums.seconds

    state.model.train()
    for index in range(state.step - before, len(batches)):
        batch = train.batch(batches[index])
        losses, errors, norm = take_step(batch, state.step, rate_at(state.step))
        sums.add(index, losses, errors, norm)
        state.step += 1
        bad = None
        if state.step % CHECK_EVERY == 0 or index + 1 == len(batches):
            sums.settle(index + 1)
            bad = _not_finite(sums.losses[: index + 1], state.step)
        sums.seconds = time.perf_counter() - started  # after the look, for which a GPU has to end
        if bad is not None:
            state.extras["diverged"] = bad
            break
        if checkpoint is not None:
            checkpoint.after_step(state)
            started = time.perf_counter() - sums.seconds  # what that took is not training

    done = state.step - before  # fewer than planned where a loss is not finite
    losses = sums.losses[:done].cpu()
    if log_steps is not None and "diverged" not in state.extras:
        log_steps(before + 1, losses.tolist())
    state.extras["spikes"] = state.extras.get("spikes", 0) + count_spikes(losses, state.recent)
    state.recent = torch.cat([state.recent, losses])[-WINDOW:]
    sizes = torch.tensor([len(b) for b in batches[:done]], dtype=sums.losses.dtype, device=device)
    samples = sizes.sum().item()
    state.sums = None
    state.epoch += 1
    state.train_seconds += sums.seconds
    return {
        "train/loss": (sums.losses[:done] @ sizes).item() / samples,
        "train/error": sums.errors.item() / samples,
        "learning_rate": rate_at(state.step - 1),
        "grad_norm": sums.norms[:done].mean().item(),
        "samples_per_second": samples / sums.seconds,
    }


def _take_step(
    model: nn.Module,
    stepper: Stepper,
    task: Task,
    max_norm: float | None,
    autocast: AbstractContextManager[None],
    batch: Batch,
    number: int,
    rate: float | Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Take a gradient step; return losses (B,), errors (B,) and the gradients' norm ()."""
    with autocast:
        outputs = model(*batch.given)
        losses = task.losses(outputs, batch.targets)
    losses.backward(torch.full_like(losses, 1 / losses.numel()))  # of their mean
    norm = stepper.step(number, rate, max_norm)
    losses = losses.detach()
    return losses, task.errors(outputs.detach(), batch.targets, losses), norm


def _not_finite(losses: Tensor, step: int) -> int | None:
    """Return the first step whose loss is not finite, of the last few up to `step`."""
    losses = losses[-CHECK_EVERY:]
    bad = (~losses.isfinite()).nonzero()
    return step - len(losses) + int(bad[0]) + 1 if len(bad) else None


def _reason_to_stop(
    state: TrainState, config: TrainingConfig, num_samples: int, train_loss: float
) -> str:
    if config.stop_loss is not None and train_loss <= config.stop_loss:
        return f"training loss reached {config.stop_loss:g}"
    if config.patience is not None and state.epoch - state.lowest_epoch >= config.patience:
        return f"no lower validation error in {config.patience} epochs"
    if state.epoch == config.epochs:
        return f"all {config.epochs} epochs done"
    if state.step == total_steps(config, num_samples):
        return f"all {config.max_steps} steps done"
    return ""
