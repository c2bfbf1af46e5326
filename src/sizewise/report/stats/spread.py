"""How much a test error differs between seeds, less what the finite test set adds.

All seeds are scored on one test set, and a part of the variance between them comes of its samples:
one seed errs on some, another on others (`SizeErrors.sampled`). What is left has the interval of
its generalised pivot (Weerahandi, "Generalized confidence intervals", JASA 88, 1993): the variance
seen, times its n - 1 degrees, over draws of a chi-square with as many, less that part, which
thousands of samples tell well.

Each size stands by its own seeds. Variances that sizes share in part (`noise`) would presume how
the spread changes with size, which is what is asked.
"""

from typing import NamedTuple

import numpy as np

from sizewise.report.stats.errors import TAILS, Interval, SizeErrors
from sizewise.report.stats.noise import Array

DRAWS = 4000


class Spread(NamedTuple):
    """Standard deviations between seeds by size, (K,), and draws of what they may be, (DRAWS, K).

    They are 0 where the test set explains all that is seen.
    """

    deviations: Array
    drawn: Array


def spread(errors: SizeErrors, generator: np.random.Generator) -> Spread:
    """Return how much seeds differ at each size; NaN where a size has one."""
    degrees = errors.counts - 1
    variances = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in errors.errors])
    chi_square = generator.chisquare(np.maximum(degrees, 1), (DRAWS, len(degrees)))
    both = variances, variances * degrees / chi_square
    return Spread(*(np.sqrt(np.maximum(each - errors.sampled, 0)) for each in both))


def middle(drawn: Array) -> Interval | None:
    """Return the 90 % interval of what was drawn, (DRAWS,); None where that is NaN."""
    low, high = np.quantile(drawn, TAILS)
    return None if np.isnan(low) else Interval(float(low), float(high))
