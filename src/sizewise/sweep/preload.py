"""What a run needs, imported once by the process that a sweep's workers are forked from."""

import os
import sys
from importlib import import_module

from sizewise import garbage

MODULES = (
    "torch",
    "sizewise.tracking.tracker",  # imports MLflow
    "sizewise.sweep.job",
    "hydra_plugins.sizewise.launcher",
    "mlflow.store.tracking.sqlalchemy_store",  # MLflow imports it when a store is opened
)


def preload() -> None:
    """Import `MODULES`, and what PyTorch imports late."""
    garbage.wait()
    parent = os.getppid()
    for module in MODULES:
        import_module(module)
        if os.getppid() != parent:  # a mistake was typed: who reads its screen waits for this too
            sys.exit()
    torch = import_module("torch")
    torch.optim.SGD([torch.zeros(1)])  # the first optimiser imports its compiler: a second
    garbage.go_on()  # but for all this: the workers' collectors would copy its pages


preload()
