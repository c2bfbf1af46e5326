"""How many threads a run takes, and how long they spin as they wait. Without PyTorch.

Where the numbers come from is in benchmarks/RESULTS.md, under Threads.
"""

import os
import platform
from pathlib import Path
from typing import Any

from sizewise.files import cache_folder

SPINS = 3_000
# Of a training step. With less to do, a second thread gains little, and costs others much.
FLOPS_FOR_TWO_THREADS = 1e8
FLOPS_FOR_A_THREAD = 2e8  # of each, where there are more

_spins_are_ours = False
_at_work: Any = None  # the lock by which others see this process


def spin_briefly() -> None:
    """Have OpenMP's threads give their cores away soon as they wait; before PyTorch is imported.

    By default they spin for milliseconds, and so two trainings on the same cores wait for threads
    that the other's keep from running. What the user has set in `GOMP_SPINCOUNT` or
    `OMP_WAIT_POLICY` stands.
    """
    global _spins_are_ours
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = str(SPINS)
        _spins_are_ours = True


def take_share() -> int:
    """Return the cores for one run, if each that is at work on them has as many.

    To be called before PyTorch is imported: the threads of a run that is alone spin as OpenMP has
    it, with which it is faster. From now on others count this process (`others_at_work`).
    """
    global _spins_are_ours
    others = others_at_work()
    if not others and _spins_are_ours:
        del os.environ["GOMP_SPINCOUNT"]
        _spins_are_ours = False
    return share_of_cores(1 + others)


def others_at_work() -> int:
    """Return how many processes train or sweep on these cores, and be one of them until the end.

    Each holds a lock in the user's cache folder; where there can be none, nobody is known of.
    """
    from filelock import FileLock, Timeout

    global _at_work
    # What is held to other cores, as by taskset, is in nobody's way.
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    folder = cache_folder() / "at_work" / platform.node() / f"{sum(1 << core for core in cores):x}"
    own = folder / f"{os.getpid()}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _at_work = FileLock(own)
        _at_work.acquire(blocking=False)
        return sum(_is_held(each) for each in folder.glob("*.lock") if each != own)
    except (OSError, Timeout):
        return 0


def _is_held(path: Path) -> bool:
    """Return whether a lock is held; one whose process has ended is removed."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        with lock.acquire(blocking=False):
            path.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


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
