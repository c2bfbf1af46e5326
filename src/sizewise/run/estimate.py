"""What a run will take, before paying: its seconds and FLOPs, from a short trial on noise."""

from typing import NamedTuple

import torch

from sizewise.config import Config
from sizewise.data import Dataset, DataSpec, Normalisation, Split
from sizewise.data.pairs import Pairs
from sizewise.data.splits import Samples
from sizewise.explain.measure import WORK
from sizewise.flops import flops_per_sample
from sizewise.models import Architecture, Classical
from sizewise.run.identity import with_precision
from sizewise.run.network import build_on_threads
from sizewise.training.device import is_here, prepare_torch
from sizewise.training.loop import fit, total_steps

TRIAL_BATCHES = 10
SECONDS_BESIDE_TRAINING = 2.0  # evaluation, costs, figures and tracking of a run on MNIST-1D


class Estimate(NamedTuple):
    """Of a whole run, and of a training step; all but threads are None for a classical family.

    Its fits don't scale with the samples alone.
    """

    threads: int
    seconds: float | None = None
    flops: float | None = None
    step_seconds: float | None = None


def estimate(
    config: Config,
    spec: DataSpec,
    architecture: Architecture,
    num_samples: int,
    share: int,
    batches: int = TRIAL_BATCHES,
) -> Estimate:
    """Train on a few batches of noise, and tell what the whole run takes.

    Args:
        config: the run's.
        spec: of its data.
        architecture: of its network.
        num_samples: that it trains on.
        share: how many cores it may use.
        batches: of noise, on which it is trained twice.
    """
    training = config.training
    noise = _noise(spec, batches * training.batch_size)
    where = config.device if is_here(config.device) else "cpu"
    device = prepare_torch(where, warn_only=config.model.target is not None)
    dataset = Dataset(spec, noise, noise, noise, Normalisation([], []), "noise").to(device)
    model = build_on_threads(config, spec, architecture, share).to(device)
    threads = torch.get_num_threads()
    if isinstance(model, Classical):
        return Estimate(threads)
    short = {"epochs": 2, "max_steps": None, "stop_loss": None, "patience": None}
    trial = training.model_copy(update=short | {"learning_rate": 1e-6})
    precision = with_precision(config).precision
    trained = fit(model, dataset, trial, seed=0, precision=precision, log=lambda *_: None)
    rate = trained.history[-1]["samples_per_second"]
    seen = total_steps(training, num_samples) * training.batch_size
    flops = flops_per_sample(model, spec)
    seconds = (seen + WORK * (config.explain or 0)) / rate + SECONDS_BESIDE_TRAINING
    all_flops = flops.training * seen if flops else None
    return Estimate(threads, seconds, all_flops, training.batch_size / rate)


def _noise(spec: DataSpec, samples: int) -> Samples:
    """Return made-up samples; of pairs, all are as long as the longest."""
    inputs = spec.random_batch(samples)
    targets = torch.zeros((samples, *spec.output_shape[:-1]), dtype=torch.int64)
    if spec.task in ("balanced", "regress"):  # beside each its weight, or the numbers' deviation
        targets = torch.tensor([0.0, 1.0]).repeat(samples, 1)
    if spec.kind == "pair":
        return Pairs(inputs, torch.full((samples,), inputs.shape[1]), targets[:, None])
    return Split(inputs, targets)
