"""What a run needs, imported once by the process that a sweep's workers are forked from."""

import gc
from importlib import import_module

for module in (
    "sizewise.sweep.job",
    "sizewise.tracking.tracker",
    "hydra_plugins.sizewise.launcher",
):
    import_module(module)
gc.freeze()  # the workers' collectors would copy the pages of all that is imported
