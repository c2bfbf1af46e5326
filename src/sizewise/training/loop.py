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
from sizewise.data.splits import Samples
from sizewise.errors import UserError
from sizewise.tasks import find_task
from sizewise.tasks.task import Task
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.evaluate import Scores, evaluate
from sizewise.training.fitted import Best, Fitted, Log
from sizewise.training.optimizer import make_optimizer, set_step
from sizewise.training.schedule import learning_rate_at
from sizewise.training.state import EpochSums, TrainState

# A non-finite loss is looked for every so many steps: each look makes a GPU wait.
CHECK_EVERY = 50
UNKNOWN = Scores(math.nan, math.nan, math.nan, np.empty(0))  # without validation samples


@dataclass(frozen=True)
class GradientSteps:
    """Trains a network."""

    model: nn.Module
    config: TrainingConfig
    seed: int
    unit: ClassVar[str] = "epoch"

    @property
    def most(self) -> int:
        return self.config.epochs

    def fit(self, dataset: Dataset, log: Log, checkpoint: Checkpoint) -> Fitted:
        return fit(self.model, dataset, self.config, seed=self.seed, log=log, checkpoint=checkpoint)

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
    checkpoint: Checkpoint | None = None,
) -> TrainState:
    """Train `model` in place and leave it with the weights of its best epoch.

    The best epoch is chosen by the one-standard-error rule (Hastie et al., The Elements of
    Statistical Learning, section 7.10): the latest whose validation error is within one
    standard error of the lowest. The lowest itself is a noisy choice on a small split, and tends
    to fall before the schedule has brought the learning rate down. Without validation samples it is
    the last epoch, and validation errors and losses are NaN.

    Training ends after `epochs` or `max_steps`, once an epoch's training loss is at most
    `stop_loss`, or after `patience` epochs without a lower validation error.

    Args:
        model: on the device of the data.
        dataset: its test split is not read.
        config: the training keys.
        seed: decides the order of the samples.
        log: called after each epoch with its number, from 1, and its metrics by name.
        checkpoint: where training goes on from, if it holds anything, and keeps its state. What
            comes out is the same to the bit as without an interruption.

    Raises:
        UserError: the loss stopped being finite, or `patience` has no validation to look at.
        Interrupted: `checkpoint` was asked to stop.
    """
    task, validated = find_task(dataset.spec.task), len(dataset.validation) > 0
    if config.patience is not None and not validated:
        raise UserError(
            f"training.patience={config.patience} looks at validation, and there is none with "
            "data.validation_fraction=0: expected training.patience=null"
        )
    state = TrainState(model=model, optimizer=make_optimizer(model, config))
    if checkpoint is not None:
        checkpoint.restore(state)
    while not state.stopped_by:
        metrics = _train_epoch(state, dataset.train, task, config, seed, checkpoint)
        validation = evaluate(model, dataset.validation, task) if validated else UNKNOWN
        metrics |= {"val/loss": validation.loss, "val/error": validation.error}
        if validated and not math.isfinite(validation.loss):
            raise _diverged("validation loss", validation.loss, state.step, state.epoch, config)
        if validation.error < state.lowest_error:
            state.lowest_error, state.lowest_epoch = validation.error, state.epoch
            state.enough = validation.error + validation.standard_error
        if validation.error <= state.enough or not validated:
            weights = {name: value.clone() for name, value in model.state_dict().items()}
            state.best = Best(state.epoch, validation.error, validation.loss, weights)
        state.history.append(metrics)
        log(state.epoch, metrics)
        state.stopped_by = _reason_to_stop(state, config, len(dataset.train), metrics["train/loss"])
        if checkpoint is not None:
            checkpoint.save(state)
    assert state.best is not None
    model.load_state_dict(state.best.weights)
    return state


def _train_epoch(
    state: TrainState,
    train: Samples,
    task: Task,
    config: TrainingConfig,
    seed: int,
    checkpoint: Checkpoint | None,
) -> dict[str, float]:
    """Take one epoch's gradient steps, or what is left of them, and return its metrics."""
    device = next(state.model.parameters()).device
    limit = total_steps(config, len(train))
    batches = epoch_order(len(train), seed, state.epoch).to(device).split(config.batch_size)
    before = state.epoch * len(batches)
    batches = batches[: limit - before]
    optimizer, max_norm = state.optimizer, config.clip_grad_norm
    parameters = [each for each in state.model.parameters() if each.requires_grad]
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
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
    started = time.perf_counter() - sums.seconds

    state.model.train()
    for index in range(state.step - before, len(batches)):
        batch = train.batch(batches[index])
        with autocast:
            outputs = state.model(*batch.given)
            losses = task.losses(outputs, batch.targets)
            loss = losses.mean()
        state.model.zero_grad()  # the optimizer's own takes 40 µs, 1 to 2 % of a small step
        loss.backward()
        gradients = [each.grad for each in parameters if each.grad is not None]
        sums.norms[index] = norm = nn.utils.get_total_norm(gradients)
        if max_norm is not None:
            nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
        set_step(optimizer, state.step, rate_at(state.step))
        optimizer.step()

        sums.losses[index] = loss.detach()
        sums.errors += task.errors(outputs.detach(), batch.targets, losses.detach()).sum()
        state.step += 1
        if state.step % CHECK_EVERY == 0 or index + 1 == len(batches):
            _check_finite(sums.losses[max(0, index + 1 - CHECK_EVERY) : index + 1], state, config)
        sums.seconds = time.perf_counter() - started  # after the look, for which a GPU has to end
        if checkpoint is not None:
            checkpoint.after_step(state)
            started = time.perf_counter() - sums.seconds  # what that took is not training

    sizes = torch.tensor([len(b) for b in batches], dtype=sums.losses.dtype, device=device)
    samples = sizes.sum().item()
    state.sums = None
    state.epoch += 1
    state.train_seconds += sums.seconds
    return {
        "train/loss": (sums.losses @ sizes).item() / samples,
        "train/error": sums.errors.item() / samples,
        "learning_rate": rate_at(state.step - 1),
        "grad_norm": sums.norms.mean().item(),
        "samples_per_second": samples / sums.seconds,
    }


def _check_finite(losses: Tensor, state: TrainState, config: TrainingConfig) -> None:
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        step = state.step - len(losses) + int(bad[0]) + 1
        raise _diverged("loss", losses[bad[0]].item(), step, state.epoch + 1, config)


def _diverged(what: str, value: float, step: int, epoch: int, config: TrainingConfig) -> UserError:
    return UserError(
        f"the {what} became {value} at step {step} (epoch {epoch}); try a smaller "
        f"training.learning_rate (now {config.learning_rate:g}) or training.clip_grad_norm=1"
    )


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
