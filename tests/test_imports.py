"""Who may import whom: the table of the design, held over the source itself."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "sizewise"

# A module of sizewise, or a folder with all it holds: the others it may import. An entry with a
# dot is one module, one without is a module or a whole folder. Nobody needs leave for
# errors, files and uri.
MAY_IMPORT: dict[str, set[str]] = {
    "threads": set(),
    "__init__": {"threads"},
    "uri": set(),
    "errors": set(),
    "config": set(),
    "entry": {"config"},
    "records": set(),
    "run.folder": set(),  # one module: `run` itself imports nothing
    "tasks": {"records"},
    "data": {"config"},
    "models": {"data.spec"},
    "sizing": {"models", "data.spec"},
    "cost": {"models", "data.spec"},
    "flops": {"models", "data.spec"},
    "training": {"config", "tasks", "data", "models"},
    "tracking": {"config", "records", "run.folder"},
    "files": set(),
    "interrupts": set(),
    "screen": {"records"},
    "run": {
        *("config", "records", "tasks", "data", "models", "sizing", "cost", "flops", "training"),
        *("tracking", "screen", "interrupts", "threads"),
    },
    "report": {"records"},
    # A run's key is known only from its data and its network: hence more than the design's table.
    "sweep": {
        *("config", "records", "tracking", "data", "models", "cost", "flops", "training"),
        *("run", "report", "entry", "interrupts", "threads"),
    },
    "predict": {"config", "data", "models", "training.checkpoint", "tracking"},
    "serve": {"config", "records", "data", "cost", "tracking", "predict"},
    "apply": {
        *("config", "records", "tasks", "data", "models", "training", "tracking", "screen", "run"),
        *("sweep", "report", "predict", "serve"),
    },
    "cli": {"apply", "entry"},
    "__main__": {"cli"},
    # What Hydra takes from us; it stands beside the package.
    "hydra_plugins": {"config", "entry", "run", "sweep"},
}

# Modules that may import nothing beyond the standard library but these.
ONLY: dict[str, set[str]] = {
    "uri": set(),
    "errors": set(),
    "files": set(),
    "interrupts": set(),
    "sweep.pool": {"cloudpickle"},
    "config.schema": {"pydantic"},
    "config.parse": {"omegaconf", "pydantic", "pydantic_core"},
    "config.keys": set(),
    "threads": {"joblib"},
    "records": {"pydantic"},
    "screen": {"rich"},
}

# Packages that only these may import. train.py stands outside the package.
CONFINED: dict[str, set[str]] = {
    "mlflow": {"tracking"},
    "hydra": {"config", "entry", "hydra_plugins", "train"},
    "skops": {"models"},
    "skimage": {"models"},
}

# Packages that these may not import, though their other dependencies are their own affair.
NEVER: dict[str, set[str]] = {"report": {"torch", "torchvision", "sklearn", "mlflow", "hydra"}}

# Whose private modules nobody imports.
PRIVATE = ("hydra._internal",)

FILES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): path
    for path in sorted(PACKAGE.rglob("*.py"))
} | {f"hydra_plugins.{path.stem}": path for path in (ROOT / "src/hydra_plugins").rglob("*.py")}


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
    assert {own(module) for module in FILES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_only_what_the_table_allows(module: str) -> None:
    allowed = {own(module), "errors", "files", "uri", *MAY_IMPORT[own(module)]}
    inside = {
        name.removeprefix("sizewise.")
        for name in imported_names(FILES[module])
        if within(name, "sizewise")
    }
    refused = {name for name in inside if not any(within(name, each) for each in allowed)}
    assert refused <= {"__version__"}


@pytest.mark.parametrize("module", sorted(set(ONLY) & set(FILES)))
def test_a_light_module_stays_light(module: str) -> None:
    assert outside_packages(FILES[module]) - set(sys.stdlib_module_names) <= ONLY[module]


@pytest.mark.parametrize("package", CONFINED)
def test_a_package_stays_where_it_belongs(package: str) -> None:
    importers = {
        own(name)
        for name, path in {**FILES, "train": ROOT / "train.py"}.items()
        if package in outside_packages(path)
    }
    assert importers <= CONFINED[package]
    assert importers, f"nothing imports {package}: is the test still looking?"


@pytest.mark.parametrize("module", FILES)
def test_a_module_does_without_what_it_must_not_know(module: str) -> None:
    assert not outside_packages(FILES[module]) & NEVER.get(own(module), set())


@pytest.mark.parametrize("module", [*FILES, "train"])
def test_no_module_needs_what_is_private_to_another_library(module: str) -> None:
    names = imported_names(FILES.get(module, ROOT / "train.py"))
    assert not {name for name in names if name.startswith(PRIVATE)}


def test_imports_go_down_the_table_only() -> None:
    order = list(MAY_IMPORT)
    for module, others in MAY_IMPORT.items():
        for other in others:
            assert order.index(own(other)) < order.index(module), f"{module} imports {other}"
