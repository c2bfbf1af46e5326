"""Networks that are asked by a prompt, and answer with one symbol after the other.

Shapes: T bytes that a network reads at a time, V symbols to choose from.
"""

import codecs
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from sizewise.data.splits import Batch
from sizewise.errors import UserError
from sizewise.predict.trust import check_code
from sizewise.training.checkpoint import SavedModel

BYTES, TEMPERATURE, SEED = 200, 0.8, 0
MOST_BYTES = 100_000
START = "\n"  # stands for an empty prompt: a network continues one byte at least


class Ways(NamedTuple):
    """How a text is continued; None is the default.

    Args:
        bytes: how many are added; a character that they would cut is brought to its end.
        temperature: by which logits are divided before a byte is drawn: 1 draws as the network
            says, less keeps to what is likelier, and 0 takes the likeliest.
        seed: of the draws: the same seed, the same text.
    """

    bytes: int | None = None
    temperature: float | None = None
    seed: int | None = None

    def checked(self) -> tuple[int, float, int]:
        """Return them with the defaults in.

        Raises:
            UserError: one is out of its range.
        """
        count = BYTES if self.bytes is None else self.bytes
        temperature = TEMPERATURE if self.temperature is None else self.temperature
        seed = SEED if self.seed is None else self.seed
        if not 0 < count <= MOST_BYTES:
            raise UserError(f"bytes is {count}; expected 1 to {MOST_BYTES:,}")
        if not 0 <= temperature < math.inf:
            raise UserError(f"temperature is {temperature}; expected 0 or more, as {TEMPERATURE}")
        if not 0 <= seed < 2**63:
            raise UserError(f"seed is {seed}; expected 0 to 2^63 - 1")
        return count, temperature, seed


USUAL = Ways()


class Symbol(NamedTuple):
    """A character or another symbol of an answer.

    Args:
        text: of it; U+FFFD for bytes that are no character.
        probability: that the network gave it, after all that stands before; of a character of
            several bytes the product of theirs.
        raw: its bytes, where the answer is a text.
    """

    text: str
    probability: float
    raw: bytes = b""


class Said(NamedTuple):
    """An answer, and what has to be said of how the prompt was read.

    Args:
        symbols, text: of the answer, one by one and all.
        notes: how the prompt was read, where it is not plain.
        probability: of the whole answer, its end included; None where it has none.
        read: the symbols that were read, where a sequence is answered.
        attention: what each symbol of the answer attends to among these, where a network attends.
    """

    symbols: list[Symbol]
    notes: list[str]
    text: str
    probability: float | None = None
    read: Sequence[str] = ()
    attention: list[list[float]] | None = None


class Prompted(ABC):
    """A trained network that answers a prompt.

    Args:
        saved: the network.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the network is of such a class, and it is not allowed.
    """

    continues: bool  # whether an answer stands after its prompt, as one text
    between = ""  # the symbols of an answer
    example: str  # of a prompt
    does: str  # to it, in words

    def __init__(self, saved: SavedModel, allow_code: Collection[str] = ()) -> None:
        check_code(saved.architecture.target, allow_code)
        self.spec, self.model = saved.spec, saved.build()

    @abstractmethod
    def answer(self, prompt: str, ways: Ways = USUAL) -> Said:
        """Return what the network says to a prompt.

        Raises:
            UserError: it can't read the prompt, or answer in such ways.
        """

    @abstractmethod
    def sample(self, batch: Batch) -> tuple[str, list[str]]:
        """Return the first of a batch of samples as a prompt, and what may answer it."""

    def predict(self, inputs: Any, params: Mapping[str, Any] | None = None) -> list[str]:
        """Return the text that answers each prompt: what MLflow calls.

        Args:
            inputs: prompts, or a data frame with them in a column `prompt`.
            params: of `Ways`.

        Raises:
            UserError: as `answer`.
        """
        prompts = inputs["prompt"] if isinstance(inputs, pd.DataFrame) else inputs
        return [self.answer(str(each), Ways(**params or {})).text for each in prompts]


class Writer(Prompted):
    """A network that has learnt which byte comes next in a text, and continues another."""

    continues = True
    example = "def "
    does = (
        "continues a text; a second argument, as Ways(bytes=200, temperature=0.8, seed=0) of "
        "sizewise.predict, says how"
    )

    @torch.no_grad()
    def answer(self, prompt: str, ways: Ways = USUAL) -> Said:
        """Return a continuation, the prompt not included.

        Raises:
            UserError: one of the ways is out of its range.
        """
        count, temperature, seed = ways.checked()
        text, window = (
            (prompt or START).encode("utf-8", "surrogateescape"),
            self.spec.input_shape[0],
        )
        notes = [] if prompt else ["an empty prompt: the text begins after a newline"]
        if len(text) > window:
            notes.append(
                f"the network reads {window} bytes: the last of the prompt's {len(text):,}"
            )
        symbols: list[Symbol] = []
        length = 0
        for each in characters(self._continued(text, temperature, seed)):
            symbols.append(each)
            length += len(each.raw)
            if length >= count:
                break
        return Said(symbols, notes, "".join(each.text for each in symbols))

    def sample(self, batch: Batch) -> tuple[str, list[str]]:
        """Return the first half of a window, and the other."""
        text = bytes(batch.inputs[0].tolist())
        begun, rest = text[: len(text) // 2], text[len(text) // 2 :]
        return begun.decode(errors="ignore"), [rest.decode(errors="ignore")]

    def _continued(self, text: bytes, temperature: float, seed: int) -> Iterator[tuple[int, float]]:
        """Yield one byte after the other without end, each with its probability."""
        generator = torch.Generator().manual_seed(seed)
        read = torch.tensor(list(text))
        while True:
            read = read[-self.spec.input_shape[0] :]
            logits = self.model(read[None])[0, -1].double()  # T -> V
            chosen = _chosen(logits, temperature, generator)
            yield chosen, logits.softmax(0)[chosen].item()
            read = torch.cat([read, torch.tensor([chosen])])


class NextByte(nn.Module):
    """A network for ONNX: bytes (B, T), int64, to the probabilities (B, T, V) of what follows each.

    It knows only what stands before: a shorter text is the beginning of a window.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.softmax(self.model(inputs), dim=-1)


def _chosen(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    """Return the number of one of (V,) logits, drawn or the likeliest."""
    if temperature == 0:
        return int(logits.argmax())
    shares = ((logits - logits.max()) / temperature).softmax(0)
    return int(shares.multinomial(1, generator=generator))


def characters(told: Iterable[tuple[int, float]]) -> Iterator[Symbol]:
    """Yield the characters of a text that comes byte by byte, each byte with its probability.

    What is no UTF-8 is U+FFFD, as Python's decoder divides it. A character that is not whole at the
    end is left out.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    waiting: list[tuple[int, float]] = []
    for each in told:
        waiting.append(each)
        shown = decoder.decode(bytes([each[0]]))
        whole = len(waiting) - len(decoder.getstate()[0])
        # A byte that is no part of what waits ends it, and may be a character by itself.
        ends = (whole - 1, whole) if len(shown) == 2 else (whole,)
        start = 0
        for text, end in zip(shown, ends, strict=False):
            raw, shares = zip(*waiting[start:end], strict=True)
            yield Symbol(text, math.prod(shares), bytes(raw))
            start = end
        del waiting[:start]
