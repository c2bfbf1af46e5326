"""The code of a network of the user's own: what has to lie beside its weights."""

import inspect
import sysconfig
import tempfile
from importlib.metadata import packages_distributions
from modulefinder import ModuleFinder
from pathlib import Path
from typing import NamedTuple

from torch import nn


class OwnCode(NamedTuple):
    """What a network's class needs beyond sizewise: files and folders, and installed packages."""

    paths: list[Path]
    packages: list[str]


def own_code(network: type[nn.Module]) -> OwnCode:
    """Return what to take along with a network so that its class can be imported elsewhere.

    For a module of the user's own that is its file, or the package it stands in, and the modules
    and packages beside it that it imports; for an installed one the name to install it by; nothing
    for sizewise's own.
    """
    module = network.__module__
    top = module.partition(".")[0]
    if top == "sizewise":
        return OwnCode([], [])
    file = Path(inspect.getfile(network)).resolve()
    above = module.count(".") + (file.name == "__init__.py")
    root = file.parents[above]
    if root in {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}:
        return OwnCode([], packages_distributions()[top])
    names = {top}
    if not above or (root / top / "__init__.py").exists():  # the finder knows no other packages
        names |= _imported(module, root)
    found = (root / name for name in sorted(names))
    return OwnCode([path if path.is_dir() else path.with_suffix(".py") for path in found], [])


def _imported(module: str, root: Path) -> set[str]:
    """Return the modules and packages in `root` that a module and those it imports import."""
    finder = ModuleFinder([str(root)], excludes=["sizewise"])
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(f"import {module}\n")
        finder.run_script(str(script))
    files = {name: getattr(found, "__file__", None) for name, found in finder.modules.items()}
    return {
        name.partition(".")[0]
        for name, file in files.items()
        if file and Path(file).is_relative_to(root)  # what is built into Python has none
    }
