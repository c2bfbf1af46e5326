"""How many threads a run takes, and how long they spin as they wait. Without PyTorch.

Where the numbers come from is in benchmarks/RESULTS.md, under Threads.
"""

import os

SPINS = 3_000
# Of a training step. With less to do, a second thread gains little, and costs others much.
FLOPS_FOR_TWO_THREADS = 1e8
FLOPS_FOR_A_THREAD = 2e8  # of each, where there are more


def spin_briefly() -> None:
    """Have OpenMP's threads give their cores away soon as they wait; before PyTorch is imported.

    By default they spin for milliseconds, and so two trainings on the same cores wait for threads
    that the other's keep from running. What the user has set in `GOMP_SPINCOUNT` or
    `OMP_WAIT_POLICY` stands.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))


def available_cores() -> int:
    """Return how many cores this process may use, by its affinity and its cgroup's quota."""
    from joblib import cpu_count

    return int(cpu_count())


def share_of_cores(jobs: int = 1) -> int:
    """Return the cores for each of `jobs` runs at once, at most what `OMP_NUM_THREADS` allows."""
    share = max(1, available_cores() // jobs)
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(share, int(limit)) if limit.isdecimal() and int(limit) else share


def threads_for(step_flops: float | None, share: int) -> int:
    """Return the threads that a training is given where none are asked for.

    A small network's threads wait for each other longer than they compute.

    Args:
        step_flops: of a training step, all its samples together; None where they aren't known.
        share: the cores for this run, which it takes whole if nothing is known.
    """
    if step_flops is None:
        return share
    wanted = int(step_flops / FLOPS_FOR_A_THREAD)
    least = 2 if step_flops >= FLOPS_FOR_TWO_THREADS else 1
    return min(share, max(least, wanted))
