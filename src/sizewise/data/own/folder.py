"""A folder of images or of sounds, in folders of classes."""

from pathlib import Path

from sizewise.config import FolderConfig
from sizewise.data.arrays import Arrays
from sizewise.data.own import images, sounds
from sizewise.data.own.found import Found
from sizewise.data.own.scan import scan
from sizewise.errors import UserError, say_once


def look(config: FolderConfig) -> Found:
    """Return what is in a folder, read.

    Raises:
        UserError: there are no images and no sounds in folders of classes, or both; a size of
            images is asked for where there are none; or the cache of images can't be written.
    """
    root = Path(config.path)
    scanned = scan(root)
    if scanned.kind == "images":
        return images.look(root, scanned, config.image_size)
    if config.image_size != "auto":
        raise UserError(
            f"data.image_size={config.image_size} is for images, and {root} holds sounds: expected "
            "data.image_size=auto"
        )
    return sounds.look(root, scanned)


def read(config: FolderConfig) -> Arrays:
    """Read a folder of images or sounds, and say what becomes of them.

    Raises:
        UserError: it has none that can be learnt from.
    """
    found = look(config)
    for line in found.lines():
        say_once(f"{found.root}: {line}")
    return found.labelled().arrays(config)
