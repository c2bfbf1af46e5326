"""Networks on disk: weights and what it takes to build them again, never pickled code."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sizewise.data import DataSpec, Normalisation
from sizewise.errors import UserError, first_line
from sizewise.models import build


@dataclass(frozen=True)
class SavedModel:
    """A trained network's weights with all it takes to rebuild and apply it."""

    spec: DataSpec
    normalisation: Normalisation
    family: str
    width: int | None
    depth: int | None
    target: str | None
    weights: dict[str, Tensor]

    def build(self) -> nn.Module:
        """Return the network with its weights, on the CPU, in evaluation mode."""
        model = build(self.spec, self.family, self.width, self.depth, self.target)
        model.load_state_dict(self.weights)
        return model.eval()


def save_model(path: Path, saved: SavedModel) -> int:
    """Write `saved` to `path`, whole or not at all, and return its size in bytes."""
    content = {
        "spec": asdict(saved.spec),
        "normalisation": saved.normalisation._asdict(),
        "family": saved.family,
        "width": saved.width,
        "depth": saved.depth,
        "target": saved.target,
        "weights": {name: value.cpu().contiguous() for name, value in saved.weights.items()},
    }
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    os.replace(partial, path)
    return path.stat().st_size


def load_model(path: Path) -> SavedModel:
    """Return what `save_model` wrote.

    Raises:
        UserError: the file is missing, damaged or something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        spec = DataSpec(**content.pop("spec"))
        normalisation = Normalisation(**content.pop("normalisation"))
        return SavedModel(spec=spec, normalisation=normalisation, **content)
    except Exception as error:  # torch's reader raises whatever a damaged archive provokes
        raise UserError(f"{path} is not a sizewise model: {first_line(error)}") from error
