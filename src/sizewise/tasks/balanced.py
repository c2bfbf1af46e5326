"""Which class a sample is of, where classes count alike.

Shapes: B samples, K classes; outputs are logits (B, K); targets (B, 2) hold a class index and the
sample's weight, as `data.balance` has it.
"""

from torch import Tensor

from sizewise.records import Measure
from sizewise.tasks.classify import Classify, ClassTally


class Balanced(Classify):
    """As `Classify`, each sample by its weight: the mean of the classes' own errors is compared."""

    measure = Measure("balanced error", "%", 0.01)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().losses(outputs, targets[:, 0].long()) * targets[:, 1]

    def errors(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> Tensor:
        return super().errors(outputs, targets[:, 0].long(), losses) * targets[:, 1]

    def tally(self, num_outputs: int) -> ClassTally:
        return _Tally(num_outputs)


class _Tally(ClassTally):
    """Each sample counts once here."""

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        super().add(outputs, targets[:, 0].long())


TASK = Balanced()
