"""Which runs are compared: one setting for each family and size, chosen without the test set."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sizewise.errors import UserError
from sizewise.place import TRAIN
from sizewise.records import RunRecord
from sizewise.report.cells import Cell, Setting, known_error
from sizewise.report.conditions import AMOUNT, CONDITIONS, LENGTH, SHUFFLED, by_condition
from sizewise.sample_errors import unpack

TEST_SAMPLES = "data.test_samples"  # of sets that are generated

# These vary between the runs of one cell, or can't change what a run learns.
NOT_SETTINGS = ("seed", "size", "model.width", "model.family", "model._target_", "device")
NOT_SETTINGS_PREFIXES = ("threads", "tracking.", "data.", "explain")


@dataclass(frozen=True)
class Choice:
    """How a cell's setting was chosen.

    Args:
        cell: the winner.
        tried: how many settings.
        edges: keys whose chosen value is the least or greatest of the numbers tried.
    """

    cell: Cell
    tried: int
    edges: dict[str, list[float]]


@dataclass(frozen=True)
class Selection:
    """The cells that a report compares.

    Args:
        data: the data set's name.
        cells: of networks, by family, then by size.
        references: one cell for each classical family, by name.
        choices: of cells where more than one setting was tried.
        swept: for each family, the values tried of each key.
        notes: what was left out, in words.
    """

    data: str
    cells: list[Cell]
    references: list[Cell]
    choices: list[Choice]
    swept: dict[str, dict[str, list[Any]]]
    notes: list[str]

    @cached_property
    def families(self) -> dict[str, list[Cell]]:
        """Return each family's cells by size, families in alphabetical order."""
        groups: dict[str, list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault(cell.family, []).append(cell)
        return groups

    @property
    def compared(self) -> list[Cell]:
        """Return all cells, the references last."""
        return [*self.cells, *self.references]


def usable_runs(records: Sequence[RunRecord]) -> tuple[list[RunRecord], list[str]]:
    """Return the runs that hold all a report reads, and a note about the rest.

    Raises:
        UserError: there are fewer than two, or they learnt from different data or are measured
            differently.
    """
    example = f"`{' '.join(TRAIN)} -m model=lstm size=1k,4k,16k seed=0,1,2`"
    if not records:
        raise UserError(
            f"there are no runs to report: expected at least 2; make some with {example}"
        )
    most = on_most_test_samples(records)
    usable = [
        record
        for record in most
        if all(math.isfinite(known_error(record, split)) for split in ("test", "val"))
    ]
    if not usable:
        raise UserError(
            f"none of the {len(records)} runs has both a test and a validation error: expected "
            "runs that finished and held samples out (data.validation_fraction above 0)"
        )
    if len(usable) == 1:
        raise UserError(
            f"there is one finished run, {usable[0].name}, and a report compares at least 2: add "
            f"seeds or sizes, as in {example}"
        )
    _check_alike(usable)
    notes = []
    for before, after, why in (
        (records, most, "scored on fewer test samples"),
        (most, usable, "no finite test and validation error"),
    ):
        if left_out := len(before) - len(after):
            notes.append(f"{left_out} run{'s' * (left_out != 1)} left out: {why}.")
    return usable, notes


def on_most_test_samples(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return those of runs on a generated set that are scored on the most test samples."""
    counts = [_test_samples(record) for record in records]
    return [r for r, count in zip(records, counts, strict=True) if count == max(counts)]


def _test_samples(record: RunRecord) -> int:
    """Return on how many samples of a generated set a run is scored; 0 for another set's."""
    if TEST_SAMPLES not in record.config or record.sample_errors is None:
        return 0
    return record.config[TEST_SAMPLES] or len(unpack(record.sample_errors))


def varying(records: Sequence[RunRecord]) -> list[str]:
    """Return the config keys in which runs differ, but for data, threads and tracking."""
    return [
        key
        for key in sorted({key for record in records for key in record.config})
        if not key.startswith(NOT_SETTINGS_PREFIXES)
        and len({repr(record.config.get(key)) for record in records}) > 1
    ]


def select(records: Sequence[RunRecord]) -> Selection:
    """Group usable runs into cells and let validation choose each cell's setting.

    A cell is a family at a size: runs of the same asked size (what is achieved for it may differ by
    a little with the depth), or of the same parameters where a width was given. Where other keys
    were swept, the setting with the lowest validation error, averaged over its seeds, takes the
    cell; ties go to the lower validation loss, then to the setting met first. A setting that lacks
    seeds which others have (its runs failed, say) can't win. Test scores are not read.

    A classical family is one cell, a reference: its width is a setting like any other.

    Args:
        records: as `usable_runs` returns them.
    """
    by_family: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        by_family[record.family].append(record)
    cells, choices, swept, repeated = [], [], {}, 0
    for family, members in sorted(by_family.items()):
        # a reference has no size: its width is a setting like any other
        no_settings = set(NOT_SETTINGS) - ({"model.width"} if members[0].is_classical else set())
        keys = [key for key in varying(members) if key not in no_settings]
        swept[family] = {
            key: _distinct(record.config.get(key) for record in members) for key in keys
        }
        for group in [members] if members[0].is_classical else _by_size(members):
            settings: dict[str, dict[int, RunRecord]] = {}
            for record in group:  # a later run of the same config and seed replaces the earlier
                setting = repr([record.config.get(key) for key in keys])
                seeds = settings.setdefault(setting, {})
                repeated += record.seed in seeds
                seeds[record.seed] = record
            choice = _choose([_cell(keys, seeds) for seeds in settings.values()])
            cells.append(choice.cell)
            if choice.tried > 1:
                choices.append(choice)
    notes = []
    if repeated:
        notes.append(
            f"{repeated} run{'s' * (repeated != 1)} left out: the same config and seed was run "
            "again later, and the later one counts."
        )
    versions = _distinct(record.git_commit for cell in cells for record in cell.records)
    if len(versions) > 1:
        notes.append(f"The runs come from {len(versions)} versions of the code.")
    cells.sort(key=lambda cell: (cell.family, cell.parameters))
    networks = [cell for cell in cells if not cell.is_reference]
    references = [cell for cell in cells if cell.is_reference]
    return Selection(records[0].data, networks, references, choices, swept, notes)


def _check_alike(records: Sequence[RunRecord]) -> None:
    """Check that all are measured alike and learnt from the same data, more of it or less."""
    for what, names in (
        ("measures", Counter(record.measure.name for record in records)),
        ("data sets", Counter(map(_data_set, records))),
        ("test sets", _test_sets(records)),
    ):
        if len(names) > 1:
            counts = ", ".join(f"{name} ({count} runs)" for name, count in sorted(names.items()))
            raise UserError(
                f"the runs are on different {what}, {counts}, and errors on one say nothing of "
                "another: expected one; sweep and report each by itself, with data=NAME"
            )
    variants: set[str] = set()
    prints: dict[tuple[str, int], set[str]] = defaultdict(set)
    for record in records:
        details = {  # a key that is off is as one that older runs lack
            key: value
            for key, value in record.config.items()
            if key.startswith("data.") and value is not None
        }
        for key in ("data.root", "data.path", "data.name", *CONDITIONS):
            details.pop(key, None)
        variants.add(repr(sorted(details.items())))
        # the fingerprint covers the division into training and validation, which the seed draws
        learnt_from = repr([record.config.get(key) for key in (AMOUNT, SHUFFLED, LENGTH)])
        prints[learnt_from, record.seed].add(record.fingerprint)
    if len(variants) > 1:
        raise UserError(
            f"the runs are on {len(variants)} variants of {records[0].data} (their data.* keys "
            "differ): expected one; sweep and report each by itself"
        )
    changed = [seed for (_, seed), found in prints.items() if len(found) > 1]
    if changed:
        raise UserError(
            f"the bytes of {records[0].data} changed between runs (two fingerprints for seed "
            f"{changed[0]}): expected one data set; train the older runs again"
        )


def _data_set(record: RunRecord) -> str:
    """Return the data's name; sequences of several lengths, a condition, have one name."""
    return record.data if record.config.get(LENGTH) is None else str(record.config["data.name"])


def _test_sets(records: Sequence[RunRecord]) -> Counter[str]:
    """Count the runs on each test set, of those whose steps are in the same order.

    Sequences of each length have a test set of their own: returned are those of one length.
    """
    as_published = by_condition(records)[-1][0].config.get(SHUFFLED)
    by_length: dict[int | None, Counter[str]] = defaultdict(Counter)
    for record in records:
        if record.test_fingerprint and record.config.get(SHUFFLED) == as_published:
            by_length[record.config.get(LENGTH)][record.test_fingerprint] += 1
    return max(by_length.values(), key=len, default=Counter())


def _by_size(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Divide a family's runs by size: by the size asked, else by the parameters."""
    groups: dict[tuple[str, int], list[RunRecord]] = defaultdict(list)
    for record in records:
        asked = record.size_asked
        size = record.parameters if asked is None else asked
        assert size is not None  # a network has a size
        groups["parameters" if asked is None else "asked", size].append(record)
    merged: dict[object, list[RunRecord]] = {}  # two budgets that got the same network are one size
    for key, group in groups.items():
        achieved = {record.parameters for record in group}
        merged.setdefault(achieved.pop() if len(achieved) == 1 else key, []).extend(group)
    return list(merged.values())


def _cell(keys: list[str], seeds: dict[int, RunRecord]) -> Cell:
    records = tuple(record for _, record in sorted(seeds.items()))
    first = records[0]
    sizes = [0 if record.is_classical else record.parameters or 0 for record in records]
    setting: Setting = tuple((key, first.config.get(key)) for key in keys)
    parameters = round(float(np.median(sizes)))
    return Cell(first.family, parameters, first.size_asked, setting, records)


def _choose(cells: list[Cell]) -> Choice:
    """Return the cell with the best mean validation error among those with the most seeds."""
    most = max(len(cell.records) for cell in cells)

    def rank(cell: Cell) -> tuple[bool, float, float]:
        kept = [record.history[record.best_epoch - 1] for record in cell.records]
        loss = float(np.mean([epoch.get("val/loss", math.nan) for epoch in kept]))
        error = round(cell.validation_error, 12)
        return len(cell.records) < most, error, loss if math.isfinite(loss) else math.inf

    winner = min(cells, key=rank)
    edges = {}
    for index, (key, value) in enumerate(winner.setting):
        tried = _distinct(cell.setting[index][1] for cell in cells)
        if len(tried) > 1 and all(type(each) in (int, float) for each in tried):
            tried = sorted(tried)
            if value in (tried[0], tried[-1]):
                edges[key] = tried
    return Choice(winner, len(cells), edges)


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Return the values without repeats, in the order met."""
    return list({repr(value): value for value in values}.values())
