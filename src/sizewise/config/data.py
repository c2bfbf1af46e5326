"""The keys of data sets: of all, and of those that have keys of their own."""

import os
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sizewise.config.section import Section
from sizewise.config.values import MOST_SHOWN, Count, ImageSize, LabelNoise, Place, Seed, Text
from sizewise.errors import UserError

LONGEST = 1000  # sequence of data=reverse, in letters


class DataConfig(Section):
    """The data set and how validation is carved out of it; with a fraction of 0 there is none."""

    name: Text
    root: Place
    validation_fraction: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
    train_samples: Count | None
    # A run's config from before there was a choice lacks these.
    label_noise: LabelNoise | None = None
    label_noise_kind: Literal["uniform", "pairs"] | None = None
    inner_test: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None

    @field_validator("label_noise_kind")
    @classmethod
    def _kind_of_something(cls, kind: str | None, known: ValidationInfo) -> str | None:
        """Without noise its kind changes nothing, and must not make another run."""
        return kind if known.data.get("label_noise") else None


class Mnist1dConfig(DataConfig):
    """MNIST-1D's own arguments; `seed` here is the generator's, not the run's."""

    num_samples: Annotated[int, Field(ge=100, le=10**7)]
    shuffle_seq: bool
    seed: Seed
    # A run's config from before there was a choice lacks it.
    test_samples: Annotated[int, Field(ge=1, le=10**7)] | None = None


def _lengths(given: Any) -> list[int] | None:
    lengths = given if isinstance(given, list) else [given]
    if given is not None and not all(
        type(each) is int and 1 <= each <= LONGEST for each in lengths
    ):
        raise UserError(
            f"data.test_lengths={str(given)[:MOST_SHOWN]} is out of range: expected lengths from 1 "
            f"to {LONGEST}, as data.test_lengths=[6,12]"
        )
    return None if given is None else lengths


class ReverseConfig(DataConfig):
    """Sequences of `shortest` to `length` letters; `seed` is the generator's, not the run's."""

    length: Annotated[int, Field(ge=1, le=LONGEST)]
    shortest: Annotated[int, Field(ge=1, le=LONGEST)]
    alphabet: Annotated[int, Field(ge=2, le=26)]
    num_samples: Annotated[int, Field(ge=100, le=10**7)]
    seed: Seed
    test_lengths: Annotated[list[int] | None, PlainValidator(_lengths)]

    @model_validator(mode="after")
    def _shortest_is_not_longer(self) -> Self:
        if self.shortest > self.length:
            raise UserError(
                f"data.shortest={self.shortest} is more than data.length={self.length}: expected "
                f"at most {self.length}"
            )
        return self


class TextConfig(DataConfig):
    """A text, read in windows of so many bytes."""

    window: Annotated[int, Field(ge=1, le=10**6)]


class OwnConfig(DataConfig):
    """Data of one's own, at `path`; `test_fraction` of them are the test split if none is there."""

    path: Annotated[Place, AfterValidator(os.path.abspath)]  # read from elsewhere later
    test_fraction: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class OwnTextConfig(OwnConfig, TextConfig):
    """Texts of one's own."""


class SamplesConfig(OwnConfig):
    """Samples that are known by their content; those of a given test split may be in training."""

    drop_leaks: bool | None = None


class FolderConfig(SamplesConfig):
    """Images or sounds in folders, and the size that images are brought to."""

    image_size: ImageSize


def _names(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(each and isinstance(each, str) for each in names):
        raise UserError(
            f"data.drop={str(given)[:MOST_SHOWN]} has the wrong type: expected names of columns, "
            "as data.drop=[id,date]"
        )
    return names


class TableConfig(OwnConfig):
    """A table of one's own. `group`, `order_by`, `id` and `time` are columns, and no features."""

    target: Text | None
    drop: Annotated[list[str], PlainValidator(_names)]
    task: Literal["classify", "regress"] | None
    group: Text | None
    order_by: Text | None
    id: Text | None
    time: Text | None


DATA_CONFIGS: dict[str, type[DataConfig]] = {  # of sets with keys of their own
    "arrays": SamplesConfig,
    "folder": FolderConfig,
    "table": TableConfig,
    "text": OwnTextConfig,
    "mnist1d": Mnist1dConfig,
    "reverse": ReverseConfig,
    "stdlib": TextConfig,
    "pydoc": TextConfig,
    "kjv": TextConfig,
}


def _data(given: Any) -> DataConfig:
    """Check a data config by the class of the set that it names."""
    name = given.get("name") if isinstance(given, dict) else None
    kind = DATA_CONFIGS.get(name, DataConfig) if isinstance(name, str) else DataConfig
    return given if isinstance(given, DataConfig) else kind.model_validate(given)


AnyData = Annotated[SerializeAsAny[DataConfig], PlainValidator(_data)]
