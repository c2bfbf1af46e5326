"""Networks on disk, trained or in training: numbers and texts, never pickled code."""

import hashlib
import io
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec
from sizewise.errors import Interrupted, UserError, first_line
from sizewise.files import replacing
from sizewise.models import build
from sizewise.models.architecture import Architecture
from sizewise.training.state import TrainState

FORMAT = b"sizewise checkpoint "  # of any version
MAGIC = FORMAT + b"2\n"


@dataclass(frozen=True)
class SavedModel:
    """A trained network's weights with all it takes to rebuild and apply it.

    Of a classical model they hold the fitted estimator as bytes.
    """

    spec: DataSpec
    normalisation: Normalisation
    architecture: Architecture
    weights: dict[str, Tensor]

    def build(self) -> nn.Module:
        """Return the network with its weights, on the CPU, in evaluation mode."""
        model = build(self.spec, self.architecture)
        model.load_state_dict(self.weights)
        return model.eval()


def save_model(path: Path, saved: SavedModel) -> int:
    """Write `saved` to `path`, whole or not at all, and return its size in bytes."""
    content = {
        "spec": asdict(saved.spec),
        "normalisation": saved.normalisation._asdict(),
        **asdict(saved.architecture),
        "weights": {name: value.cpu().contiguous() for name, value in saved.weights.items()},
    }
    with replacing(path) as file:
        torch.save(content, file)
    return path.stat().st_size


def load_model(path: Path) -> SavedModel:
    """Return what `save_model` wrote.

    Raises:
        UserError: the file is missing, damaged or something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        spec = DataSpec.restored(content.pop("spec"))
        normalisation = Normalisation(**content.pop("normalisation"))
        weights = content.pop("weights")
        return SavedModel(spec, normalisation, Architecture(**content), weights)
    except Exception as error:  # torch's reader raises whatever a damaged archive provokes
        raise UserError(f"{path} is not a sizewise model: {first_line(error)}") from error


class Checkpoint:
    """Keeps the state of training in a file, to go on from after an interruption.

    The state before the last is kept too, so that a damaged file costs an epoch, not the run.

    Args:
        path: of the file.
        key: the run's; a file of another run is not taken for this one's.
        minutes: the state is saved whenever so many have passed, besides after each epoch.
        asked_to_stop: looked at after each step.
    """

    def __init__(
        self, path: Path, key: str, minutes: float, asked_to_stop: Callable[[], bool]
    ) -> None:
        self._path = path
        self._before = path.with_suffix(".before" + path.suffix)
        self._key = key
        self._seconds = minutes * 60
        self._asked_to_stop = asked_to_stop
        self._saved_at = time.monotonic()

    def restore(self, state: TrainState) -> bool:
        """Bring `state` to what the file holds, and return whether there was any that serves.

        A file that is damaged, of another run or of another kind of device is skipped, with a line
        on stderr.
        """
        for path in (self._path, self._before):
            try:
                content = self._read(path)
                if content["device"] != state.device:
                    raise ValueError(f"it was trained on {content['device']}, not {state.device}")
            except FileNotFoundError:
                continue
            except Exception as error:  # torch's reader raises whatever a foreign file provokes
                print(f"skipping the checkpoint {path}: {first_line(error)}", file=sys.stderr)
                continue
            state.restore(content)
            if path == self._before:  # it may be needed again: the next save keeps the last
                os.replace(path, self._path)
            return True
        return False

    def before_fit(self) -> None:
        """Look whether to stop before what can't be saved halfway.

        Raises:
            Interrupted: it was asked to stop; nothing is saved.
        """
        if self._asked_to_stop():
            raise Interrupted

    def after_step(self, state: TrainState) -> None:
        """Save where it is time to.

        Raises:
            Interrupted: training was asked to stop; the state is saved.
        """
        if self._asked_to_stop():
            self.save(state)
            raise Interrupted
        if time.monotonic() - self._saved_at > self._seconds:
            self.save(state)

    def save(self, state: TrainState) -> None:
        """Write the state, whole or not at all."""
        buffer = io.BytesIO()
        torch.save({"key": self._key, "state": state.content()}, buffer)
        with suppress(FileNotFoundError):  # the first time there is none
            os.replace(self._path, self._before)
        digest = hashlib.sha256(buffer.getbuffer()).digest()
        with replacing(self._path) as file:
            for part in (MAGIC, digest, buffer.getbuffer()):
                file.write(part)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the files, when the run is finished."""
        self._path.unlink(missing_ok=True)
        self._before.unlink(missing_ok=True)

    def _read(self, path: Path) -> dict[str, Any]:
        whole = path.read_bytes()
        digest, payload = whole[len(MAGIC) : len(MAGIC) + 32], whole[len(MAGIC) + 32 :]
        if whole.startswith(FORMAT) and not whole.startswith(MAGIC):
            raise ValueError("it was written by another version of sizewise")
        if not whole.startswith(MAGIC):
            raise ValueError("it is not a sizewise checkpoint")
        if hashlib.sha256(payload).digest() != digest:
            raise ValueError("it is damaged: its checksum is wrong")
        content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        if content["key"] != self._key:
            raise ValueError("it belongs to another run")
        state: dict[str, Any] = content["state"]
        return state
