"""One run, end to end: data, network, training, test, costs, records."""

from sizewise.run.identity import Identity, check_names, identify
from sizewise.run.network import build_on_threads
from sizewise.run.one import RUN_FOLDER, run

__all__ = ["RUN_FOLDER", "Identity", "build_on_threads", "check_names", "identify", "run"]
