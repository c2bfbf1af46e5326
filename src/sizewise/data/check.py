"""What is in data of the user's own, and what training would do with them: a function per kind."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sizewise.config import FolderConfig, OwnConfig, OwnTextConfig, TableConfig
from sizewise.data import compressed
from sizewise.data.arrays import Arrays
from sizewise.data.giveaway import giveaways
from sizewise.data.lengths import lengths_of
from sizewise.data.near import nearly_alike
from sizewise.data.own import arrays, folder, table, text
from sizewise.data.own.labelled import SPLITS, TEST, Labelled, listed
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.records import readable_number

MOST_CLASSES = 20  # shown by name
UNEQUAL = 10  # times as many samples in the largest class as in the smallest
FEW = 10  # samples in a class
RULE = 0.9  # of a target's squared deviations, in a hundredth of the samples


@dataclass(frozen=True)
class Checked:
    """What was found.

    Args:
        facts: what there is and what training does with it, by name.
        doubts: what may be wrong with it, a line each.
    """

    facts: dict[str, str]
    doubts: list[str] = field(default_factory=list)


def check(config: OwnConfig, seed: int) -> Checked:
    """Read data as training with this seed does, and return what is worth knowing of them.

    Raises:
        UserError: as training does.
    """
    return CHECKS[config.name](config, seed)


def check_folder(config: OwnConfig, seed: int) -> Checked:
    """Check images or sounds in folders of classes."""
    assert isinstance(config, FolderConfig)
    found = folder.look(config)
    labelled, kind = found.labelled(), found.scanned.kind
    rest = _divided(labelled.arrays(config), config, seed, kind)
    read = {"form": found.form(), "done to them": found.steps()}
    facts = {kind: f"{len(found.good):,}"} | found.facts() | read
    doubts = [*found.scanned.notes, found.unreadable()]
    doubts += _twice(labelled.keys, labelled.labels, labelled.given, kind)
    if kind == "images":
        names = [found.scanned.files[row].name for row in found.good]
        doubts += _nearly_twice(labelled, config, names)
    return Checked(facts | rest.facts, [*filter(None, doubts), *rest.doubts])


def check_arrays(config: OwnConfig, seed: int) -> Checked:
    """Check a NumPy file."""
    labelled = arrays.look(config)
    found = labelled.arrays(config)
    rest = _divided(found, config, seed, "samples")
    inputs = np.concatenate([found.train_inputs, found.test_inputs])
    flat = inputs.reshape(len(inputs), -1)
    constant = int((flat == flat[:1]).all(axis=0).sum())
    doubts = [f"numbers of a sample that are the same in all: {constant:,} of {flat.shape[1]:,}"]
    doubts = [*doubts * bool(constant), *_copies(found)]
    if inputs.dtype == np.uint8 and inputs.ndim == 4 and inputs.shape[1] in (1, 3):
        doubts += _nearly_twice(labelled, config, arrays.names(labelled))
    return Checked(rest.facts, [*doubts, *rest.doubts])


def check_table(config: OwnConfig, seed: int) -> Checked:
    """Check a table."""
    assert isinstance(config, TableConfig)
    found, lines = table.look(config)
    rest = _divided(found, config, seed, "samples")
    form = found.told["table"]
    doubts = [*_few_that_rule(found, form.target), *giveaways(found, form), *_copies(found)]
    for column in form.columns:
        alike = _alike(column.categories)
        doubts += [f"{column.name}: {listed(each)}: nearly the same category" for each in alike]
    return Checked({"read": "; ".join(lines)} | rest.facts, [*doubts, *rest.doubts])


def _few_that_rule(found: Arrays, target: str) -> list[str]:
    """Return what to say of a target whose spread is that of a hundredth of the samples."""
    if found.train_targets.ndim == 1:  # classes
        return []
    numbers = np.asarray(found.train_targets[:, 0], dtype=np.float64)
    squares = np.sort((numbers - np.median(numbers)) ** 2)[::-1]
    few = 1 + int(np.searchsorted(squares.cumsum(), RULE * squares.sum(), side="right"))
    if few > max(1, len(squares) // 100):
        return []
    which = "one holds" if few == 1 else f"{few:,} hold"
    return [
        f"of {len(squares):,} numbers in {target} {which} more than {RULE:.0%} of the spread: all "
        "others look alike beside that. Are they mistakes?"
    ]


def check_text(config: OwnConfig, seed: int) -> Checked:
    """Check texts: what there is to predict, and how well compressors do."""
    assert isinstance(config, OwnTextConfig)
    found = text.look(Path(config.path))
    corpus = found.corpus(config)
    divided = corpus.divide(config, seed)
    parts = {"training": divided.train, "validation": divided.validation, "test": divided.test}
    known = compressed.rates_of(divided)
    everything = b"".join(found.texts)
    facts = {
        "bytes": f"{len(everything):,}",
        "files": f"{len(found.texts):,}",
        "different bytes": f"{len(set(everything)):,}",
        "documents": f"{len(corpus.documents):,}",
        "splits": ", ".join(
            f"{len(each) * config.window:,} bytes for {name}" for name, each in parts.items()
        ),
        "bits per byte": ", ".join(f"{name} {rate:.2f}" for name, rate in known.items()),
    }
    return Checked(facts, found.notes)


CHECKS: dict[str, Callable[[OwnConfig, int], Checked]] = {
    "folder": check_folder,
    "arrays": check_arrays,
    "table": check_table,
    "text": check_text,
}


def _divided(found: Arrays, config: OwnConfig, seed: int, unit: str) -> Checked:
    """Return what is to be said of classes, or of numbers to tell, and splits."""
    divided = found.divide(config, seed)
    parts = {"training": divided.train, "validation": divided.validation, "test": divided.test}
    facts = {
        "a sample": _sample(found, divided.spec),
        "splits": ", ".join(f"{len(each):,} for {name}" for name, each in parts.items()),
    }
    if not found.class_names:
        return Checked(facts | {"numbers": _numbers(found)})
    targets = np.concatenate([found.train_targets, found.test_targets])
    counts = np.bincount(targets, minlength=len(found.class_names))
    names = np.array(found.class_names)
    by_size = np.argsort(-counts, kind="stable")
    shown = ", ".join(f"{names[each]} {counts[each]:,}" for each in by_size[:MOST_CLASSES])
    more = f" and {len(names) - MOST_CLASSES:,} more" if len(names) > MOST_CLASSES else ""
    facts["classes"] = f"{len(names):,}: {shown}{more}"
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


def _numbers(found: Arrays) -> str:
    """Return what the numbers to tell are like, in their own unit."""
    targets = np.concatenate([found.train_targets, found.test_targets])
    targets = targets.astype(np.float64)
    numbers = targets[:, 0] * targets[:, 1] + found.told["table"].mean
    low, middle, high = map(readable_number, np.quantile(numbers, [0, 0.5, 1]))
    return f"from {low} to {high}, half of them below {middle}"


def _copies(found: Arrays) -> list[str]:
    """Return what is to be said of samples that are there more than once, by their numbers."""
    inputs = np.concatenate([found.train_inputs, found.test_inputs])
    side = np.repeat([0, SPLITS.index("test")], [len(found.train_inputs), len(found.test_inputs)])
    if found.validation is not None:
        side[np.flatnonzero(found.validation)] = SPLITS.index("val")
    targets = np.concatenate([found.train_targets, found.test_targets])
    labels = np.array(found.class_names)[targets] if found.class_names else targets[:, 0]
    keys = [np.ascontiguousarray(each).tobytes() for each in inputs]
    if not found.class_names:  # numbers to tell may well differ in rows that are else the same
        keys = [key + each.tobytes() for key, each in zip(keys, labels, strict=True)]
    return _twice(keys, labels, side, "samples")


def _alike(names: Iterable[str]) -> list[list[str]]:
    """Return the classes whose names differ in no letter or digit, case aside."""
    groups = defaultdict(list)
    for name in names:
        groups[re.sub(r"[\W_]", "", name.casefold()) or name].append(str(name))
    return [each for each in groups.values() if len(each) > 1]


def _twice(
    keys: Iterable[bytes], labels: np.ndarray, side: np.ndarray | None, unit: str
) -> list[str]:
    """Return what is to be said of samples that are there more than once.

    Args:
        keys: of each sample, its content.
        labels: of each, (N,).
        side: of each, its place in `SPLITS`, (N,), where copies may lie in several.
        unit: what samples are called.
    """
    places = defaultdict(list)
    for row, key in enumerate(keys):
        places[key].append(row)
    again = [rows for rows in places.values() if len(rows) > 1]
    doubts = []
    if again:
        count = sum(map(len, again)) - len(again)
        where = "; of each, all are on the same side of the test split" if side is None else ""
        doubts.append(f"exact copies of other {unit}: {count:,}{where}")
    if torn := [rows for rows in again if len(set(labels[rows])) > 1]:
        classes = listed(sorted(set(labels[torn[0]])))
        doubts.append(f"{unit} that are in several classes: {len(torn):,}, the first in {classes}")
    for place in range(1, len(SPLITS)) if side is not None else ():
        assert side is not None
        leaked = sum(int((side[rows] == place).sum()) for rows in again if 0 in side[rows])
        if leaked:
            doubts.append(f"{unit} of {SPLITS[place]} that are in train too: {leaked:,}")
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
