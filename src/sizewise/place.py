"""Where the config files lie, and how training is typed: in a checkout, and as a package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CONF = (PACKAGE / "conf").resolve()  # in a checkout it is a link to what stands at its top
TRAIN = ("sizewise", "train") if CONF.parent == PACKAGE else ("python", "train.py")
