"""The sets that torchvision reads and downloads."""

from pathlib import Path
from typing import Any

import numpy as np

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.errors import UserError, first_line


def read_torchvision(config: DataConfig, name: str) -> Arrays:
    """Return the set of this name in torchvision, downloaded to `config.root` on first use."""
    import torchvision.datasets  # takes a second, and only these sets need it

    kind = getattr(torchvision.datasets, name)
    train, test = (_open_torchvision(kind, config, train) for train in (True, False))
    return Arrays(
        train_inputs=_channels_first(np.asarray(train.data)),
        train_targets=np.asarray(train.targets),
        test_inputs=_channels_first(np.asarray(test.data)),
        test_targets=np.asarray(test.targets),
        class_names=tuple(train.classes),
    )


def _open_torchvision(kind: Any, config: DataConfig, train: bool) -> Any:
    root = Path(config.root)
    where = root / getattr(kind, "base_folder", f"{kind.__name__}/raw")
    try:
        return kind(root=root, train=train, download=False)
    except Exception as error:  # a damaged file can raise anything from its parser
        if not str(error).startswith("Dataset not found"):
            raise _damaged(config, where, error) from error
    try:
        return kind(root=root, train=train, download=True)
    except PermissionError as error:
        raise UserError(
            f"data={config.name} can't be downloaded to {root} ({error.strerror}); choose another "
            "folder with data.root=FOLDER"
        ) from error
    except Exception as error:
        raise UserError(
            f"data={config.name} is not in {root} and can't be downloaded "
            f"({first_line(error)}); put its files in {where} by hand, or name the folder "
            "that holds them with data.root=FOLDER"
        ) from error


def _damaged(config: DataConfig, where: Path, error: Exception) -> UserError:
    return UserError(
        f"a file of data={config.name} in {where} is damaged "
        f"({first_line(error)}); delete the "
        "folder, and the set is downloaded anew"
    )


def _channels_first(images: np.ndarray) -> np.ndarray:
    """Turn (N, H, W) or (N, H, W, C) into (N, C, H, W)."""
    return images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
