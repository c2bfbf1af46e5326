"""Samples with their labels, as they are found, made into a data set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sizewise.config import OwnConfig
from sizewise.data.arrays import Arrays
from sizewise.data.rows import Inputs, taken
from sizewise.data.splits import carve_test
from sizewise.errors import UserError, say_once

SPLITS = ("train", "val", "test")
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
    """

    inputs: Inputs
    labels: np.ndarray
    keys: Sequence[bytes]
    given: np.ndarray | None = None
    groups: np.ndarray | None = None

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
        given = np.zeros(len(targets), int) if self.given is None else self.given
        in_test, held_out = (given == SPLITS.index(each) for each in ("test", "val"))
        if not in_test.any():
            in_test = choose_test(self.keys, config.test_fraction, targets, held_out)
        self._check(path, names, targets, in_test, held_out)
        of_training = ~in_test
        return Arrays(
            train_inputs=taken(self.inputs, of_training),
            train_targets=targets[of_training],
            test_inputs=taken(self.inputs, in_test),
            test_targets=targets[in_test],
            class_names=tuple(map(str, names)),
            name=path.resolve().name if path.is_dir() else path.stem,
            validation=held_out[of_training] if held_out.any() else None,
            groups=None if self.groups is None else self.groups[of_training],
        )

    def _check(
        self,
        path: Path,
        names: np.ndarray,
        targets: np.ndarray,
        in_test: np.ndarray,
        held_out: np.ndarray,
    ) -> None:
        """Say which classes the test split lacks; refuse those that training lacks."""
        learnt, tested = (
            Counter(targets[each].tolist()) for each in (~in_test & ~held_out, in_test)
        )
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
