"""The networks that are served on prompts, what they answer, and what clients may ask."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from sizewise.config import DataConfig
from sizewise.data import Dataset, load
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.predict.prompted import BYTES, SEED, TEMPERATURE, Prompted, Ways
from sizewise.records import RunRecord
from sizewise.serve.bodies import parse_body
from sizewise.serve.shelf import BaseShelf, Listed

MOST_BYTES = 1000  # in one request: others wait
MOST_CHARACTERS = 10_000  # of a prompt
EXPECTED = '{"prompt": "…"}, and of a text "bytes", "temperature" and "seed"'


class PromptBody(BaseModel):
    """What a client may ask; what is left out is as `Ways` has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: str = Field(max_length=MOST_CHARACTERS)
    bytes: int | None = Field(default=None, ge=1, le=MOST_BYTES)
    temperature: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    models: list[str] | None = Field(default=None, min_length=1)


def parse_prompt(body: bytes) -> PromptBody:
    """Return what a client asks.

    Raises:
        UserError: it is something else.
    """
    return parse_body(body, PromptBody, EXPECTED)


@dataclass
class ServedPrompted(Listed):
    """A trained network that answers prompts, with the record of its run."""

    network: Prompted
    record: RunRecord

    @property
    def spec(self) -> DataSpec:
        return self.network.spec

    def answer_once(self) -> Callable[[Tensor], object]:
        """It reads as much as it can."""
        return torch.no_grad()(self.network.model)

    def answer(self, asked: PromptBody) -> tuple[dict[str, Any], list[str]]:
        """Return what /predict says, and what has to be said of how the prompt was read.

        Raises:
            UserError: the network can't read it, or answer in such ways.
        """
        started = time.perf_counter()
        said = self.network.answer(asked.prompt, Ways(asked.bytes, asked.temperature, asked.seed))
        symbols = [{"text": each.text, "probability": each.probability} for each in said.symbols]
        return {
            "model": self.record.run_id,
            "latency_ms": self.latency_ms,
            "seconds": time.perf_counter() - started,
            "text": said.text,
            "symbols": symbols,
            "read": said.read,
            "attention": said.attention,
        }, said.notes


class PromptShelf(BaseShelf[ServedPrompted]):
    """Networks that answer prompts, served together; all know the same symbols.

    Args:
        served: one or more.
        data: the set to show samples of.

    Raises:
        UserError: the networks were trained on other sets.
    """

    script = ("common.js", "prompts.js")
    markup = "prompts.html"

    def __init__(self, served: list[ServedPrompted], data: DataConfig) -> None:
        super().__init__(served)
        self._config = data

    def reads(self, spec: DataSpec) -> object:
        """How much a network reads at a time may differ."""
        return spec.name, spec.task

    def about(self) -> dict[str, Any]:
        """Return what /models says."""
        network = self.served[0].network
        ways = {"bytes": BYTES, "temperature": TEMPERATURE, "seed": SEED}
        return {
            **super().about(),
            "kind": "text" if network.continues else "pair",
            "ways": ways if network.continues else None,
            "between": network.between,
        }

    def answer(self, asked: PromptBody) -> dict[str, Any]:
        """Return what each network that is asked says.

        Raises:
            UserError: there is no such network, or one can't answer.
        """
        told = [each.answer(asked) for each in self.asked(asked.models)]
        notes = dict.fromkeys(note for _, notes in told for note in notes)
        return {"answers": [answer for answer, _ in told], "notes": list(notes)}

    @functools.cached_property
    def _data(self) -> Dataset:
        return load(self._config, seed=0)  # the test split knows no seed

    def sample(self, index: int | None = None) -> dict[str, Any]:
        """Return a prompt from the test split, any by default, and what follows there.

        Raises:
            UserError: the data is not here, or has no sample of this index.
        """
        test = self._data.test
        if index is None:
            index = int(np.random.default_rng().integers(len(test)))
        if not 0 <= index < len(test):
            raise UserError(f"there is no test sample {index}; expected 0 to {len(test) - 1}")
        prompt, answers = self.served[0].network.sample(test.batch(slice(index, index + 1)))
        return {"index": index, "prompt": prompt, "answers": answers}
