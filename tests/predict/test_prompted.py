"""Networks that continue a prompt."""

import csv
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sizewise.errors import UserError
from sizewise.models import FAMILIES, find_class
from sizewise.predict.prompted import Ways, Writer, _chosen, characters
from sizewise.predict.shown import Answered, visible, write
from tests.builders import make_saved_text

READERS = [name for name in FAMILIES if getattr(find_class(name), "reads_tokens", False)]
GREEDY = Ways(bytes=12, temperature=0)


class Says(nn.Module):
    """Holds each byte of a text, over and over, to be three times as likely as the other 255."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text, self.said = text, 0

    def forward(self, inputs: Tensor) -> Tensor:
        following = torch.tensor(self.text[self.said % len(self.text)])
        self.said += 1
        logits = functional.one_hot(following, 256) * math.log(3 * 255)
        return logits.expand(*inputs.shape, 256)


def saying(text: str) -> Writer:
    writer = Writer(make_saved_text())
    writer.model = Says(text.encode())
    return writer


@pytest.mark.parametrize("family", READERS)
def test_a_prompt_shorter_than_the_window_is_read_as_its_beginning(family: str) -> None:
    writer = Writer(make_saved_text(family, window=8))
    read = torch.tensor([list(b"def")])

    with torch.no_grad():
        short, padded = writer.model(read), writer.model(functional.pad(read, (0, 5)))

    assert short.shape == (1, 3, 256)
    assert torch.allclose(short, padded[:, :3], atol=1e-6)


def test_the_likeliest_byte_follows_the_last_window_of_what_is_there() -> None:
    writer = Writer(make_saved_text(window=8))
    said = writer.answer("def f(x):", GREEDY)

    text = b"def f(x):"
    for symbol in said.symbols:
        product = 1.0
        for byte in symbol.raw:
            with torch.no_grad():
                shares = writer.model(torch.tensor([list(text[-8:])]))[0, -1].softmax(0)
            assert byte == shares.argmax()
            product *= shares.max().item()
            text += bytes([byte])
        assert symbol.probability == pytest.approx(product, rel=1e-6)
    assert len(text) >= 9 + 12
    assert said.notes == ["the network reads 8 bytes: the last of the prompt's 9"]
    assert writer.answer("ef f(x):", GREEDY).symbols == said.symbols


def test_the_same_seed_draws_the_same_text() -> None:
    writer = Writer(make_saved_text())
    first, again, other = (writer.answer("a", Ways(40, 1.0, seed)).text for seed in (5, 5, 6))
    assert first == again != other


@pytest.mark.parametrize(("temperature", "odds"), [(1.0, 3), (0.5, 9)])
def test_temperature_divides_the_logits(temperature: float, odds: int) -> None:
    logits, generator = torch.tensor([0.0, math.log(3)]), torch.Generator().manual_seed(0)
    drawn = Counter(_chosen(logits, temperature, generator) for _ in range(4000))
    assert drawn[1] / 4000 == pytest.approx(odds / (1 + odds), abs=0.02)


def test_the_probability_shown_is_the_networks_own_at_any_temperature() -> None:
    said = saying("z").answer("a", Ways(3, 0.001))
    assert [each.text for each in said.symbols] == ["z"] * 3
    assert [each.probability for each in said.symbols] == pytest.approx([0.75] * 3)


def test_an_empty_prompt_is_begun_with_a_newline() -> None:
    writer = Writer(make_saved_text())
    said = writer.answer("", GREEDY)
    assert said.symbols == writer.answer("\n", GREEDY).symbols
    assert said.notes == ["an empty prompt: the text begins after a newline"]


def test_a_character_of_several_bytes_is_shown_whole() -> None:
    said = saying("中文").answer("你", Ways(bytes=4, temperature=0))
    assert said.text == "中文"  # 6 bytes: the fourth would have cut it
    assert [each.probability for each in said.symbols] == pytest.approx([0.75**3] * 2)


def test_bytes_are_decoded_as_python_does() -> None:
    generator = np.random.default_rng(0)
    pieces = [b"a", "é".encode(), "中".encode(), "🙂".encode(), b"\x80", b"\xe4", b"\xf0\x9f"]
    for _ in range(200):
        chosen = generator.integers(len(pieces), size=8).tolist()
        text = b"".join(pieces[each] for each in chosen) + b"."
        found = list(characters((byte, 0.5) for byte in text))
        assert "".join(each.text for each in found) == text.decode(errors="replace")
        assert b"".join(each.raw for each in found) == text
        assert all(each.probability == 0.5 ** len(each.raw) for each in found)


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        (Ways(bytes=0), "bytes is 0; expected 1 to 100,000"),
        (Ways(temperature=-1), "temperature is -1; expected 0 or more"),
        (Ways(temperature=math.nan), "temperature is nan; expected 0 or more"),
        (Ways(seed=-1), "seed is -1; expected 0 to"),
    ],
)
def test_ways_out_of_range_are_refused(ways: Ways, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Writer(make_saved_text()).answer("a", ways)


def test_mlflow_gets_the_texts_of_a_column_of_prompts() -> None:
    writer = Writer(make_saved_text())
    params = {"bytes": 5, "temperature": 0.0, "seed": None}
    table = pd.DataFrame({"prompt": ["a", "b"]})
    expected = [writer.answer(each, Ways(5, 0)).text for each in "ab"]
    assert writer.predict(table, params) == writer.predict(["a", "b"], params) == expected


def test_a_table_has_a_line_for_each_character(tmp_path: Path) -> None:
    writer, path = saying("中a"), tmp_path / "out.csv"
    answers = [Answered("run", "", writer.answer("b", Ways(5, 0)))]
    write(path, writer, answers, overwrite=False)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[:3] == [
        ["run", "bytes", "character", "probability"],
        ["run", "e4 b8 ad", "中", "0.421875"],
        ["run", "61", "a", "0.750000"],
    ]
    with pytest.raises(UserError, match="add --overwrite"):
        write(path, writer, answers, overwrite=False)


def test_a_terminal_gets_no_codes_that_a_network_made_up() -> None:
    assert visible("\x1b[2Ja\tb\n中\r") == "\\x1b[2Ja\tb\n中\\r"
