"""The code that a run uses: hashed for its key, and taken along with its network."""

import ast
import functools
import hashlib
import inspect
import shutil
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

from torch import nn

SOURCE = Path(__file__).parents[2]  # the folder that holds sizewise
# What shapes a run's result. Of what these import, the rest checks, reports, reads and writes.
ROOMS = tuple(f"sizewise.{room}." for room in ("data", "explain", "models", "tasks", "training"))


class OwnCode(NamedTuple):
    """What a network's class needs beyond sizewise: files and folders, and installed packages."""

    paths: list[Path]
    packages: list[str]

    def copy_to(self, folder: Path) -> None:
        """Copy the files and folders into `folder`, which is made if there are any."""

        def other(parent: str, names: list[str]) -> list[str]:
            return [name for name in names if name == "__pycache__" or Path(parent, name) == folder]

        for path in self.paths:
            folder.mkdir(exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, folder / path.name, ignore=other, dirs_exist_ok=True)
            else:
                shutil.copyfile(path, folder / path.name)


def own_code(network: type[nn.Module]) -> OwnCode:
    """Return what to take along with a network so that its class can be imported elsewhere.

    For a module of the user's own that is its file, or the package it stands in, and the modules
    and packages beside it that it imports; for an installed one the name to install it by; nothing
    for sizewise's own.
    """
    top = network.__module__.partition(".")[0]
    if top == "sizewise":
        return OwnCode([], [])
    root = _root(network)
    if root in {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}:
        return OwnCode([], packages_distributions()[top])
    names = {name.partition(".")[0] for name in imported([network.__module__], root)}
    found = (root / name for name in sorted(names))
    return OwnCode([path if path.is_dir() else path.with_suffix(".py") for path in found], [])


def _root(network: type[nn.Module]) -> Path:
    """Return the folder from which a class's module is imported."""
    file = Path(inspect.getfile(network)).resolve()
    return file.parents[network.__module__.count(".") + (file.name == "__init__.py")]


def source_hash(network: type[nn.Module], modules: tuple[str, ...], source: Path = SOURCE) -> str:
    """Hash the code that shapes a run's result: of its network, of `modules`, of their imports.

    Comments, docstrings and layout are left out. Registries, the `__init__` of sizewise's packages,
    name modules as texts and are not read: a family or a set that is added changes no other's hash.
    Of a network of the user's own, the modules beside it that it imports count too, and what these
    import of sizewise.

    Args:
        network: the class.
        modules: sizewise's that take part: of the data set, the task and the training loop.
        source: the folder that holds sizewise.
    """
    return _hash(network.__module__, _root(network), modules, source)


@functools.cache  # a sweep has many runs of each network
def _hash(own: str, root: Path, modules: tuple[str, ...], source: Path) -> str:
    used = imported([*modules, own], source)
    if own not in used:
        beside = imported([own], root)
        names = (name for module, path in beside.items() for name in _read(module, path)[0])
        used |= imported(names, source) | beside
    digest = hashlib.sha256()
    for name in sorted(used):
        _, code = _read(name, used[name])
        digest.update(f"{name}\n{code}\n".encode())
    return digest.hexdigest()[:16]


def imported(modules: Iterable[str], root: Path) -> dict[str, Path]:
    """Return modules and all that they import from below `root`, in functions too, by name.

    Of sizewise, what stands outside `ROOMS`, and the registries there, are not followed.
    """
    found: dict[str, Path] = {}
    queue = list(modules)
    while queue:
        name = queue.pop()
        path = root.joinpath(*name.split("."), "__init__.py")
        path = path if path.is_file() else path.parent.with_suffix(".py")
        if name in found or not path.is_file():
            continue
        if name.partition(".")[0] == "sizewise" and (
            not f"{name}.".startswith(ROOMS) or path.name == "__init__.py"
        ):
            continue
        found[name] = path
        names, _ = _read(name, path)
        queue += names
    return found


@functools.cache  # runs share most of their modules
def _read(module: str, path: Path) -> tuple[list[str], str]:
    """Return what a module imports, and its code without comments and docstrings."""
    tree = ast.parse(path.read_bytes())
    names = list(_imports(module, path, tree))
    _drop_docstrings(tree)
    return names, ast.unparse(tree)


def _imports(module: str, path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a file imports, and the packages that they stand in."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            start = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            names = [f"{start}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
