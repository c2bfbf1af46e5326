"""What a run needs, imported once by the process that a sweep's workers are forked from."""

import gc
from importlib import import_module

from torch import Tensor
from torch.optim import SGD

for module in (
    "sizewise.sweep.job",
    "sizewise.tracking.tracker",
    "hydra_plugins.sizewise.launcher",
    "mlflow.store.tracking.sqlalchemy_store",  # MLflow imports it when a store is opened
):
    import_module(module)
SGD([Tensor([0.0])], lr=0.1)  # the first optimiser imports PyTorch's compiler: a second
gc.freeze()  # the workers' collectors would copy the pages of all that is imported
