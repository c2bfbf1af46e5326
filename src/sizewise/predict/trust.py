"""Whose code a stored run may have imported: sizewise's own, or what the user names."""

from collections.abc import Collection

from sizewise.errors import UserError


def check_code(target: str | None, allowed: Collection[str]) -> None:
    """Check that a network's class may be imported, before it is.

    Weights are numbers, but the class of a network of one's own is a name in a file or a store,
    perhaps somebody else's, and importing it runs its module.

    Args:
        target: `package.Class` as the file names it; None for sizewise's own families.
        allowed: such names, as the user typed them.

    Raises:
        UserError: it is neither sizewise's own nor allowed.
    """
    if target is not None and target not in allowed:
        raise UserError(
            f"the network is of the class {target}, which is not sizewise's own; importing it runs "
            f"its code: if you trust that, type --allow-code {target}"
        )
