"""Which `data=` reads a path of the user's own, by its name alone."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sizewise.errors import nearest

CSV, PARQUET = (".csv", ".tsv"), (".parquet", ".pq")
ARRAYS = (".npz",)
TEXTS = (".txt", ".md", ".rst", ".tex", ".org", ".html", ".py", ".c", ".h", ".js", ".java", ".go")
LOOKED_AT = 1000  # files of a folder
EXPECTED = (
    "expected a folder of images, sounds or texts, a .csv or .parquet, an .npz of arrays, or a text"
)


def kind_of(path: Path) -> str | None:
    """Return `folder`, `table`, `arrays` or `text`; None for what is not there.

    A folder is one of texts if most of its files are called so.
    """
    if path.is_dir():
        return "text" if _holds_texts(path) else "folder"
    if not path.exists():
        return None
    kinds = dict.fromkeys(CSV + PARQUET, "table") | dict.fromkeys(ARRAYS, "arrays")
    return kinds.get(path.suffix.lower(), "text")


def _holds_texts(folder: Path) -> bool:
    names = (path.name for path in folder.rglob("[!.]*.*") if path.is_file())
    found = [Path(name).suffix.lower() in TEXTS for name in islice(names, LOOKED_AT)]
    return sum(found) > len(found) / 2


def no_such_set(name: str, sets: Iterable[str]) -> str:
    """Return the line for a name of `data=NAME` that no set has: it may be a path."""
    kind = kind_of(Path(name).expanduser())
    if kind is None:
        return (
            f"there is no data={name}: {nearest(name, sets)}; data of your own are data=folder, "
            "data=table, data=arrays or data=text, with data.path=PATH"
        )
    more = {"table": " data.target=COLUMN", "text": " training=text"}.get(kind, "")
    return f"data={name} is no set: expected data={kind} data.path={name}{more}"
