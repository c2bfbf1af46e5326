"""What a command will cost, before paying: sizes, FLOPs, and minutes from a short trial."""

from collections.abc import Hashable, Iterable

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from sizewise.config import parse_shared
from sizewise.config.compose import Grid, is_grid, is_sweep, without_hydra
from sizewise.records import readable_count
from sizewise.run.estimate import estimate
from sizewise.sweep.job import jobs_at_once
from sizewise.sweep.plan import PlannedRun, plan_sweep
from sizewise.threads import share_of_cores
from sizewise.tracking.artifacts import finished_records
from sizewise.tracking.queries import search
from sizewise.tracking.store import open_store

FINISHED = "attributes.status = 'FINISHED'"


def show_plan(composed: DictConfig) -> None:
    """Print what a sweep, or the one run, is going to train.

    Args:
        composed: as `composed_as_typed` yields it.

    Raises:
        UserError: a run can't be made.
    """
    sweep = is_sweep(composed)
    planned = plan_sweep(Grid(composed)) if is_grid(composed) or not sweep else None
    if planned is None:
        print(
            "only fixed grids can be planned: here an optimiser chooses the runs, or a value is "
            "made of the job itself"
        )
        return
    shared, jobs = parse_shared(without_hydra(composed)), jobs_at_once(composed) if sweep else 1
    store = open_store(shared.tracking)
    takes_up = not shared.rerun if sweep else composed.resume
    done = finished_records(store, planned if takes_up else []).by_key
    trained = {run.tags.get("training_key") for run in search(store, FINISHED)} if takes_up else ()
    rows, seconds_left, longest, unknown, again = [], 0.0, 0.0, 0, 0
    for runs in _alike(planned.values()):
        first = runs[0]
        missing = [run.identity for run in runs if run.identity.key not in done]
        left, scored = len(missing), sum(each.training_key in trained for each in missing)
        cost = estimate(
            first.config,
            first.spec,
            first.identity.architecture,
            first.num_samples,
            share_of_cores(jobs),
        )
        seconds_left += (cost.seconds or 0) * (left - scored)
        longest = max(longest, (cost.seconds or 0) * (left > scored))
        unknown += left - scored if cost.seconds is None else 0
        again += scored
        rows.append(
            {
                "family": first.config.model.name,
                "data": first.spec.name,
                "samples": f"{first.num_samples:,}",
                "asked": readable_count(first.config.size) if first.config.size else "–",
                "parameters": f"{first.identity.parameters:,}"
                if first.identity.parameters
                else "–",
                "threads": str(cost.threads),
                "runs": str(len(runs)),
                "done": str(len(runs) - left),
                "FLOPs": f"{cost.flops * len(runs):.1e}" if cost.flops else "–",
                "seconds": "–" if cost.seconds is None else f"{cost.seconds:.0f}",
            }
        )
    _print(rows)
    to_run = sum(key not in done for key in planned)
    minutes = max(seconds_left / jobs, longest) / 60
    print(
        f"{len(planned)} run{'s' * (len(planned) != 1)}, {len(planned) - to_run} done, {to_run} to "
        f"run: about {minutes:.1f} minutes, {jobs} at once"
        + (f"; {again} only scored again, which takes seconds" if again else "")
        + (f", without the {unknown} of classical families, which can't be told" if unknown else "")
    )


def _alike(planned: Iterable[PlannedRun]) -> list[list[PlannedRun]]:
    """Group runs that cost the same: all that a step or their number depends on is equal."""
    groups: dict[Hashable, list[PlannedRun]] = {}
    for run in planned:
        config, training = run.config, run.config.training
        what = run.identity.architecture, run.spec, run.num_samples, config.size
        steps = training.batch_size, training.epochs, training.max_steps
        step = training.optimizer, training.augment, training.clip_grad_norm is None
        how = config.precision, config.device, config.threads, config.explain
        groups.setdefault((what, steps, step, how), []).append(run)
    return list(groups.values())


def _print(rows: list[dict[str, str]]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, collapse_padding=True)
    for heading in rows[0]:
        table.add_column(heading, justify="left" if heading in ("family", "data") else "right")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)
