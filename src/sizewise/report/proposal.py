"""What to run next: as data, and as the command that does it."""

import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sizewise.place import TRAIN
from sizewise.records import RunRecord, readable_count
from sizewise.report.cells import THROUGHPUT, TRAINING_TIME, Cell
from sizewise.report.selection import TEST_SAMPLES
from sizewise.report.verdict import Answer, Kind

FEWEST_NEW_SEEDS, MOST_NEW_SEEDS = 2, 8  # at a time: the next report says if more are needed
SEEDS_WHEN_ALONE = 4  # to add where there is one: five are the fewest that show a spread
MANY_TEST_SAMPLES = 20_000  # whose own chance is small beside that of a few seeds

# By the next command, whatever the last said.
DECIDED = ("model", "model._target_", "model.width", "size", "seed")

Spell = Callable[[Mapping[str, Any]], list[str]]  # from a record's config to overrides that give it


def spell_all(config: Mapping[str, Any]) -> list[str]:
    """Spell out every key of a config, for want of knowing the defaults."""
    chosen = [f"model={config['model.family']}", f"data={config['data.name']}"]
    named = ("model.family", "data.name", "device", "threads")
    return chosen + [f"{key}={_value(value)}" for key, value in config.items() if key not in named]


@dataclass(frozen=True)
class Proposal:
    """Runs of one family that would tell more: each size (or width) with each seed.

    They are new ones, or those that there are, scored on more test samples.

    Args:
        like: a run of the family: its config says what else was trained.
        sizes: in parameters.
        widths: in place of sizes where those were not asked for; None else.
        seeds: of each.
        swept: the values tried of each other key: the new runs try the same.
        seconds: of training, about, one run after the other on this machine.
        test_samples: on which finished runs are scored again; None for runs that are trained.
    """

    like: RunRecord
    sizes: Sequence[int]
    widths: Sequence[int] | None
    seeds: Sequence[int]
    swept: Mapping[str, Sequence[Any]]
    seconds: float
    test_samples: int | None = None

    def overrides(self, typed: Iterable[str]) -> list[str]:
        """Return the overrides of the sweep that trains them.

        Args:
            typed: those of a sweep; what these runs do not decide is kept.
        """
        # on as many test samples as the runs that it goes on from: fewer are not compared
        samples = self.test_samples or self.like.config.get(TEST_SAMPLES)
        scored = [] if samples is None else [f"{TEST_SAMPLES}={samples}"]
        decided = (*DECIDED, TEST_SAMPLES) if scored else DECIDED
        kept = [self._own(each) for each in typed if _key(each) not in decided]
        stated = set(map(_key, kept))
        kept += [
            f"{key}={','.join(map(_value, values))}"
            for key, values in self.swept.items()
            if key not in stated
        ]
        size = f"size={','.join(map(_size, self.sizes))}"
        if self.widths is not None:
            size = f"model.width={','.join(map(str, self.widths))}"
        seeds = f"seed={','.join(map(str, self.seeds))}"
        return [*_model(self.like), size, seeds, *kept, *scored]

    def _own(self, override: str) -> str:
        """Return what was typed of a network, which may be another, as this one has it."""
        key, config = _key(override), self.like.config
        if not key.startswith("model.") or "," in override or key not in config:
            return override
        return f"{key}={_value(config[key])}"

    def command(self, command: str | None = None, spell: Spell = spell_all) -> str:
        """Return the command that trains them.

        Args:
            command: what the sweep was started with; its other overrides are kept.
            spell: without it, what returns the overrides that give the config of `like`.
        """
        if not command:
            own = [each for each in spell(self.like.config) if _key(each) not in self.swept]
            return shlex.join([*TRAIN, "-m", *self.overrides(own)])
        words = [word for word in shlex.split(command) if word not in ("-m", "--multirun")]
        at = next((i for i, word in enumerate(words) if "=" in word), len(words))
        return shlex.join([*words[:at], "-m", *self.overrides(words[at:])])


def propose(found: Answer, swept: Mapping[str, Mapping[str, Sequence[Any]]]) -> list[Proposal]:
    """Return what would tell more, a proposal for each family; none if there is nothing to find.

    Args:
        found: the answer for one family or for several.
        swept: for each family, the values tried of each key.
    """
    cells = list(found.comparisons)
    if not cells or found.kind is Kind.ANSWER:
        return []
    if found.kind is Kind.MORE_SEEDS and found.wanted is None:
        return []  # no seeds would tell
    if found.kind is Kind.MORE_SEEDS:
        wanted = [*found.undecided, found.best, *found.open_rivals]
        count = seeds_to_add(found)
    elif found.kind is Kind.ONE_SEED:
        wanted, count = cells, SEEDS_WHEN_ALONE
    else:
        return _other_sizes(found, cells, swept[cells[0].family])
    by_family: dict[str, list[Cell]] = {}
    for cell in dict.fromkeys(wanted):
        by_family.setdefault(cell.family, []).append(cell)
    start = 1 + max(seed for cell in wanted for seed in cell.seeds)
    return [
        _again(each, range(start, start + count), swept[family])
        for family, each in by_family.items()
    ]


