"""`sizewise plan`: what a command of train.py would run, before paying."""

from argparse import Namespace

from sizewise.config.as_train import composed_as_typed
from sizewise.place import CONF
from sizewise.sweep.estimate import show_plan


def run(arguments: Namespace) -> None:
    """Print what a command would run, what of it is done, and about how long the rest takes."""
    with composed_as_typed(
        arguments.overrides,
        CONF,
        multirun=arguments.multirun,
        config_dir=arguments.config_dir,
        config_name=arguments.config_name,
    ) as composed:
        show_plan(composed)
