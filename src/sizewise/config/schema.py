"""Every config key, with its type and its range: strict, and nothing else is allowed.

The YAML files in conf/ hold the values, their comments and nothing that is not a field here. The
keys of data sets are in `data`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sizewise.config.data import AnyData
from sizewise.config.section import Section
from sizewise.config.values import (
    Augment,
    Bytes,
    Count,
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
    each_step: bool = False  # a run's config from before there was a choice lacks it


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
    # A run's config from before there was a choice lacks it. None is float32, in a run's record.
    precision: Literal["auto", "float32", "bfloat16"] | None = "auto"
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
