"""Sounds in folders of one's own: what is read, how it is divided, and what is kept of it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from sizewise.data import Dataset, load
from sizewise.data.lengths import Sequences
from sizewise.data.own import sounds
from sizewise.errors import UserError
from tests.data.own.clips import RATE, fill, save, sweep
from tests.data.own.photos import config, counts
from tests.data.own.photos import save as save_image

Said = pytest.CaptureFixture[str]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    fill(tmp_path / "clips", 12)
    return tmp_path / "clips"


def lengths(dataset: Dataset) -> list[int]:
    splits = (dataset.train, dataset.validation, dataset.test)
    return [int(each) for split in splits if isinstance(split, Sequences) for each in split.lengths]


def test_sounds_are_sequences_of_their_own_lengths(clips: Path, capsys: Said) -> None:
    dataset = load(config(clips), seed=0)
    assert dataset.spec.class_names == ("down", "up")
    assert (dataset.spec.unequal, dataset.spec.sound_rate) == (True, RATE)
    assert dataset.spec.input_shape == (40, max(lengths(dataset)))
    assert len(set(lengths(dataset))) == 12
    assert "24 sounds as the log energy of 40 mel bands in 25 ms" in capsys.readouterr().err
    train = dataset.train
    assert isinstance(train, Sequences)
    steps = np.concatenate(
        [each[:, :end] for each, end in zip(train.inputs.numpy(), train.lengths, strict=True)], 1
    )
    assert steps.mean(axis=1) == pytest.approx(0, abs=1e-4)
    assert steps.std(axis=1) == pytest.approx(1, abs=1e-4)


def test_the_test_split_follows_from_the_sounds_and_copies_fall_on_one_side(clips: Path) -> None:
    alone = load(config(clips), seed=0)
    for path in list(clips.rglob("*.wav")):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
    twice = load(config(clips), seed=1)
    assert len(twice.test) == 2 * len(alone.test) > 0


def test_splits_of_the_folder_are_kept(tmp_path: Path) -> None:
    for seed, (split, count) in enumerate((("train", 8), ("val", 2), ("test", 3))):
        fill(tmp_path / "clips" / split, count, seed=seed)
    assert counts(load(config(tmp_path / "clips"), seed=0)) == [16, 4, 6]


def test_what_has_another_rate_is_brought_to_the_commonest_and_it_is_said(
    clips: Path, capsys: Said
) -> None:
    save(clips / "up/fast.wav", sweep(True, 99, 0.2, 44_100), 44_100)
    save(clips / "up/both.wav", np.stack([sweep(True, 98, 0.2)] * 2, axis=1))
    assert load(config(clips), seed=0).spec.sound_rate == RATE
    said = capsys.readouterr().err
    assert "resampled to 8,000: 1" in said
    assert "2 channels averaged: 1" in said


def test_what_can_not_be_read_is_left_out_and_said(clips: Path, capsys: Said) -> None:
    (clips / "up/empty.wav").touch()
    (clips / "up/text.WAV").write_text("hello")
    (clips / "up/nothing.wav").symlink_to("nowhere")
    (clips / "up/._0.wav").write_text("hidden")
    (clips / "up/notes.txt").write_text("notes")
    assert sum(counts(load(config(clips), seed=0))) == 24
    said = capsys.readouterr().err
    assert "3 of 27 can't be read and are left out: up/empty.wav (not a .wav" in said
    assert "up/nothing.wav (no such file or directory)" in said
    assert "files that are no sounds (.txt), left out: 1" in said


def test_a_folder_of_both_kinds_and_a_size_for_sounds_are_refused(clips: Path) -> None:
    with pytest.raises(UserError, match=r"data\.image_size=32 is for images, and .* holds s"):
        load(config(clips, image_size="32"), seed=0)
    save_image(clips / "up/1.png")
    with pytest.raises(UserError, match=r"holds images \(1\) and sounds \(24\): expected one"):
        load(config(clips), seed=0)


def test_what_memory_does_not_hold_is_refused(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "MOST_MEMORY", 1e-9)
    with pytest.raises(UserError, match=r"24 sounds take .* each the room of the longest"):
        load(config(clips), seed=0)


def test_sounds_of_which_none_can_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "clips/up").mkdir(parents=True)
    (tmp_path / "clips/up/1.wav").write_text("hello")
    with pytest.raises(UserError, match="1 of 1 can't be read"):
        load(config(tmp_path / "clips"), seed=0)
