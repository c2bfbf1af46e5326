"""Files that are seen whole or not at all, and where those go that can be made again."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def cache_folder() -> Path:
    """Return the folder of what can be made again: $XDG_CACHE_HOME/sizewise, ~/.cache/sizewise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sizewise"


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that becomes `path` at the end of the block, unless that raises.

    Several processes may do so at once; the last one's file stays. It is on disk, not only in the
    system's memory, before it is seen, so that even a power cut leaves the old one or the new one.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            os.chmod(file.name, 0o666 & ~_umask())  # temporary files are the owner's alone
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            with suppress(OSError):  # the folder may be what has failed
                os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
