"""The statistics of few seeds: they know arrays, and nothing of runs or families."""
