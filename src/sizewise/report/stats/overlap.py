"""How much maps overlap, and whether two sizes' maps differ by more than those of two seeds do.

Shapes: n seeds, N samples, P places; shares of a map's mass add up to 1 over its places.

Seeds of one size overlap by so much; if seeds of two sizes overlap by less, the sizes differ beyond
what seeds do. The difference is half the squared maximum mean discrepancy (Gretton et al., "A
Kernel Two-Sample Test", 2012) between the sizes' maps by the histogram intersection kernel: it is
zero on average where size makes no difference, and above zero where it does.
"""

import numpy as np

from sizewise.report.stats.noise import Array


def overlaps(first: Array, second: Array) -> Array:
    """Return how much of the maps of each pair of seeds overlaps, sample by sample.

    Args:
        first: shares of each map's mass, (n, N, P).
        second: likewise, (m, N, P).

    Returns:
        (n, m, N), 1 where maps are the same.
    """
    return np.array([np.minimum(each, second).sum(axis=2) for each in first])


def apart(first: Array, second: Array) -> Array:
    """Return by how much less two sizes overlap than seeds of one: jackknifed, (n, N).

    Their mean over seeds is the estimate, and their spread says how sure it is, as that of single
    seeds would, which share pairs, does not.

    Args:
        first: shares of each map's mass, (n, N, P), by seed.
        second: of the other size, the same seeds.
    """
    own = (overlaps(first, first) + overlaps(second, second)) / 2
    across = overlaps(first, second)
    differences = own - (across + across.swapaxes(0, 1)) / 2  # n n N
    seeds = len(first)
    differences[range(seeds), range(seeds)] = 0
    whole = differences.sum(axis=(0, 1))
    without = whole - 2 * differences.sum(axis=1)  # each seed left out, n N
    pairs, fewer = seeds * (seeds - 1), (seeds - 1) * (seeds - 2)
    return np.asarray(seeds * whole / pairs - (seeds - 1) * without / fewer)
