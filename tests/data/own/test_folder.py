"""Images in folders of one's own: what is read, how it is divided, and what is kept of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sizewise.data import Split, load
from sizewise.data.files.conform import fit_image, form_of
from sizewise.data.files.images import decode
from sizewise.data.own import cache, decoding, images
from sizewise.data.splits import MappedSplit
from sizewise.files import cache_folder
from tests.builders import whole
from tests.data.own.photos import PER_CLASS, config, counts, fill, raw, save

Said = pytest.CaptureFixture[str]


def test_grey_images_stay_grey_and_keep_the_size_they_share(photos: Path, capsys: Said) -> None:
    fill(photos, "cat", "dog", mode="L")
    dataset = load(config(photos), seed=0)
    assert dataset.spec.input_shape == (1, 8, 10)
    assert dataset.spec.class_names == ("cat", "dog")
    assert sum(counts(dataset)) == 2 * PER_CLASS
    assert "24 images as grey, 10x8 (all are 10x8; data.image_size=" in capsys.readouterr().err


def test_pixels_and_labels_are_those_of_the_files(photos: Path) -> None:
    fill(photos, "cat", "dog", mode="RGB")
    dataset = load(config(photos), seed=0)
    files = {
        np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes(): path.parent.name
        for path in photos.rglob("*.png")
    }
    for split in (dataset.train, dataset.validation, dataset.test):
        for values, target in zip(raw(split, dataset), whole(split).targets, strict=True):
            assert files.pop(values.tobytes()) == dataset.spec.class_names[target]
    assert not files


def test_cut_from_the_file_they_are_to_the_bit_what_lies_in_memory(photos: Path) -> None:
    fill(photos, "cat", "dog", count=40, mode="RGB")
    dataset = load(config(photos), seed=0)
    mapped = dataset.train
    assert isinstance(mapped, MappedSplit)
    floats = torch.from_numpy(mapped.inputs[:].astype(np.float32))
    held = Split(dataset.normalisation.apply_(floats), mapped.targets)
    chosen = torch.tensor([5, 0, 17, 5])
    for which in (chosen, slice(3, 9)):
        for ours, theirs in zip(mapped.batch(which)[:2], held.batch(which)[:2], strict=True):
            assert torch.equal(ours, theirs)
    assert not mapped.inputs.held.flags.owndata  # it is the file
    assert mapped.inputs.held is dataset.test.inputs.held  # type: ignore[attr-defined]


def test_one_image_in_colour_makes_all_rgb(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sizewise.data.own.form.COLOURED", 2)  # the first and the last
    fill(photos, "cat", "dog", count=20)
    save(photos / "cat" / "7.png", 7, "RGB")
    assert load(config(photos), seed=0).spec.input_shape == (3, 8, 10)


def test_grey_images_of_three_channels_are_grey(photos: Path) -> None:
    for each in range(20):
        save(photos / "ab"[each % 2] / f"{each}.png", each)
        path = photos / "ab"[each % 2] / f"{each}.png"
        Image.open(path).convert("RGB").save(path)
    assert load(config(photos), seed=0).spec.input_shape == (1, 8, 10)


def test_sizes_are_proposed_or_asked_for(photos: Path, capsys: Said) -> None:
    fill(photos, "wide", size=(400, 100))
    fill(photos, "wider", size=(800, 100))
    assert load(config(photos), seed=0).spec.input_shape == (1, 11, 64)
    assert "the median of all is 600x100, brought to a longer side" in capsys.readouterr().err
    for asked, shape in (("12", (1, 12, 12)), ("12x9", (1, 9, 12))):
        assert load(config(photos, image_size=asked), seed=0).spec.input_shape == shape


def test_splits_of_the_folder_are_kept(photos: Path) -> None:
    for place, (split, count) in enumerate((("train", 20), ("Valid", 5), ("test", 7))):
        fill(photos / split, "cat", "dog", count=count, seed=10 * place)
    for seed in (0, 1):
        assert counts(load(config(photos), seed)) == [40, 10, 14]


def test_without_a_test_folder_it_is_chosen_by_content(photos: Path) -> None:
    fill(photos / "train", "cat", "dog", count=30)
    fill(photos / "val", "cat", "dog", count=5, seed=10)
    dataset = load(config(photos), seed=0)
    assert len(dataset.validation) == 10
    assert 5 < len(dataset.test) < 25
    assert len(dataset.train) + len(dataset.test) == 60
    for each in (photos / "val").rglob("*.png"):
        each.unlink()
    assert sum(counts(load(config(photos), seed=0))) == 60


def test_added_images_and_other_sizes_move_none_between_the_splits(photos: Path) -> None:
    fill(photos, "cat", "dog", count=40)
    held = load(config(photos), 0)
    before = {each.tobytes() for each in raw(held.test, held)}
    smaller = load(config(photos, image_size="6"), seed=3)
    assert len(smaller.test) == len(before)
    fill(photos, "bird", "cow", count=20, seed=50)
    now = load(config(photos), 1)
    assert before <= {each.tobytes() for each in raw(now.test, now)}


def test_copies_fall_on_the_same_side(photos: Path) -> None:
    fill(photos, "cat", "dog", count=30)
    for path in list(photos.rglob("*.png")):
        Image.open(path).save(path.with_suffix(".bmp"))  # the same image in another file
    dataset = load(config(photos), seed=0)
    test = [each.tobytes() for each in raw(dataset.test, dataset)]
    assert len(test) == 2 * len(set(test)) > 0


def test_the_cache_is_made_once_and_again_when_a_file_changes(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(photos, "cat", "dog")
    first = load(config(photos), seed=0)
    with monkeypatch.context() as patched:
        patched.setattr(cache, "decode_all", None)
        assert load(config(photos), seed=0).fingerprint == first.fingerprint
    save(photos / "cat/3.png", 99)
    assert load(config(photos), seed=0).fingerprint != first.fingerprint
    moved = photos.rename(photos.with_name("moved"))
    save(moved / "cat/3.png", 3)
    assert load(config(moved), seed=0).fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-100]),
        lambda file: file.write_bytes(bytes(len(file.read_bytes()))),
    ],
    ids=["deleted", "empty", "cut off", "zeros"],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_damaged_cache_is_made_again(
    photos: Path, suffix: str, damage: Callable[[Path], object]
) -> None:
    fill(photos, "cat", "dog")
    first = load(config(photos), seed=0)
    pixels = raw(first.train, first)
    (held,) = cache_folder().glob(f"images/*{suffix}")
    damage(held)
    again = load(config(photos), seed=0)
    assert again.fingerprint == first.fingerprint
    assert np.array_equal(raw(again.train, again), pixels)


def test_of_two_at_once_one_makes_the_cache(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(photos, "cat", "dog")
    made, decode_all, together = [], decoding.decode_all, Barrier(2, timeout=60)
    scanned = cache.cached

    def count(*arguments: Any) -> Any:
        made.append(arguments)
        return decode_all(*arguments)

    def start_together(*arguments: Any) -> Any:
        together.wait()
        return scanned(*arguments)

    monkeypatch.setattr(cache, "decode_all", count)
    monkeypatch.setattr(images, "cached", start_together)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: load(config(photos), seed=0), range(2))
    assert first.fingerprint == second.fingerprint
    assert len(made) == 1


def test_an_interrupted_cache_leaves_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(photos, "cat", "dog")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(decoding, "is_in_form", stop)
        with pytest.raises(KeyboardInterrupt):
            load(config(photos), seed=0)
    assert {each.suffix for each in (cache_folder() / "images").iterdir()} <= {".lock"}
    assert sum(counts(load(config(photos), seed=0))) == 24


def test_several_processes_give_what_one_gives(
    photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(photos, "cat", "dog", count=15, mode="RGB")
    (photos / "cat/bad.png").write_bytes(b"no image")
    alone = load(config(photos), seed=0)
    monkeypatch.setattr(decoding, "ALONE", 0)
    monkeypatch.setattr(decoding, "CHUNK", 4)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    together = load(config(photos), seed=0)
    assert together.fingerprint == alone.fingerprint
    assert np.array_equal(raw(together.train, together), raw(alone.train, alone))


def test_new_images_are_brought_to_the_same_form(photos: Path) -> None:
    fill(photos.with_name("mnist"), "one", "two", size=(30, 20))  # named as a published set
    dataset = load(config(photos.with_name("mnist"), image_size="12"), seed=0)
    form = form_of(dataset.spec, dataset.normalisation)
    held = {each.tobytes() for each in raw(dataset.train, dataset)}
    fitted = set()
    for path in photos.with_name("mnist").rglob("*.png"):
        with path.open("rb") as file:
            fitted.add(fit_image(decode(file)[0], form)[0].tobytes())
    assert held <= fitted
