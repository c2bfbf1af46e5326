"""A network that was trained before, and is scored on other test samples."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from sizewise.records import RunRecord
from sizewise.tracking.artifacts import model_file, readable
from sizewise.tracking.queries import search
from sizewise.tracking.store import Store
from sizewise.tracking.tracker import Tracker
from sizewise.training.checkpoint import load_model
from sizewise.training.fitted import Best, Fitted


@dataclass(frozen=True)
class Trained:
    """What came of training a network, as its record has it."""

    record: RunRecord
    weights: dict[str, Tensor]

    @property
    def costs(self) -> dict[str, float]:
        """What training it took, and what was measured of it."""
        named = (each for each in self.record.metrics.items() if each[0].startswith("cost/"))
        return {name.removeprefix("cost/"): value for name, value in named}

    def hand_over(self, model: nn.Module, tracker: Tracker) -> Fitted:
        """Put the weights into `model`, tell the tracker how they came about, and return it."""
        record = self.record
        model.load_state_dict(self.weights)
        for epoch, metrics in enumerate(record.history, start=1):
            tracker.log(epoch, metrics)
        tracker.store.client.set_tag(tracker.run_id, "trained_in", record.run_id)
        best = record.history[record.best_epoch - 1]
        return Fitted(
            epoch=record.epochs,
            step=record.steps,
            best=Best(record.best_epoch, best["val/error"], best["val/loss"], self.weights),
            train_seconds=record.metrics["cost/train_seconds"],
            stopped_by=record.stopped_by,
            history=record.history,
            extras=record.extras,
        )


def trained_before(store: Store, tags: Mapping[str, str]) -> Trained | None:
    """Return the network of a finished run that trained the same, if there is one.

    Args:
        store: where to look.
        tags: of the run that is to be scored.

    Raises:
        UserError: its network can't be read.
    """
    alike = ("training_key", "threads", "device")  # the last two decide the last bit
    condition = " AND ".join(f"tags.{tag} = '{tags[tag]}'" for tag in alike)
    found = search(store, f"{condition} AND attributes.status = 'FINISHED'")
    for run, record in readable(store, found).by_key.values():
        with model_file(store, run) as path:
            return Trained(record, load_model(path).weights)
    return None
