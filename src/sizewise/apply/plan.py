"""`sizewise plan`: what a command of train.py would run, before paying."""

from argparse import Namespace

from sizewise.apply.runs import conf_folder
from sizewise.config.compose import composed_sweep
from sizewise.sweep.estimate import show_plan


def run(arguments: Namespace) -> None:
    """Print what a command would run, what of it is done, and about how long the rest takes."""
    with composed_sweep(arguments.overrides, conf_folder()) as composed:
        show_plan(composed)
