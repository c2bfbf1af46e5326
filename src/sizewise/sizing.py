"""From a parameter budget to a width."""

from torch import device, nn

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.models import Classical, build, find_class

LARGEST = 10**10


def count_parameters(model: nn.Module) -> int:
    """The size of `model`: its number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def parameters_of(model: nn.Module) -> int | None:
    """The size of `model`; None for a classical one that has no trainable parameters to count."""
    return model.num_parameters() if isinstance(model, Classical) else count_parameters(model)


def solve_width(
    size: int, spec: DataSpec, family: str, depth: int | None = None, target: str | None = None
) -> int:
    """Return the width whose trainable-parameter count is nearest to `size`.

    The count grows with the width, so the search doubles the width until the budget is passed and
    then bisects; candidates are built on the meta device, which allocates nothing. Of two equally
    near widths the smaller is returned. The arguments after `size` are those of `models.build`.

    Raises:
        UserError: `size` is below the family's smallest network, above what can be counted, or
            asked of a classical family.
    """

    def count(width: int) -> int:
        with device("meta"):
            return count_parameters(build(spec, family, width, depth, target))

    name = target or family
    network = find_class(family, target)
    if issubclass(network, Classical):
        dial = network.dial
        raise UserError(
            f"size={size} counts a network's parameters, and model={family} "
            + (
                f"is sized by model.width, its {dial}: expected size=null"
                if dial
                else "has as many as its features ask for: expected size=null"
            )
        )
    smallest = count(1)
    if size < smallest:
        raise UserError(
            f"size={size} is too small: the smallest {name} for {spec.name} has {smallest} "
            f"parameters; try size={smallest}"
        )
    if size > LARGEST:
        raise UserError(f"size={size} is too large: expected at most {LARGEST}")
    below, above = 1, 2
    while count(above) < size:
        below, above = above, 2 * above
        if above > LARGEST:
            raise UserError(f"size={size} can't be reached: {name} does not grow with its width")
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if count(middle) <= size else (below, middle)
    return min(below, above, key=lambda width: abs(count(width) - size))
