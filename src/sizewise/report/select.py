"""Which runs are compared: one setting for each family and size, chosen without the test set."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sizewise.records import RunRecord, readable_count
from sizewise.report.noise import Array
from sizewise.report.usable import check_data, usable_runs, validation

# These vary between the runs of one cell, or can't change what a run learns.
NOT_SETTINGS = ("seed", "size", "model.width", "model.family", "model._target_", "device")
NOT_SETTINGS_PREFIXES = ("threads", "tracking.", "data.")

Setting = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Cell:
    """One family at one size, under one setting: the same network from several seeds.

    Args:
        family: the architecture's name.
        parameters: trainable parameters; 0 for a reference, which has no size.
        size_asked: the budget; None if the width was given.
        setting: the swept keys' values, those of other families included.
        records: by seed, one each.
    """

    family: str
    parameters: int
    size_asked: int | None
    setting: Setting
    records: tuple[RunRecord, ...]

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds, ascending, in the order of every array here."""
        return tuple(record.seed for record in self.records)

    @cached_property
    def validation_errors(self) -> Array:
        """Return 1 - validation accuracy at the epoch whose weights were kept, (n,)."""
        return np.array([1 - validation(record, "accuracy") for record in self.records])

    @cached_property
    def test_errors(self) -> Array:
        """Return 1 - test accuracy, (n,)."""
        return np.array([1 - record.metrics["test/accuracy"] for record in self.records])

    @cached_property
    def label(self) -> str:
        """Return the cell in words: "lstm 10k", or of a reference "svm (hog)"."""
        if self.is_reference:
            return f"{self.family} ({self.records[0].features})"
        return f"{self.family} {readable_count(self.parameters)}"

    @property
    def is_reference(self) -> bool:
        """Return whether it is of a classical family: compared with, but not of any size."""
        return self.records[0].is_classical

    @property
    def width_known(self) -> bool:
        """Return whether the family is one that can be built at any width."""
        return self.records[0].width is not None

    def cost(self, metric: str) -> float:
        """Return the mean of a cost over the seeds; NaN where no run has it, or it is a size."""
        if self.is_reference and metric == "cost/parameters":
            return math.nan
        values = [record.metrics.get(metric, math.nan) for record in self.records]
        known = [value for value in values if math.isfinite(value)]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class Choice:
    """How a cell's setting was chosen.

    Args:
        cell: the winner.
        candidates: each setting tried, its seeds, and its mean validation accuracy; best first.
        edges: keys whose chosen value is the least or greatest of the numbers tried.
    """

    cell: Cell
    candidates: list[tuple[Setting, int, float]]
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


def select(records: Sequence[RunRecord]) -> Selection:
    """Leave out what can't be compared, and do as `select_usable`.

    Raises:
        UserError: there are fewer than two usable runs, or runs on different data.
    """
    usable, notes = usable_runs(records)
    check_data(usable)
    return select_usable(usable, notes)


def select_usable(records: Sequence[RunRecord], notes: Sequence[str]) -> Selection:
    """Group runs into cells and let validation choose each cell's setting.

    A cell is a family at a size: runs of the same asked size (what is achieved for it may differ by
    a little with the depth), or of the same parameters where a width was given. Where other keys
    were swept, the setting with the highest validation accuracy, averaged over its seeds, takes the
    cell; ties go to the lower validation loss, then to the setting met first. A setting that lacks
    seeds which others have (its runs failed, say) can't win. Test scores are not read.

    A classical family is one cell, a reference: its width is a setting like any other.

    Args:
        records: usable runs on the same data; see `usable`.
        notes: what was left out before.
    """
    notes = list(notes)
    by_family: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        by_family[record.family].append(record)
    cells, choices, swept, repeated = [], [], {}, 0
    for family, members in sorted(by_family.items()):
        keys = _varying(members)
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
            if len(settings) > 1:
                choices.append(choice)
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


def _varying(records: Sequence[RunRecord]) -> list[str]:
    """Return the config keys, beside size and seed, in which a family's runs differ."""
    values: dict[str, set[str]] = defaultdict(set)
    keys = {key for record in records for key in record.config}
    sizes = {"model.width"} if records[0].is_classical else set()  # a reference has no size
    for key in keys:
        if key not in set(NOT_SETTINGS) - sizes and not key.startswith(NOT_SETTINGS_PREFIXES):
            values[key] = {repr(record.config.get(key)) for record in records}
    return sorted(key for key, found in values.items() if len(found) > 1)


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
    return Cell(
        family=first.family,
        parameters=round(float(np.median(sizes))),
        size_asked=first.size_asked,
        setting=tuple((key, first.config.get(key)) for key in keys),
        records=records,
    )


def _choose(cells: list[Cell]) -> Choice:
    """Return the cell with the best mean validation accuracy among those with the most seeds."""
    most = max(len(cell.records) for cell in cells)

    def rank(cell: Cell) -> tuple[bool, float, float]:
        loss = float(np.mean([validation(record, "loss") for record in cell.records]))
        error = float(cell.validation_errors.mean())
        return len(cell.records) < most, round(error, 12), loss if math.isfinite(loss) else math.inf

    ranked = sorted(cells, key=rank)
    winner = ranked[0]
    edges = {}
    for index, (key, value) in enumerate(winner.setting):
        tried = _distinct(cell.setting[index][1] for cell in cells)
        if len(tried) > 1 and all(type(each) in (int, float) for each in tried):
            tried = sorted(tried)
            if value in (tried[0], tried[-1]):
                edges[key] = tried
    candidates = [
        (cell.setting, len(cell.records), 1 - float(cell.validation_errors.mean()))
        for cell in ranked
    ]
    return Choice(winner, candidates, edges)


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Return the values without repeats, in the order met."""
    return list({repr(value): value for value in values}.values())
