"""The commands that a report tells its reader to run next."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sizewise.records import RunRecord, readable_count
from sizewise.report.select import Cell

# By the next command, whatever the last said.
DECIDED = ("model", "model._target_", "model.width", "size", "seed", "-m", "--multirun")

Spell = Callable[[Mapping[str, Any]], list[str]]  # from a record's config to overrides that give it


def spell_all(config: Mapping[str, Any]) -> list[str]:
    """Spell out every key of a config, for want of knowing the defaults."""
    chosen = [f"model={config['model.family']}", f"data={config['data.name']}"]
    named = ("model.family", "data.name", "device", "threads")
    return chosen + [f"{key}={_value(value)}" for key, value in config.items() if key not in named]


def next_command(
    cells: Sequence[Cell],
    sizes: Sequence[int] | None,
    seeds: Sequence[int],
    swept: Mapping[str, Sequence[Any]],
    command: str | None,
    spell: Spell = spell_all,
) -> str:
    """Return the command that trains one family at `sizes` with `seeds`.

    Args:
        cells: of the family, any; the first's config says what was trained.
        sizes: in parameters; None repeats the cells' own sizes or, where a width was given, widths.
        seeds: of each.
        swept: the values tried of each other key: the new runs try the same.
        command: what the sweep was started with; its other overrides are kept.
        spell: without it, what returns the overrides that give the first's config.
    """
    first = cells[0].records[0]
    words = shlex.split(command) if command else ["python", "train.py", *spell(first.config)]
    decided = DECIDED if command else (*DECIDED, *swept)
    kept = [word for word in words if word.partition("=")[0] not in decided]
    stated = {word.partition("=")[0] for word in kept}
    kept += [
        f"{key}={','.join(map(_value, values))}"
        for key, values in swept.items()
        if key not in stated
    ]
    at = next((i for i, word in enumerate(kept) if "=" in word), len(kept))
    new = [*_model(first), _sizes(cells, sizes), f"seed={','.join(map(str, seeds))}"]
    return shlex.join([*kept[:at], "-m", *new, *kept[at:]])


def _value(value: Any) -> str:
    return "null" if value is None else str(value)


def new_seeds(cells: Sequence[Cell], count: int) -> list[int]:
    """Return `count` seeds that none of the cells has used."""
    start = 1 + max(seed for cell in cells for seed in cell.seeds)
    return list(range(start, start + count))


def _model(record: RunRecord) -> list[str]:
    target = record.config.get("model._target_")
    if not target:
        return [f"model={record.family}"]
    return [f"model={record.config['model.family']}", f"model._target_={target}"]


def _sizes(cells: Sequence[Cell], sizes: Sequence[int] | None) -> str:
    if sizes is not None:
        return f"size={','.join(map(_size, sizes))}"
    widths = [cell.records[0].width for cell in cells]
    if all(cell.size_asked is None for cell in cells) and None not in widths:
        return f"model.width={','.join(map(str, widths))}"
    return f"size={','.join(_size(cell.size_asked or cell.parameters) for cell in cells)}"


def _size(parameters: int) -> str:
    """Return a budget as it is typed: readable only where that loses nothing."""
    text = readable_count(parameters)
    scale = {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)
    return text if round(float(text.rstrip("kM")) * scale) == parameters else str(parameters)
