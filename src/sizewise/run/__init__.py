"""One run, end to end: data, network, training, test, costs, records."""

from sizewise.run.estimate import Estimate, estimate
from sizewise.run.identity import Identity, check_names, identify
from sizewise.run.one import RUN_FOLDER, run

__all__ = ["RUN_FOLDER", "Estimate", "Identity", "check_names", "estimate", "identify", "run"]
