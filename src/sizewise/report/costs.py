"""The costs that a report sets error against, by their names in a run's metrics."""

from typing import NamedTuple


class Cost(NamedTuple):
    """A cost: its metric, its name in words and on an axis, and its unit."""

    metric: str
    words: str
    unit: str

    @property
    def axis(self) -> str:
        """Return an axis's title."""
        return f"{self.words} ({self.unit})" if self.unit else self.words


COSTS = (
    Cost("cost/parameters", "parameters", ""),
    Cost("cost/train_seconds", "training time", "s"),
    Cost("cost/flops_inference", "FLOPs per sample", ""),
    Cost("cost/latency_ms_p50", "latency", "ms"),
    Cost("cost/model_bytes", "size on disk", "B"),
)
