"""What a model needs to know of the data it is built for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Column:
    """One column of a table, and how its values become numbers.

    Args:
        name: as in the file's first line.
        mean: of the rows that were learnt from; it stands where a number is missing.
        categories: where values are texts; each has a number, 1 in the rows that are of it.
        flagged: whether one number more is 1 where the value is missing.
    """

    name: str
    mean: float = 0.0
    categories: tuple[str, ...] = ()
    flagged: bool = False


@dataclass(frozen=True)
class TableForm:
    """How rows become samples (C, 1), or sequences (C, T) with a row for each step.

    Args:
        columns: that are read, in this order.
        target: the column that is learnt.
        mean, std: of a target that is a number, over the rows that were learnt from.
        id, time: the columns that say of which sequence a row is a step, and of which step; empty
            where a row is a sample.
    """

    columns: tuple[Column, ...]
    target: str
    mean: float = 0.0
    std: float = 1.0
    id: str = ""
    time: str = ""


@dataclass(frozen=True)
class DataSpec:
    """The shape of one data set, and what is asked of it.

    Files of trained networks hold these fields: new ones need a default.

    Args:
        name: the data set's name, as in `data=NAME`.
        input_shape: of one sample, channels first: (C, L) for sequences, (C, H, W) for images; of
            tokens (T,).
        class_names: one name per class, in the order of the labels, where there are classes.
        task: of `sizewise.tasks`.
        num_tokens: how many different tokens there are, where inputs are tokens; else 0.
        per_step: whether a network answers after each step, knowing only those before.
        outputs: numbers in one answer, where these are neither classes nor tokens; else 0.
        own: whether it is data of the user's own, of whatever name.
        table: how the rows of a table become samples, where the data are one.
        unequal: whether sequences may end before the last of the L steps.
        sound_rate: samples a second of the sounds that sequences are frames of; else 0.
        source_names: the symbols of what is given, by number, where a sequence of symbols (T,) is
            answered with another, as task `transduce` asks; else none. Each has its own length.
        answer_names: the symbols of the answers, by number. 0 is the boundary: the end of an
            answer, and what decoding begins from.
        longest_answer: how many symbols the longest has, its end included; a network's own answer
            has at most as many.
    """

    name: str
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    task: str = "classify"
    num_tokens: int = 0
    per_step: bool = False
    outputs: int = 0
    own: bool = False
    table: TableForm | None = None
    unequal: bool = False
    sound_rate: int = 0
    source_names: tuple[str, ...] = ()
    answer_names: tuple[str, ...] = ()
    longest_answer: int = 0

    @classmethod
    def restored(cls, fields: Mapping[str, Any]) -> "DataSpec":
        """Return the spec whose `asdict` was kept."""
        table = fields.get("table")
        if table is None:
            return cls(**fields)
        columns = tuple(Column(**each) for each in table["columns"])
        return cls(**{**fields, "table": TableForm(**{**table, "columns": columns})})

    @property
    def kind(self) -> str:
        """What a sample is: `image`, `sequence`, `tokens`, `pair`, or `row` of a table."""
        if self.answer_names:
            return "pair"
        if self.num_tokens:
            return "tokens"
        if self.table is not None and not self.table.id:
            return "row"
        return "image" if len(self.input_shape) == 3 else "sequence"

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def num_outputs(self) -> int:
        """Numbers in one answer of a network."""
        return self.outputs or len(self.answer_names) or self.num_tokens or self.num_classes

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Of a network's answer to one sample: (K,), or (T, K) where it has T steps."""
        if self.kind == "pair":
            return (self.longest_answer, self.num_outputs)
        steps = self.input_shape[-1:] if self.per_step else ()
        return (*steps, self.num_outputs)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """The axes a convolution slides over: (L,) or (H, W)."""
        return self.input_shape[1:]

    @property
    def num_features(self) -> int:
        """Numbers in one sample, flattened."""
        return math.prod(self.input_shape)

    @property
    def is_image(self) -> bool:
        """Whether a sample is an image that can be shown: grey or in colour."""
        return len(self.input_shape) == 3 and self.input_shape[0] in (1, 3)

    @property
    def sequence_shape(self) -> tuple[int, int]:
        """(T, F) as a recurrent network reads a sample.

        A sequence (C, L) is L steps of C features; an image (C, H, W) is read row by row, as H
        steps of C·W features.
        """
        channels, steps, *rest = self.input_shape
        return steps, channels * math.prod(rest)

    def random_batch(self, batch_size: int, device: torch.device | str = "cpu") -> Tensor:
        """Return made-up inputs (B, ...), always the same, to try a network on.

        Sequences of unequal length are all as long as the longest.
        """
        generator = torch.Generator().manual_seed(0)
        shape = (batch_size, *self.input_shape)
        if symbols := self.num_tokens or len(self.source_names):
            return torch.randint(symbols, shape, generator=generator).to(device)
        return torch.randn(shape, generator=generator).to(device)
