"""What a network is, less its weights and the data it is for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """A family at one size.

    Args:
        family: a name in `FAMILIES` or `CLASSICAL`; not read where `target` is given.
        width: the family's size knob; None where the family has a form without one.
        depth: the number of layers, for the families that have this knob; None for the others.
        target: `package.Class` of a network of your own, called with `spec`, `width` and, unless
            None, `depth`.
        features: that a classical family reads; None takes those suited to the data. A network
            reads the samples, which are `raw`.
        init: how a network's weights begin: `pytorch` as PyTorch's layers do; None as the family
            says, which is as Keras does.
        base_width: under muP, the width from which rates and initial weights scale; None without.
    """

    family: str
    width: int | None = None
    depth: int | None = None
    target: str | None = None
    features: str | None = None
    init: str | None = None
    base_width: int | None = None
