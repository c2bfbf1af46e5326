"""Every config key, with its type and its range: strict, and nothing else is allowed.

The YAML files in conf/ hold the values, their comments and nothing that is not a field here.
"""

import os
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sizewise.config.values import (
    MOST_SHOWN,
    Augment,
    Bytes,
    Count,
    ImageSize,
    LabelNoise,
    NotNegative,
    Percent,
    Place,
    Positive,
    Seed,
    Size,
    StoreUri,
    Text,
    Time,
)
from sizewise.errors import UserError

LONGEST = 1000  # sequence of data=reverse, in letters


class Section(BaseModel):
    """A group of keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ModelConfig(Section):
    """The network. `target`, in configs `_target_`, names a class of one's own in its place."""

    family: Text
    width: Annotated[int, Field(ge=1, le=10**7)] | None
    depth: Annotated[int, Field(ge=1, le=1000)] | None
    target: Text | None = Field(alias="_target_")
    init: Literal["pytorch"] | None = None  # a run's config from before there was a choice lacks it

    @property
    def name(self) -> str:
        """The family as it is shown and grouped by: the class's own name for a user's class."""
        return self.target.rpartition(".")[2].lower() if self.target else self.family


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


class TrainingConfig(Section):
    """How long and how the network is trained. None switches a limit or a method off."""

    epochs: Annotated[int, Field(ge=1, le=10**6)]
    max_steps: Annotated[int, Field(ge=1, le=10**12)] | None
    flops: Positive | None = None  # a run's config from before there was a choice lacks it
    stop_loss: Positive | None
    patience: Count | None
    batch_size: Annotated[int, Field(ge=1, le=10**7)]
    learning_rate: Positive
    schedule: Literal["constant", "one_cycle", "cosine"]
    clip_grad_norm: Positive | None
    # A run's config from before there was a choice lacks these.
    optimizer: Literal["adam", "adamw", "keras_adam", "sgd"] = "adam"
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None = None
    weight_decay: NotNegative | None = None
    augment: Augment | None = Field(
        default=None, description="flip, shift, crop, or several as flip+shift"
    )
    class_weights: Literal["balanced"] | None = None
    keep: Literal["last"] | None = None

    @model_validator(mode="after")
    def _momentum_is_for_sgd(self) -> Self:
        if self.momentum is not None and self.optimizer != "sgd":
            raise UserError(
                f"training.momentum={self.momentum:g} does not go with training.optimizer="
                f"{self.optimizer}: expected training.optimizer=sgd or training.momentum=null"
            )
        return self


class TrackingConfig(Section):
    """Where MLflow keeps the runs."""

    uri: StoreUri
    experiment: Text
    artifacts: Place | None


class SweepConfig(Section):
    """What a sweep does beyond its runs."""

    on_failure: Literal["continue", "stop"]


class AnswerConfig(Section):
    """What is good enough, by the words of `report.goal`. None takes the measure's own."""

    tolerance: Percent | None = Field(
        default=None, description="points, as 0.5, or a share, as 10%"
    )
    target: Percent | None = Field(default=None, description="an error, as 3%")
    latency: Time | None = Field(default=None, description="a time with its unit, as 2ms")
    bytes: Bytes | None = Field(default=None, description="a size with its unit, as 50kB")
    train_seconds: Positive | None = None


class UntilConfig(Section):
    """Until when a sweep goes on by its report's own proposals; None runs what was typed alone."""

    minutes: Positive | None = None


class Shared(Section):
    """What the runs of a sweep have in common, and its parent reads."""

    tracking: TrackingConfig
    sweep: SweepConfig
    rerun: bool
    # A run's config from before there were these lacks them.
    answer: AnswerConfig = AnswerConfig()
    until: UntilConfig = UntilConfig()


class Config(Shared):
    """One run, whole."""

    model: ModelConfig
    data: AnyData
    training: TrainingConfig
    size: Size
    features: Literal["raw", "hog", "signal"] | None
    seed: Seed
    # A run's config from before there was a choice lacks these.
    explain: Annotated[int, Field(ge=1, le=1000)] | None = None
    parametrization: Literal["mup"] | None = None
    device: Annotated[
        str,
        Field(
            pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:N or mps"
        ),
    ]
    threads: Annotated[int, Field(ge=1, le=1024)] | None
    checkpoint_minutes: Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)]
    resume: bool | None

    @model_validator(mode="after")
    def _mup_is_for_adam(self) -> Self:
        optimizer, decay = self.training.optimizer, self.training.weight_decay
        if self.parametrization is not None and optimizer == "sgd":
            raise UserError(
                "parametrization=mup scales the rates of Adam, and not of training.optimizer=sgd: "
                "expected training.optimizer=adam, adamw or keras_adam, or parametrization=null"
            )
        if self.parametrization is not None and optimizer == "adam" and decay:
            raise UserError(
                f"parametrization=mup has no rule for training.weight_decay={decay:g} in the "
                "gradient, where training.optimizer=adam adds it: expected "
                "training.optimizer=adamw or training.weight_decay=null"
            )
        return self
