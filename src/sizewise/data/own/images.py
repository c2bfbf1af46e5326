"""A folder of images, in folders of classes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sizewise.data.own.cache import Cached, cached
from sizewise.data.own.found import Found
from sizewise.data.own.labelled import Labelled
from sizewise.data.own.scan import Scanned
from sizewise.data.rows import Rows


@dataclass(frozen=True)
class Images(Found):
    """Images in one form, as the cache has them."""

    cached: Cached

    @property
    def digests(self) -> np.ndarray:
        return self.cached.digests

    def form(self) -> str:
        _, channels, height, width = self.cached.pixels.shape
        colour = "grey" if channels == 1 else "RGB"
        return f"{colour}, {width}x{height} ({self.cached.why}; data.image_size=WxH sets another)"

    def facts(self) -> dict[str, str]:
        sizes = Counter(map(tuple, self.cached.sizes[self.good].tolist()))
        ordered = sorted(sizes, key=lambda size: size[0] * size[1])
        least, most = (f"{width}x{height}" for width, height in (ordered[0], ordered[-1]))
        return {"sizes": least if len(sizes) == 1 else f"{len(sizes):,}, from {least} to {most}"}

    def samples(
        self, keys: Sequence[bytes], labels: np.ndarray, given: np.ndarray | None
    ) -> Labelled:
        return Labelled(Rows(self.cached.pixels, self.digests, self.good), labels, keys, given)


def look(root: Path, scanned: Scanned, size: str) -> Images:
    """Return the images of a folder, decoded; `size` is `data.image_size`.

    Raises:
        UserError: the cache can't be written.
    """
    found = cached(root, scanned.files, size)
    return Images(root, scanned, found.bad, found.done, found)
