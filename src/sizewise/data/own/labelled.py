"""Samples with their labels, as they are found, made into a data set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sizewise.config import OwnConfig, SamplesConfig
from sizewise.data.arrays import Arrays
from sizewise.data.rows import Inputs, taken
from sizewise.data.splits import carve_test
from sizewise.errors import UserError, printable, say_once

SPLITS = ("train", "val", "test")
TRAIN, VALIDATION, TEST = range(3)
LEFT_OUT = -1
SHOWN = 5  # names, at most, in a line


@dataclass(frozen=True)
class Labelled:
    """Samples as they are found.

    Args:
        inputs: (N, C, *S).
        labels: of each sample, words or whole numbers, (N,).
        keys: of each sample, its content, or the name of its group, by which the test split is
            chosen where none is given.
        given: of each sample, its place in `SPLITS`, (N,), where splits are given.
        groups: of each sample, where some belong together, (N,).
        told: what the spec says besides, by its fields' names.
    """

    inputs: Inputs
    labels: np.ndarray
    keys: Sequence[bytes]
    given: np.ndarray | None = None
    groups: np.ndarray | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self, config: OwnConfig) -> Arrays:
        """Return the set with its test split: the one given, or chosen by what samples are.

        Raises:
            UserError: there are fewer than two classes, or splits that can't be learnt from.
        """
        path = Path(config.path)
        names = np.unique(self.labels)
        if len(names) < 2:
            raise UserError(
                f"{path} holds {listed(names, 'no class', 'one class, ')}: expected samples of "
                "two classes or more"
            )
        targets = np.searchsorted(names, self.labels)
        places = self.places(config)
        if isinstance(config, SamplesConfig):
            self._see_to_leaks(config, places)
        in_test, held_out, learnt = (places == each for each in (TEST, VALIDATION, TRAIN))
        self._check(path, names, targets, in_test, learnt)
        of_training = learnt | held_out
        return Arrays(
            train_inputs=taken(self.inputs, of_training),
            train_targets=targets[of_training],
            test_inputs=taken(self.inputs, in_test),
            test_targets=targets[in_test],
            class_names=tuple(map(_name, names)),
            name=path.resolve().name if path.is_dir() else path.stem,
            validation=held_out[of_training] if held_out.any() else None,
            groups=None if self.groups is None else self.groups[of_training],
            told=self.told,
        )

    def places(self, config: OwnConfig) -> np.ndarray:
        """Return the place of each sample in `SPLITS`, (N,): given, or chosen by what it is."""
        places = np.zeros(len(self.labels), int) if self.given is None else self.given.copy()
        if not (places == TEST).any():
            targets = np.unique(self.labels, return_inverse=True)[1]
            held_out = places == VALIDATION
            places[choose_test(self.keys, config.test_fraction, targets, held_out)] = TEST
        return places

    def leaked(self, places: np.ndarray) -> np.ndarray:
        """Return which samples that are learnt from are in the test split too, (N,), bool."""
        tested = {key for key, place in zip(self.keys, places, strict=True) if place == TEST}
        twice = np.array([key in tested for key in self.keys], bool)
        twice &= places != TEST
        return twice

    def _see_to_leaks(self, config: SamplesConfig, places: np.ndarray) -> None:
        """Say what is in training and in testing, and leave it out of training if asked to."""
        leaked = self.leaked(places)
        if not leaked.any():  # as where the test split is chosen by what samples are
            return
        found = f"{config.path}: {leaked.sum():,} samples to learn from are in the test split too"
        if config.drop_leaks:
            places[leaked] = LEFT_OUT
            say_once(f"{found}, and are left out")
        else:
            say_once(f"{found}: data.drop_leaks=true leaves them out of training")

    def _check(
        self,
        path: Path,
        names: np.ndarray,
        targets: np.ndarray,
        in_test: np.ndarray,
        of_training: np.ndarray,
    ) -> None:
        """Say which classes the test split lacks; refuse those that training lacks."""
        learnt, tested = (Counter(targets[each].tolist()) for each in (of_training, in_test))
        if missing := [index for index in range(len(names)) if not learnt[index]]:
            where = "test" if all(tested[index] for index in missing) else "validation or test"
            raise UserError(
                f"{path}: {listed(names[missing])} is in the {where} split alone: add samples to "
                "learn it from, or leave the class out"
            )
        if not tested:
            raise UserError(
                f"{path}: no sample of {len(targets)} falls to the test split: add samples, or set "
                "data.test_fraction higher"
            )
        if untested := [name for index, name in enumerate(names) if not tested[index]]:
            say_once(f"{path}: the test split has no sample of {listed(untested)}")


def choose_test(
    keys: Sequence[bytes], fraction: float, targets: np.ndarray, held_out: np.ndarray | None = None
) -> np.ndarray:
    """Choose a test split as `carve_test` does, less the classes that would be in it alone.

    A class too small to be divided is learnt from, and with it all samples of the same keys.

    Args:
        keys: of each sample, its content or the name of its group.
        fraction: the share of the keys that goes to the test split, on average.
        targets: class indices, (N,).
        held_out: which samples are for validation, (N,), bool, where that is given.
    """
    free = np.ones(len(targets), bool) if held_out is None else ~held_out
    in_test: np.ndarray = carve_test(keys, fraction) & free
    learnt = np.bincount(targets[~in_test & free], minlength=targets.max() + 1)
    lost = in_test & (learnt[targets] == 0)
    alone = {key for key, is_lost in zip(keys, lost, strict=True) if is_lost}
    in_test &= np.array([key not in alone for key in keys], dtype=bool)
    return in_test


def listed(names: Sequence[str] | np.ndarray, none: str = "", before: str = "") -> str:
    """Return the first few of `names`, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return before + ", ".join(map(str, names[:SHOWN])) + more if len(names) else none


def _name(label: np.generic) -> str:
    """Return a class's name, in one line."""
    return printable(label.decode(errors="replace") if isinstance(label, bytes) else str(label))
