"""Arrays on disk: piece by piece in any order, and what has no room is not unpacked."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sizewise.data.files.arrays import CHUNK, open_array, read_samples
from sizewise.errors import UserError

SHAPE = (2, 3)
SAMPLES = np.random.default_rng(0).normal(size=(2 * CHUNK + 1, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_all_samples_come_in_their_order_from_the_disk(
    suffix: str, order: str, tmp_path: Path
) -> None:
    path = tmp_path / f"x.{suffix}"
    array = np.asarray(SAMPLES, order=order)  # type: ignore[call-overload]
    if suffix == "npy":
        np.save(path, array)
    else:
        np.savez_compressed(path, x=array, y=np.ones(3))
    with open_array(path) as opened:
        assert isinstance(opened, np.memmap)
        numbers, found = zip(*read_samples(opened, SHAPE), strict=True)
    assert numbers == tuple(range(len(SAMPLES)))
    assert np.array_equal(found, SAMPLES)


def test_an_array_without_room_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "x.npz", SAMPLES)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with (
        pytest.raises(UserError, match=r"its 4,\d\d\d bytes unpacked don't fit in /"),
        open_array(tmp_path / "x.npz"),
    ):
        pass
