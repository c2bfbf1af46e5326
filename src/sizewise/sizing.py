"""From a parameter budget to a width."""

from bisect import bisect_left
from dataclasses import replace

from torch import device, nn

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.models import Architecture, Classical, build, find_class

LARGEST = 10**10  # width


def count_parameters(model: nn.Module) -> int:
    """The size of `model`: its number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def parameters_by_group(model: nn.Module) -> dict[str, int]:
    """Return the trainable parameters of each direct child of `model`; they sum to its size.

    A classical model has one group, or none where it has nothing to count.
    """
    if isinstance(model, Classical):
        return model.parameters_by_group()
    groups: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            group = name.partition(".")[0]
            groups[group] = groups.get(group, 0) + parameter.numel()
    return groups


def parameters_of(model: nn.Module) -> int | None:
    """The size of `model`; None for a classical one that has no trainable parameters to count."""
    groups = parameters_by_group(model)
    return None if isinstance(model, Classical) and not groups else sum(groups.values())


def solve_width(size: int, spec: DataSpec, asked: Architecture) -> int:
    """Return the width of `asked` whose trainable-parameter count is nearest to `size`.

    The count grows with the width, so the search doubles the width until the budget is passed and
    then bisects; candidates are built on the meta device, which allocates nothing. Of two equally
    near widths the smaller is returned.

    Raises:
        UserError: `size` is below the family's smallest network, asked of a classical family, or
            of a network that does not grow.
    """

    def count(width: int) -> int:
        with device("meta"):
            return count_parameters(build(spec, replace(asked, width=width, base_width=None)))

    name = asked.target or asked.family
    network = find_class(asked.family, asked.target)
    if issubclass(network, Classical):
        dial = network.dial
        words = f"is sized by model.width, its {dial}" if dial else "has what its features ask for"
        raise UserError(
            f"size={size} counts a network's parameters, and model={asked.family} {words}: "
            "expected size=null"
        )
    smallest = count(1)
    if size < smallest:
        raise UserError(
            f"size={size} is too small: the smallest {name} for {spec.name} has {smallest} "
            f"parameters; try size={smallest}"
        )
    above = 2
    while count(above) < size:
        above *= 2
        if above > LARGEST:
            raise UserError(f"size={size} can't be reached: {name} does not grow with its width")
    reached = bisect_left(range(above), size, lo=above // 2, key=count)
    return min(max(1, reached - 1), reached, key=lambda width: abs(count(width) - size))
