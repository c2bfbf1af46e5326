"""Who may import whom: the table of docs/extending.md, held over the source itself."""

import ast
import functools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "sizewise"

EVERYWHERE = {"errors", "files", "garbage", "place", "uri"}


def read_table() -> dict[str, tuple[set[str], set[str]]]:
    """Return docs/extending.md's table: of each room, what it may import, and what it alone does.

    A room with a dot is one module, one without is a module or a whole folder.
    """
    text = (ROOT / "docs/extending.md").read_text().partition("## Rooms")[2]
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    table: dict[str, tuple[set[str], set[str]]] = {}
    for rooms, _, allowed, alone in ([re.findall("`(.*?)`", cell) for cell in row] for row in rows):
        table |= {room: (set(allowed), set(alone)) for room in rooms}
    return table


TABLE = read_table()
MAY_IMPORT = {room: allowed for room, (allowed, _) in TABLE.items()}
ALONE = {package: room for room, (_, alone) in TABLE.items() for package in sorted(alone)}

# Modules that may import nothing beyond the standard library but these.
ONLY: dict[str, set[str]] = {
    "uri": set(),
    "errors": set(),
    "files": set(),
    "place": set(),
    "interrupts": set(),
    "garbage": set(),
    "sweep.pool": {"cloudpickle"},
    "config.schema": {"pydantic"},
    "config.data": {"pydantic"},
    "config.section": {"pydantic"},
    "config.parse": {"omegaconf", "pydantic", "pydantic_core"},
    "config.keys": set(),
    "threads": {"filelock", "joblib"},
    "records": {"pydantic"},
    "screen": {"rich"},
}
WITH_HYDRA = {"config", "entry", "hydra_plugins", "train"}

# Packages that these may not import, though their other dependencies are their own affair.
NEVER: dict[str, set[str]] = {"report": {"torch", "torchvision", "sklearn", "mlflow", "hydra"}}

# Whose private modules nobody imports.
PRIVATE = ("hydra._internal",)

FILES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): path
    for path in sorted(PACKAGE.rglob("*.py"))
} | {f"hydra_plugins.{path.stem}": path for path in (ROOT / "src/hydra_plugins").rglob("*.py")}


@functools.cache
def imported_names(path: Path) -> set[str]:
    """Return the full dotted names of all that a file imports, within functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def own(module: str) -> str:
    """Return the entry of the tables that `module` belongs to: its own, or its folder's."""
    return module if module in MAY_IMPORT else module.partition(".")[0]


def outside_packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported_names(path)} - {"sizewise"}


def test_the_table_names_every_module() -> None:
    assert {own(module) for module in FILES} == set(MAY_IMPORT)


def refused_imports(module: str) -> set[str]:
    """Return what a module imports of sizewise that its row of the table does not allow."""
    allowed = {own(module), "__version__", *EVERYWHERE, *MAY_IMPORT[own(module)]}
    inside = {
        name.removeprefix("sizewise.")
        for name in imported_names(FILES[module])
        if within(name, "sizewise")
    }
    return {name for name in inside if not any(within(name, each) for each in allowed)}


def test_modules_import_only_what_the_table_allows() -> None:
    assert not {module: found for module in FILES if (found := refused_imports(module))}


@pytest.mark.parametrize("module", sorted(set(ONLY) & set(FILES)))
def test_a_light_module_stays_light(module: str) -> None:
    assert outside_packages(FILES[module]) - set(sys.stdlib_module_names) <= ONLY[module]


@pytest.mark.parametrize("package", [*ALONE, "hydra"])
def test_a_package_stays_where_it_belongs(package: str) -> None:
    importers = {own(name) for name, path in FILES.items() if package in outside_packages(path)}
    assert importers, f"nothing imports {package}: is the test still looking?"
    assert importers <= (WITH_HYDRA if package == "hydra" else {ALONE[package]})


def test_modules_do_without_what_they_must_not_know() -> None:
    for module, path in FILES.items():
        assert not outside_packages(path) & NEVER.get(own(module), set()), module


def test_no_module_needs_what_is_private_to_another_library() -> None:
    names = {module: imported_names(path) for module, path in FILES.items()}
    assert not {module for module, found in names.items() for n in found if n.startswith(PRIVATE)}


def test_imports_go_down_the_table_only() -> None:
    order = list(MAY_IMPORT)
    for module, others in MAY_IMPORT.items():
        for other in others:
            assert order.index(own(other)) < order.index(module), f"{module} imports {other}"