def more_test_samples(answers: Iterable[Answer], cells: Sequence[Cell]) -> int | None:
    """Return how many test samples would spare training seeds; None if no more can be had.

    Args:
        answers: to what is open.
        cells: all that are compared.
    """
    config, samples = cells[0].records[0].config, cells[0].by_seed.samples
    if TEST_SAMPLES not in config or samples is None:
        return None
    factor = MANY_TEST_SAMPLES / (config[TEST_SAMPLES] or samples.shape[1])
    spared = factor > 1 and any(found.spares_seeds(factor) for found in answers)
    return MANY_TEST_SAMPLES if spared else None


def score_again(
    cells: Iterable[Cell], swept: Mapping[str, Sequence[Any]], samples: int
) -> list[Proposal]:
    """Propose to score all runs of one family's cells on so many test samples.

    One proposal for all cells that have the same seeds.
    """
    by_seeds: dict[tuple[int, ...], list[Cell]] = {}
    for cell in cells:
        by_seeds.setdefault(cell.seeds, []).append(cell)
    return [
        replace(
            _again(each, seeds, swept),
            seconds=sum(samples / cell.cost(THROUGHPUT) for cell in each) * len(seeds),
            test_samples=samples,
        )
        for seeds, each in by_seeds.items()
    ]


def _other_sizes(
    found: Answer, cells: list[Cell], swept: Mapping[str, Sequence[Any]]
) -> list[Proposal]:
    if found.is_limited and found.kind is not Kind.SMALLER_SIZES:
        return []  # larger ones are beyond the limits
    smallest, largest = (_asked(cell) for cell in (cells[0], cells[-1]))
    smaller = [max(1, smallest // 4), max(1, smallest // 2)]
    larger = [2 * largest, 4 * largest]
    is_one = found.kind is Kind.ONE_SIZE
    if len({cell.family for cell in cells}) > 1 or (is_one and not found.best.width_known):
        return []  # over all families, each family's own proposal says it
    sizes = {Kind.SMALLER_SIZES: smaller, Kind.ONE_SIZE: smaller + larger}.get(found.kind, larger)
    seeds = sorted({seed for cell in cells for seed in cell.seeds})
    runs = len(seeds) * _settings(swept)
    seconds = sum(_seconds(cells, size) for size in sizes) * runs
    return [Proposal(cells[0].records[0], sizes, None, seeds, swept, seconds)]


def _seconds(cells: Sequence[Cell], size: int) -> float:
    """Return what one run takes, from the nearest size that was run, in proportion beyond them."""
    known = {c.parameters: c.cost(TRAINING_TIME) for c in cells}
    nearest = min(known, key=lambda parameters: abs(math.log(max(size, 1) / max(parameters, 1))))
    return known[nearest] * max(1.0, size / max(nearest, 1))


def seeds_to_add(found: Answer) -> int:
    """Return how many seeds to add where seeds are missing: some now, more if they don't tell."""
    return max(FEWEST_NEW_SEEDS, min(seeds_missing(found), MOST_NEW_SEEDS))


def seeds_missing(found: Answer) -> int:
    """Return how many seeds each undecided cell lacks to be told from the best, about."""
    seeds = found.wanted.seeds if found.wanted else 0
    return seeds - min(len(cell.seeds) for cell in (*found.undecided, found.best))


def _again(
    cells: Sequence[Cell], seeds: Sequence[int], swept: Mapping[str, Sequence[Any]]
) -> Proposal:
    """Propose one family's cells once more, with other seeds."""
    widths = [cell.records[0].width for cell in cells if cell.size_asked is None]
    known = [width for width in widths if width is not None]
    return Proposal(
        like=cells[0].records[0],
        sizes=[_asked(cell) for cell in cells],
        widths=known if len(known) == len(cells) else None,
        seeds=seeds,
        swept=swept,
        seconds=sum(cell.cost(TRAINING_TIME) for cell in cells) * len(seeds) * _settings(swept),
    )


def _settings(swept: Mapping[str, Sequence[Any]]) -> int:
    """Return how many settings each size and seed is tried with."""
    return math.prod(len(values) for values in swept.values())


def _asked(cell: Cell) -> int:
    return cell.size_asked or cell.parameters


def _model(record: RunRecord) -> list[str]:
    target = record.config.get("model._target_")
    if not target:
        return [f"model={record.family}"]
    return [f"model={record.config['model.family']}", f"model._target_={target}"]


def _key(override: str) -> str:
    return override.partition("=")[0]


def _value(value: Any) -> str:
    return "null" if value is None else str(value)


def _size(parameters: int) -> str:
    """Return a budget as it is typed: readable only where that loses nothing."""
    text = readable_count(parameters)
    scale = {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)
    return text if round(float(text.rstrip("kM")) * scale) == parameters else str(parameters)
