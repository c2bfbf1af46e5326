"""What is in data of the user's own, and what training would do with them: a function per kind."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sizewise.config import FolderConfig, OwnConfig
from sizewise.data.arrays import Arrays
from sizewise.data.lengths import lengths_of
from sizewise.data.near import nearly_alike
from sizewise.data.own import arrays, folder
from sizewise.data.own.labelled import SPLITS, TEST, Labelled, listed
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError

MOST_CLASSES = 20  # shown by name
UNEQUAL = 10  # times as many samples in the largest class as in the smallest
FEW = 10  # samples in a class
EITHER = "expected a folder of images, or an .npz of arrays"


@dataclass(frozen=True)
class Checked:
    """What was found.

    Args:
        facts: what there is and what training does with it, by name.
        doubts: what may be wrong with it, a line each.
    """

    facts: dict[str, str]
    doubts: list[str] = field(default_factory=list)


def kind_of(path: Path) -> str:
    """Return the `data=` that reads a path.

    Raises:
        UserError: there is nothing, or something that none reads.
    """
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise UserError(f"there is no {path}: {EITHER}")
    if path.suffix.lower() != ".npz":
        raise UserError(f"{path} is not of a kind that is read: {EITHER}")
    return "arrays"


def check(config: OwnConfig, seed: int) -> Checked:
    """Read data as training with this seed does, and return what is worth knowing of them.

    Raises:
        UserError: as training does.
    """
    return CHECKS[config.name](config, seed)


def check_folder(config: OwnConfig, seed: int) -> Checked:
    """Check images in folders of classes."""
    assert isinstance(config, FolderConfig)
    found = folder.look(config)
    labelled = found.labelled()
    rest = _divided(labelled.arrays(config), config, seed, "images")
    names = [found.scanned.files[row].name for row in found.good]
    sizes = Counter(map(tuple, found.cached.sizes[found.good].tolist()))
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    least, most = (f"{width}x{height}" for width, height in (ordered[0], ordered[-1]))
    facts = {
        "images": f"{len(found.good):,}",
        "sizes": least if len(sizes) == 1 else f"{len(sizes):,}, from {least} to {most}",
        "form": found.form(),
        "done to them": found.steps(),
    }
    doubts = [*found.scanned.notes, found.unreadable()]
    doubts += [*_twice(labelled, "images"), *_nearly_twice(labelled, config, names)]
    return Checked(facts | rest.facts, [*filter(None, doubts), *rest.doubts])


def check_arrays(config: OwnConfig, seed: int) -> Checked:
    """Check a NumPy file."""
    labelled = arrays.look(config)
    rest = _divided(labelled.arrays(config), config, seed, "samples")
    return Checked(rest.facts, [*_twice(labelled, "samples"), *rest.doubts])


CHECKS: dict[str, Callable[[OwnConfig, int], Checked]] = {
    "folder": check_folder,
    "arrays": check_arrays,
}


def _divided(found: Arrays, config: OwnConfig, seed: int, unit: str) -> Checked:
    """Return what is to be said of classes and splits."""
    targets = np.concatenate([found.train_targets, found.test_targets])
    counts = np.bincount(targets, minlength=len(found.class_names))
    names = np.array(found.class_names)
    by_size = np.argsort(-counts, kind="stable")
    shown = ", ".join(f"{names[each]} {counts[each]:,}" for each in by_size[:MOST_CLASSES])
    more = f" and {len(names) - MOST_CLASSES:,} more" if len(names) > MOST_CLASSES else ""
    divided = found.divide(config, seed)
    parts = {"training": divided.train, "validation": divided.validation, "test": divided.test}
    facts = {
        "a sample": _sample(found, divided.spec),
        "classes": f"{len(names):,}: {shown}{more}",
        "splits": ", ".join(f"{len(each):,} for {name}" for name, each in parts.items()),
    }
    doubts = [f"{listed(each)}: classes of nearly the same name" for each in _alike(names)]
    most, least = by_size[0], by_size[-1]
    if counts[most] >= UNEQUAL * counts[least]:
        doubts.append(
            f"{names[most]} has {counts[most] / counts[least]:.0f} times the {unit} of "
            f"{names[least]}: always to answer {names[most]} is right in "
            f"{counts[most] / counts.sum():.0%}; with training.class_weights=balanced classes "
            "count alike"
        )
    if len(tiny := names[counts < FEW]):
        doubts.append(f"{listed(tiny)}: fewer than {FEW} {unit} each")
    return Checked(facts, doubts)


def _sample(found: Arrays, spec: DataSpec) -> str:
    """Return a sample's shape in words."""
    if not spec.unequal:
        return "x".join(map(str, spec.input_shape))
    lengths = np.concatenate([lengths_of(each) for each in (found.train_inputs, found.test_inputs)])
    return f"{spec.input_shape[0]}x{lengths.min():,} to {lengths.max():,}"


def _alike(names: Iterable[str]) -> list[list[str]]:
    """Return the classes whose names differ in no letter or digit, case aside."""
    groups = defaultdict(list)
    for name in names:
        groups[re.sub(r"[\W_]", "", name.casefold()) or name].append(str(name))
    return [each for each in groups.values() if len(each) > 1]


def _twice(found: Labelled, unit: str) -> list[str]:
    """Return what is to be said of samples that are there more than once."""
    keys, labels, given = found.keys, found.labels, found.given
    places = defaultdict(list)
    for row, key in enumerate(keys):
        places[key].append(row)
    again = [rows for rows in places.values() if len(rows) > 1]
    doubts = []
    if again:
        count = sum(map(len, again)) - len(again)
        side = "; of each, all are on the same side of the test split" if given is None else ""
        doubts.append(f"exact copies of other {unit}: {count:,}{side}")
    if torn := [rows for rows in again if len(set(labels[rows])) > 1]:
        classes = listed(sorted(set(labels[torn[0]])))
        doubts.append(f"{unit} that are in several classes: {len(torn):,}, the first in {classes}")
    for place in range(1, len(SPLITS)) if given is not None else ():
        assert given is not None
        leaked = sum(int((given[rows] == place).sum()) for rows in again if 0 in given[rows])
        if leaked:
            drop = "; data.drop_leaks=true leaves them out there" if place == TEST else ""
            doubts.append(f"{unit} of {SPLITS[place]} that are in train too: {leaked:,}{drop}")
    return doubts


def _nearly_twice(found: Labelled, config: OwnConfig, names: Sequence[str]) -> list[str]:
    """Return what is to be said of test images that nearly are among those learnt from."""
    places = found.places(config)
    exact = {key for key, place in zip(found.keys, places, strict=True) if place != TEST}
    new = np.array([key not in exact for key in found.keys], bool)
    tested, learnt = np.flatnonzero((places == TEST) & new), np.flatnonzero(places != TEST)
    try:
        near = nearly_alike(found.inputs, tested, learnt)
    except UserError as error:
        return [str(error)]
    if not len(near.tested):
        return []
    pairs = zip(near.tested, near.learnt, strict=True)
    shown = [f"{names[one]} and {names[other]}" for one, other in pairs]
    compared = f"{near.compared[0]:,} of {len(tested):,} with {near.compared[1]:,}"
    return [
        f"test images that are nearly the same as one learnt from: {len(shown):,} "
        f"({listed(shown)}); compared: {compared} of {len(learnt):,}"
    ]
