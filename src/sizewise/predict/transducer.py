"""Networks that have learnt to answer a sequence of symbols with another.

Shapes: N prompts, S symbols of the longest, T symbols of an answer, V to choose from.
"""

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from sizewise.data.splits import Batch
from sizewise.errors import UserError
from sizewise.predict.prompted import USUAL, Prompted, Said, Symbol, Ways
from sizewise.training.checkpoint import SavedModel


class Transducer(Prompted):
    """Answers with the likeliest symbol each time, until it says that it is done."""

    continues = False
    does = "answers a sequence of symbols with another"

    def __init__(self, saved: SavedModel, allow_code: Collection[str] = ()) -> None:
        super().__init__(saved, allow_code)
        given = self.spec.source_names
        self.numbers = {name: number for number, name in enumerate(given)}
        self.parting = _between(given)
        self.between = _between(self.spec.answer_names[1:])
        self.example = self.parting.join(given[:4])

    def answer(self, prompt: str, ways: Ways = USUAL) -> Said:
        """Return the answer to symbols, parted by spaces where one has several characters.

        Raises:
            UserError: there is none, the network does not know one, or a way is asked for.
        """
        if ways != USUAL:
            raise UserError(
                f"{self.spec.name} is answered with the likeliest symbols: expected neither bytes "
                "nor a temperature nor a seed, which are of texts"
            )
        return self.answer_all([prompt])[0]

    @torch.no_grad()
    def answer_all(self, prompts: Sequence[str]) -> list[Said]:
        """Return the answer to each prompt.

        Raises:
            UserError: one can't be read; see `read`.
        """
        read = [self.read(each) for each in prompts]
        lengths = torch.tensor([len(each) for each, _ in read])
        inputs = torch.zeros(len(read), int(lengths.max()), dtype=torch.int64)
        for row, (numbers, _) in enumerate(read):
            inputs[row, : len(numbers)] = torch.tensor(numbers)
        attending = getattr(self.model, "forward_with_weights", None)
        if attending is None:
            logits, weights = self.model(inputs, lengths), None
        else:
            logits, weights = attending(inputs, lengths)
        return [
            self._said(shares, numbers, notes, None if weights is None else weights[row])
            for row, (shares, (numbers, notes)) in enumerate(
                zip(logits.double().softmax(dim=2), read, strict=True)
            )
        ]

    def read(self, prompt: str) -> tuple[list[int], list[str]]:
        """Return a prompt's symbols by number, and what has to be said of how they were read.

        Raises:
            UserError: there is none, or the network does not know one.
        """
        found, notes = [], []
        for symbol in prompt.split() if self.parting else prompt.strip():
            known = next(
                (e for e in (symbol, symbol.lower(), symbol.upper()) if e in self.numbers), ""
            )
            if not known:
                names = ", ".join(self.spec.source_names)
                raise UserError(f"{symbol!r} is no symbol of {self.spec.name}: expected of {names}")
            if known != symbol:
                notes = ["read without regard to capitals"]
            found.append(self.numbers[known])
        if not found:
            raise UserError(f"nothing is asked: expected symbols, as {self.example}")
        if len(found) > self.spec.input_shape[0]:
            most = self.spec.input_shape[0]
            notes.append(f"{len(found)} symbols, and the longest in {self.spec.name} has {most}")
        return found, notes

    def _said(
        self, shares: Tensor, numbers: list[int], notes: list[str], weights: Tensor | None
    ) -> Said:
        """Return an answer, of probabilities (T, V), to symbols (S,) that T attended to, (T, S)."""
        said = shares.argmax(dim=1).tolist()
        length = said.index(0) if 0 in said else len(said)
        if length == len(said):
            notes = [*notes, f"the answer had no end, and is cut after {length} symbols"]
        taken = shares.amax(dim=1).tolist()[: length + 1]
        names = [self.spec.answer_names[each] for each in said[:length]]
        attends = weights is not None and weights.shape[1] > 0
        return Said(
            list(map(Symbol, names, taken)),
            notes,
            self.between.join(names),
            math.prod(taken),
            [self.spec.source_names[each] for each in numbers],
            weights[:length, : len(numbers)].tolist() if attends and weights is not None else None,
        )

    def sample(self, batch: Batch) -> tuple[str, list[str]]:
        """Return a sequence, and the answers that are accepted."""
        assert batch.lengths is not None
        given = batch.inputs[0, : batch.lengths[0]].tolist()
        names = self.spec.answer_names
        answers = [
            [names[each] for each in answer if each > 0] for answer in batch.targets[0].tolist()
        ]
        prompt = self.parting.join(self.spec.source_names[each] for each in given)
        return prompt, [self.between.join(each) for each in answers if each]


def _between(names: Sequence[str]) -> str:
    """Return what stands between symbols: nothing where each is one character."""
    return "" if all(len(each) == 1 for each in names) else " "
