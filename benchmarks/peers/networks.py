"""The article's networks as one writes them in PyTorch: what a user would have without sizewise."""

from typing import Any

from torch import Tensor, nn


class Last(nn.Module):
    """An LSTM's states after the last step."""

    def __init__(self, features: int, width: int, depth: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, width, depth, batch_first=True)

    def forward(self, steps: Tensor) -> Any:
        """Map steps (B, T, F) to states (B, width)."""
        return self.lstm(steps)[0][:, -1]


class Attended(nn.Module):
    """The average of an LSTM's states, each having attended to all."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, width, batch_first=True)

    def forward(self, steps: Tensor) -> Any:
        """Map steps (B, T, F) to states (B, width)."""
        states, _ = self.lstm(steps)
        weights = (states @ states.transpose(1, 2)).softmax(-1)
        return (weights @ states).mean(1)


def article(family: str, width: int, depth: int | None, shape: tuple[int, ...]) -> nn.Module:
    """Return a network of 10 classes over images (1, 28, 28) or sequences (1, L)."""
    if family == "cnn":
        conv: type[nn.Conv1d | nn.Conv2d] = nn.Conv2d if len(shape) == 3 else nn.Conv1d
        pool = nn.MaxPool2d if len(shape) == 3 else nn.MaxPool1d
        cells = (((shape[-1] - 2) // 2 - 2) // 2 - 2) ** (len(shape) - 1)
        return nn.Sequential(
            *(conv(1, width, 3), nn.ReLU(), pool(2)),
            *(conv(width, 2 * width, 3), nn.ReLU(), pool(2)),
            *(conv(2 * width, 2 * width, 3), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(cells * 2 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 10)),
        )
    features = shape[-1] if len(shape) == 3 else 1
    steps = nn.Unflatten(-1, (-1, features)) if len(shape) == 2 else nn.Identity()
    start = (steps, nn.Flatten(1, 2))  # (B, 1, T, F) -> (B, T, F)
    if family == "lstm":
        assert depth is not None
        dense = max(1, width // 2)
        read_out = (nn.Linear(width, dense), nn.ReLU(), nn.Linear(dense, 10))
        return nn.Sequential(*start, Last(features, width, depth), *read_out)
    return nn.Sequential(*start, Attended(features, width), nn.Linear(width, 10))
