"""Which `data=` reads a path of the user's own, by its name alone."""

from collections.abc import Iterable
from pathlib import Path

from sizewise.errors import nearest

CSV, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
ARRAYS = (".npz",)
EXPECTED = "expected a folder of images or sounds, a .csv or .parquet, or an .npz of arrays"


def kind_of(path: Path) -> str | None:
    """Return `folder`, `table` or `arrays`; None for what none of them reads, or is not there."""
    if path.is_dir():
        return "folder"
    suffix = path.suffix.lower()
    kinds = {"table": CSV + PARQUET, "arrays": ARRAYS}
    found = (kind for kind, suffixes in kinds.items() if suffix in suffixes)
    return next(found, None) if path.exists() else None


def no_such_set(name: str, sets: Iterable[str]) -> str:
    """Return the line for a name of `data=NAME` that no set has: it may be a path."""
    kind = kind_of(Path(name).expanduser())
    if kind is None:
        return (
            f"there is no data={name}: {nearest(name, sets)}; data of your own are data=folder, "
            "data=table or data=arrays, with data.path=PATH"
        )
    target = " data.target=COLUMN" if kind == "table" else ""
    return f"data={name} is no set: expected data={kind} data.path={name}{target}"
