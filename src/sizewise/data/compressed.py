"""How well a text is known to common compressors, to hold networks against.

gzip looks back 32 kB, bz2 over blocks of 900 kB, and xz over 64 MiB.
"""

import bz2
import json
import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress

from sizewise.data.dataset import Dataset
from sizewise.data.splits import Windows
from sizewise.errors import say_once
from sizewise.files import cache_folder, replacing

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {  # each at its best
    "gzip": lambda text: zlib.compress(text, 9),
    "bz2": lambda text: bz2.compress(text, 9),
    "xz": lambda text: lzma.compress(text, preset=9),
}
FAR = 64 * 2**20  # bytes that xz looks back at preset 9

_known: dict[str, dict[str, float]] = {}  # by fingerprint: a sweep's runs share a few


def rates_of(dataset: Dataset) -> dict[str, float]:
    """Return each compressor's bits per byte of a text's test split, after its training split.

    They are measured once for each fingerprint, and kept in `cache_folder()` if it can be written.

    Raises:
        TypeError: it is no text.
    """
    if not (isinstance(dataset.train, Windows) and isinstance(dataset.test, Windows)):
        raise TypeError(f"{dataset.spec.name} is no text")
    path = cache_folder() / "compressed" / f"{dataset.fingerprint}.json"
    if dataset.fingerprint not in _known:
        with suppress(OSError, ValueError):
            _known[dataset.fingerprint] = json.loads(path.read_text())
    if dataset.fingerprint not in _known:
        texts = (each.text.cpu().numpy().tobytes() for each in (dataset.train, dataset.test))
        _known[dataset.fingerprint] = rates(*texts)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(json.dumps(_known[dataset.fingerprint]).encode())
    return _known[dataset.fingerprint]


def rates(learnt: bytes, tested: bytes) -> dict[str, float]:
    """Return each compressor's bits per byte of `tested` by its name, once it has read `learnt`.

    That is (C(learnt + tested) - C(learnt)) · 8 / len(tested), with C the compressed length.
    """
    if len(learnt) > FAR:
        say_once(f"xz looks back 64 MiB, and there are {len(learnt) / 2**20:.0f} to learn from")
    return {
        name: (len(compress(learnt + tested)) - len(compress(learnt))) * 8 / len(tested)
        for name, compress in COMPRESSORS.items()
    }
