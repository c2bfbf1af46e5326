"""Which number belongs to a sample.

Shapes: B samples; outputs (B, 1) are standardised, by the target's mean and deviation in training;
targets (B, 2) hold the number, standardised likewise, and that deviation, in the target's unit.

Sizes are compared by the mean absolute error: a mean over samples, as all that is built on the
errors of single samples takes it to be. The root of a mean square is none.
"""

from torch import Tensor

from sizewise.records import Measure


class Regress:
    """The square of the error is trained on; its size, in the target's unit, is compared."""

    measure = Measure("mean absolute error", "", 0.02, relative=True)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets[:, 0]) ** 2

    def errors(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> Tensor:
        return (outputs[:, 0] - targets[:, 0]).abs() * targets[:, 1]

    def tally(self, num_outputs: int) -> None:
        return None


TASK = Regress()
