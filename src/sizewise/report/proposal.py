"""What to run next: as data, and as the command that does it."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sizewise.records import RunRecord, readable_count
from sizewise.report.cells import Cell
from sizewise.report.verdict import Answer, Kind

FEWEST_NEW_SEEDS, MOST_NEW_SEEDS = 2, 8  # at a time: the next report says if more are needed
SEEDS_WHEN_ALONE = 4  # to add where there is one: five are the fewest that show a spread

# By the next command, whatever the last said.
DECIDED = ("model", "model._target_", "model.width", "size", "seed", "-m", "--multirun")

Spell = Callable[[Mapping[str, Any]], list[str]]  # from a record's config to overrides that give it


def spell_all(config: Mapping[str, Any]) -> list[str]:
    """Spell out every key of a config, for want of knowing the defaults."""
    chosen = [f"model={config['model.family']}", f"data={config['data.name']}"]
    named = ("model.family", "data.name", "device", "threads")
    return chosen + [f"{key}={_value(value)}" for key, value in config.items() if key not in named]


@dataclass(frozen=True)
class Proposal:
    """Runs of one family that would tell more: each size (or width) with each seed.

    Args:
        like: a run of the family: its config says what else was trained.
        sizes: in parameters.
        widths: in place of sizes where those were not asked for; None else.
        seeds: of each.
        swept: the values tried of each other key: the new runs try the same.
    """

    like: RunRecord
    sizes: Sequence[int]
    widths: Sequence[int] | None
    seeds: Sequence[int]
    swept: Mapping[str, Sequence[Any]]

    def command(self, command: str | None = None, spell: Spell = spell_all) -> str:
        """Return the command that trains them.

        Args:
            command: what the sweep was started with; its other overrides are kept.
            spell: without it, what returns the overrides that give the config of `like`.
        """
        config = self.like.config
        words = shlex.split(command) if command else ["python", "train.py", *spell(config)]
        decided = DECIDED if command else (*DECIDED, *self.swept)
        kept = [word for word in words if word.partition("=")[0] not in decided]
        stated = {word.partition("=")[0] for word in kept}
        kept += [
            f"{key}={','.join(map(_value, values))}"
            for key, values in self.swept.items()
            if key not in stated
        ]
        at = next((i for i, word in enumerate(kept) if "=" in word), len(kept))
        size = f"size={','.join(map(_size, self.sizes))}"
        if self.widths is not None:
            size = f"model.width={','.join(map(str, self.widths))}"
        new = [*_model(self.like), size, f"seed={','.join(map(str, self.seeds))}"]
        return shlex.join([*kept[:at], "-m", *new, *kept[at:]])


def propose(found: Answer, swept: Mapping[str, Sequence[Any]]) -> Proposal | None:
    """Return what would tell more about one family; None if there is nothing to find out.

    Args:
        found: the answer for the family.
        swept: the values tried of each key.
    """
    cells = list(found.comparisons)
    smallest, largest = (_asked(cell) for cell in (cells[0], cells[-1]))
    smaller = [max(1, smallest // 4), max(1, smallest // 2)]
    larger = [2 * largest, 4 * largest]
    match found.kind:
        case Kind.ANSWER:
            return None
        case Kind.LARGER_SIZES:
            sizes = larger
        case Kind.SMALLER_SIZES:
            sizes = smaller
        case Kind.ONE_SIZE if not found.best.width_known:
            return None
        case Kind.ONE_SIZE:
            sizes = smaller + larger
        case Kind.ONE_SEED:
            return _again(cells, SEEDS_WHEN_ALONE, swept)
        case Kind.MORE_SEEDS:
            return _again([*found.undecided, found.best], seeds_to_add(found), swept)
    seeds = sorted({seed for cell in cells for seed in cell.seeds})
    return Proposal(cells[0].records[0], sizes, None, seeds, swept)


def seeds_to_add(found: Answer) -> int:
    """Return how many seeds to add where seeds are missing: some now, more if they don't tell."""
    seeds = found.wanted.seeds if found.wanted else 0
    missing = seeds - min(len(cell.seeds) for cell in (*found.undecided, found.best))
    return max(FEWEST_NEW_SEEDS, min(missing, MOST_NEW_SEEDS))


def _again(cells: Sequence[Cell], count: int, swept: Mapping[str, Sequence[Any]]) -> Proposal:
    """Propose the cells once more, with `count` seeds that none of them has used."""
    widths = [cell.records[0].width for cell in cells if cell.size_asked is None]
    known = [width for width in widths if width is not None]
    start = 1 + max(seed for cell in cells for seed in cell.seeds)
    return Proposal(
        like=cells[0].records[0],
        sizes=[_asked(cell) for cell in cells],
        widths=known if len(known) == len(cells) else None,
        seeds=range(start, start + count),
        swept=swept,
    )


def _asked(cell: Cell) -> int:
    return cell.size_asked or cell.parameters


def _model(record: RunRecord) -> list[str]:
    target = record.config.get("model._target_")
    if not target:
        return [f"model={record.family}"]
    return [f"model={record.config['model.family']}", f"model._target_={target}"]


def _value(value: Any) -> str:
    return "null" if value is None else str(value)


def _size(parameters: int) -> str:
    """Return a budget as it is typed: readable only where that loses nothing."""
    text = readable_count(parameters)
    scale = {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)
    return text if round(float(text.rstrip("kM")) * scale) == parameters else str(parameters)
