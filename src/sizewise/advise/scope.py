"""What is asked: the data, the families and sizes that are looked through, each trial's config."""

import hashlib
import json
import math
import shlex
from collections.abc import Sequence
from typing import Any

from sizewise.advise.known import Trial
from sizewise.config import Config
from sizewise.config.as_train import compose
from sizewise.errors import UserError
from sizewise.models import find_class
from sizewise.place import CONF
from sizewise.run.budget import flops_of_training
from sizewise.run.data import load_for
from sizewise.run.identity import architecture_of
from sizewise.tasks import find_task
from sizewise.threads import available_cores
from sizewise.training.loop import total_steps

INNER_TEST = 0.2  # of the training samples, on which the search is scored
FAMILIES = {"image": ("cnn", "mlp"), "sequence": ("cnn", "lstm", "attention"), "row": ("mlp",)}
REFERENCES = {"row": ("gradient_boosting", "random_forest")}
OTHER_REFERENCES = ("random_forest", "linear")
SMALLEST, LARGEST, GROWTH = 250, 10_000_000, 4  # parameters
RUNS_HOPED_FOR = 40  # within the budget: a run of 4k parameters may take no larger share of it
FEWEST_STEPS = 50


class Scope:
    """What is looked through, and for how long.

    `sizes` are those that each family grows through, with the FLOPs of a training step; `dataset`
    is the search's, whose test split lies within the training samples.

    Args:
        overrides: as for train.py, without the model.
        families: of networks; None takes those that suit the data.
        budget: seconds for all of it.

    Raises:
        UserError: the data can't be had, or no family can read them.
    """

    def __init__(
        self, overrides: Sequence[str], families: Sequence[str] | None, budget: float
    ) -> None:
        self.overrides, self.budget, self._named = list(overrides), budget, families
        self._configs: dict[str, Config] = {}
        config = self.config_of_family(families[0] if families else "mlp")
        searching = config.data.model_copy(update={"inner_test": INNER_TEST})
        self.dataset = load_for(config.model_copy(update={"data": searching}))
        self.spec = self.dataset.spec
        self.families = self._readable()
        self.config = self.config_of_family(self.families[0])
        self.asked: dict[str, Any] = self.config.answer.model_dump()
        self.sizes = {family: self._sizes(family) for family in self.families}
        self.measure = find_task(self.spec.task).measure
        self.jobs = available_cores()
        what = [sorted(overrides), families, self.dataset.fingerprint]
        self.key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
        self.name = f"{self.spec.name}-{self.key[:6]}"

    @property
    def command(self) -> str:
        """Return what was typed."""
        models = [f"model={','.join(self._named)}"] if self._named else []
        budget = f"budget={self.budget:g}s"
        return shlex.join(["sizewise", "advise", *self.overrides, *models, budget])

    @property
    def references(self) -> list[str]:
        """Return the classical families to compare with."""
        wanted = REFERENCES.get(self.spec.kind, OTHER_REFERENCES)
        numbers = self.spec.task == "regress"
        return [each for each in wanted if not numbers or _tells_numbers(each)]

    def config_of_family(self, family: str) -> Config:
        """Return the config that is typed, with this family."""
        if family not in self._configs:
            self._configs[family] = compose([*self.overrides, f"model={family}"], CONF)
        return self._configs[family]

    def config_of(self, trial: Trial, *, inner: bool) -> tuple[Config, list[str]]:
        """Return a trial's config, and the overrides that give it.

        Args:
            trial: what is to be trained.
            inner: whether it is scored within the training samples.
        """
        config = self.config_of_family(trial.family)
        own: dict[str, Any] = {"seed": trial.seed}
        training: dict[str, Any] = {}
        if trial.size is not None:
            epoch = math.ceil(len(self.dataset.train) / config.training.batch_size)
            own["size"] = trial.size
            training = {
                "epochs": math.ceil(trial.steps / epoch),
                "max_steps": trial.steps,
                "learning_rate": trial.rate,
            }
        data = {"inner_test": INNER_TEST} if inner else {}
        typed = [*self.overrides, f"model={trial.family}"]
        for prefix, values in (("", own), ("training.", training), ("data.", data)):
            typed += [f"{prefix}{name}={value}" for name, value in values.items()]
        changed = {
            **own,
            "training": config.training.model_copy(update=training),
            "data": config.data.model_copy(update=data),
        }
        return config.model_copy(update=changed), typed

    def first_steps(self, step_seconds: float) -> int:
        """Return the config's own steps, or as many as the budget has room for.

        Args:
            step_seconds: of the slowest family.
        """
        own = total_steps(self.config.training, len(self.dataset.train))
        room = self.jobs * self.budget / RUNS_HOPED_FOR / step_seconds
        return int(min(own, max(room, FEWEST_STEPS)))

    def _readable(self) -> list[str]:
        """Return the families of networks; those that were not named may not suit the data."""
        kind = self.spec.kind
        if kind not in FAMILIES:
            raise UserError(
                f"advise is for images, sequences and tables, and {self.spec.name} is of symbols: "
                "expected experiment=text or seq2seq of train.py"
            )
        found = []
        for family in self._named or FAMILIES[kind]:
            try:
                self._flops(family, None)
            except UserError:
                if self._named:
                    raise
                continue
            found.append(family)
        return found

    def _flops(self, family: str, size: int | None) -> float:
        """Return the FLOPs of a training step; by the parameters where they can't be counted."""
        config = self.config_of_family(family).model_copy(update={"size": size})
        each = flops_of_training(architecture_of(config, self.spec), self.spec)
        per_sample = each or 6 * (size or config.model.width or 1)  # Kaplan et al., 2020
        return float(per_sample * config.training.batch_size)

    def _sizes(self, family: str) -> dict[int, float]:
        found, size = dict[int, float](), SMALLEST
        while size <= LARGEST:
            try:
                found[size] = self._flops(family, size)
            except UserError:  # below the family's smallest
                if found:
                    break
            size *= GROWTH
        if not found:
            raise UserError(
                f"model={family} has no sizes to look through: expected a network that grows with "
                "its width"
            )
        return found


def _tells_numbers(family: str) -> bool:
    return bool(getattr(find_class(family), "regressor_name", None))
