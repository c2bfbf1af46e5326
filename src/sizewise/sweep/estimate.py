"""What a sweep will cost, before paying: sizes, FLOPs, and minutes from a short trial."""

from collections.abc import Hashable

import torch
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from sizewise.config import parse_shared
from sizewise.config.compose import without_hydra
from sizewise.data import Dataset, Normalisation, Split
from sizewise.flops import flops_per_sample
from sizewise.models import Classical
from sizewise.records import readable_count
from sizewise.run.network import build_on_threads
from sizewise.sweep.job import jobs_at_once, threads_per_job
from sizewise.sweep.plan import PlannedRun, plan_sweep
from sizewise.tracking.artifacts import finished_records
from sizewise.tracking.store import open_store
from sizewise.training.loop import fit, total_steps

TRIAL_BATCHES = 10
SECONDS_BESIDE_TRAINING = 2.0  # evaluation, costs, figures and tracking of a run on MNIST-1D


def show_plan(composed: DictConfig) -> None:
    """Print what a sweep is going to run.

    Args:
        composed: in Hydra's multirun mode, the hydra node included.

    Raises:
        UserError: a run can't be made.
    """
    by_key = plan_sweep(composed)
    if by_key is None:
        print(
            "only fixed grids can be planned: here an optimiser chooses the runs, their order is "
            "drawn, or a value is made of the job itself"
        )
        return
    planned, shared = list(by_key.values()), parse_shared(without_hydra(composed))
    store = open_store(shared.tracking)
    done = finished_records(store, [] if shared.rerun else by_key).by_key
    jobs = jobs_at_once(composed)

    table = Table(box=None, header_style="bold", pad_edge=False, collapse_padding=True)
    for heading in ("family", "data"):
        table.add_column(heading)
    for heading in (
        "samples",
        "asked",
        "parameters",
        "threads",
        "runs",
        "done",
        "FLOPs",
        "seconds",
    ):
        table.add_column(heading, justify="right")
    left, unknown = 0.0, 0
    for runs in _alike(planned):
        first = runs[0]
        finished = sum(run.identity.key in done for run in runs)
        seconds, flops, threads = _trial(first, threads_per_job(jobs))
        if seconds is None:
            unknown += len(runs) - finished
        else:
            left += seconds * (len(runs) - finished)
        table.add_row(
            first.config.model.name,
            first.spec.name,
            f"{first.num_samples:,}",
            readable_count(first.config.size) if first.config.size else "–",
            f"{first.identity.parameters:,}" if first.identity.parameters else "–",
            str(threads),
            str(len(runs)),
            str(finished),
            f"{flops * len(runs):.1e}" if flops else "–",
            "–" if seconds is None else f"{seconds:.0f}",
        )
    Console().print(table)
    remaining = sum(run.identity.key not in done for run in planned)
    print(
        f"{len(planned)} runs, {len(planned) - remaining} done, {remaining} to run: "
        f"about {left / jobs / 60:.1f} minutes, {jobs} at once"
        + (f", without the {unknown} of classical families, which can't be told" if unknown else "")
    )


def _alike(planned: list[PlannedRun]) -> list[list[PlannedRun]]:
    """Group runs that cost the same: all but the seed and the like are equal."""
    groups: dict[Hashable, list[PlannedRun]] = {}
    for run in planned:
        training = run.config.training
        key = (
            run.config.model.name,
            run.spec,
            run.config.size,
            run.identity.parameters,
            run.num_samples,
            training.batch_size,
            training.epochs,
            training.max_steps,
            run.config.threads,
        )
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def _trial(run: PlannedRun, share: int) -> tuple[float | None, float | None, int]:
    """Train on a few batches of noise; return a whole run's seconds, training FLOPs and threads.

    Seconds and FLOPs are None for a classical family, whose fits don't scale with the samples
    alone.
    """
    training, spec = run.config.training, run.spec
    samples = TRIAL_BATCHES * training.batch_size
    targets = torch.zeros((samples, *spec.output_shape[:-1]), dtype=torch.int64)
    noise = Split(spec.random_batch(samples), targets)
    dataset = Dataset(spec, noise, noise, noise, Normalisation([], []), "noise")
    model = build_on_threads(run.config, spec, run.identity.architecture, share)
    threads = torch.get_num_threads()
    if isinstance(model, Classical):
        return None, None, threads
    short = {"epochs": 2, "max_steps": None, "stop_loss": None, "patience": None}
    trial = training.model_copy(update=short | {"learning_rate": 1e-6})
    rate = fit(model, dataset, trial, seed=0, log=lambda *_: None).history[-1]["samples_per_second"]
    seen = total_steps(training, run.num_samples) * training.batch_size
    flops = flops_per_sample(model, spec)
    seconds = seen / rate + SECONDS_BESIDE_TRAINING
    return seconds, flops.training * seen if flops else None, threads
