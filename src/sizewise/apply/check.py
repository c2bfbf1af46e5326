"""`sizewise check`: what is in data of one's own, and what training would do with them."""

import shlex
from argparse import Namespace
from pathlib import Path

from sizewise.config import OwnConfig
from sizewise.config.as_train import compose
from sizewise.config.compose import as_typed
from sizewise.config.own import EXPECTED, kind_of
from sizewise.data.check import check
from sizewise.errors import UserError
from sizewise.place import CONF, TRAIN
from sizewise.screen import console, facts


def run(arguments: Namespace) -> None:
    """Print what was found, what may be wrong with it, and the command that trains on it.

    Raises:
        UserError: training on it would end so too.
    """
    path, kind = as_typed(arguments.path), kind_of(Path(arguments.path).expanduser())
    if kind is None:
        raise UserError(f"{arguments.path} is not there: {EXPECTED}")
    in_steps = kind == "text" or any(each.startswith("data.id=") for each in arguments.overrides)
    model = "lstm" if in_steps else "mlp" if kind == "table" else "cnn"
    overrides = [f"model={model}", f"data={kind}", f"data.path={path}"]
    overrides += ["training=text"] * (kind == "text") + arguments.overrides
    config = compose(overrides, CONF)
    assert isinstance(config.data, OwnConfig)
    found = check(config.data, config.seed)
    screen = console()
    screen.print(arguments.path)
    screen.print(facts(found.facts), soft_wrap=True)
    for doubt in found.doubts:
        screen.print(f"! {doubt}", soft_wrap=True)
    screen.print(shlex.join([*TRAIN, *overrides]), soft_wrap=True)
