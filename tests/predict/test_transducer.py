"""Networks that answer a sequence of symbols with another."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sizewise.data.pairs import Pairs
from sizewise.errors import UserError
from sizewise.predict.lines import answer_lines
from sizewise.predict.prompted import Ways
from sizewise.predict.transducer import Transducer
from tests.builders import make_saved_pairs

LETTERS, SOUNDS = ("a", "b", "c"), ("end", "AH", "B", "K")


class Spells(nn.Module):
    """Says of each letter its own sound, and is as sure of it as 3 to 1 against all others."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest = longest

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        said = torch.zeros(len(inputs), self.longest, dtype=torch.int64)
        for row, length in enumerate(lengths.tolist()):
            said[row, :length] = 1 + inputs[row, :length]
        return functional.one_hot(said, 4) * math.log(9)


@pytest.fixture
def speller() -> Transducer:
    network = Transducer(make_saved_pairs(LETTERS, SOUNDS, longest=5))
    network.model = Spells(5)
    return network


@pytest.mark.parametrize("family", ["seq2seq", "seq2seq_gru_dot", "seq2seq_transformer"])
def test_an_answer_is_the_networks_likeliest_symbols_until_the_end(family: str) -> None:
    network = Transducer(make_saved_pairs(LETTERS, SOUNDS, longest=5, family=family))
    model: Any = network.model
    prompts = ["cab", "b", "abcabc"]

    answers = network.answer_all(prompts)

    for prompt, said in zip(prompts, answers, strict=True):
        inputs = torch.tensor([["abc".index(each) for each in prompt]])
        with torch.no_grad():
            logits, weights = model.forward_with_weights(inputs)
        likeliest = logits[0].argmax(dim=1).tolist()
        end = likeliest.index(0) if 0 in likeliest else 5
        assert [each.text for each in said.symbols] == [SOUNDS[each] for each in likeliest[:end]]
        shares = logits[0].softmax(dim=1).amax(dim=1)[: end + 1]
        assert said.probability == pytest.approx(shares.prod().item(), rel=1e-5)
        assert list(said.read) == list(prompt)
        if family == "seq2seq":
            assert said.attention is None
        else:
            attention = torch.tensor(said.attention).view(end, len(prompt))
            assert torch.allclose(attention, weights[0, :end], atol=1e-6)
    assert network.answer("cab").text == answers[0].text


def test_symbols_of_several_characters_are_parted_by_spaces(speller: Transducer) -> None:
    said = speller.answer("cab")
    assert said.text == "K AH B"
    assert [each.probability for each in said.symbols] == pytest.approx([0.75] * 3)
    assert said.probability == pytest.approx(0.75**4)  # the end is one of them
    spaced = Transducer(make_saved_pairs(SOUNDS[1:], ("end", *LETTERS), longest=5))
    spaced.model = Spells(5)
    assert spaced.answer(" K  AH B ").text == "cab"


def test_capitals_that_are_no_symbols_are_read_as_those_that_are(speller: Transducer) -> None:
    said = speller.answer("Cab")
    assert (said.text, said.notes) == ("K AH B", ["read without regard to capitals"])


def test_an_answer_without_an_end_is_told(speller: Transducer) -> None:
    said = speller.answer("aaaaa")
    assert said.text == "AH AH AH AH AH"
    assert said.notes == ["the answer had no end, and is cut after 5 symbols"]


def test_a_sequence_longer_than_all_in_the_data_is_told(speller: Transducer) -> None:
    speller.model = Spells(9)
    assert speller.answer("aaaaaaa").notes == ["7 symbols, and the longest in made-up has 6"]


@pytest.mark.parametrize(
    ("prompt", "ways", "said"),
    [
        ("cax", Ways(), "'x' is no symbol of made-up: expected of a, b, c"),
        (" ", Ways(), "nothing is asked: expected symbols, as abc"),
        ("a", Ways(seed=1), "expected neither bytes nor a temperature nor a seed"),
    ],
)
def test_what_it_can_not_answer_is_refused(
    speller: Transducer, prompt: str, ways: Ways, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        speller.answer(prompt, ways)


def test_a_sample_is_given_with_all_its_answers(speller: Transducer) -> None:
    batch = Pairs.of([(2, 0), (1,)], [[(3, 1)], [(2,), (2, 1)]]).batch(slice(1, 2))
    assert speller.sample(batch) == ("b", ["B", "B AH"])


def test_each_line_of_a_file_is_a_prompt(
    speller: Transducer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, output = tmp_path / "words.txt", tmp_path / "out.csv"
    words.write_text("cab\n\nno\nBA\r\n", encoding="utf-8-sig")
    (tmp_path / "latin.txt").write_bytes("größe".encode("latin-1"))

    assert answer_lines(speller, [words, tmp_path / "latin.txt", tmp_path], output) == (2, 3)

    with output.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["input", "prompt", "answer", "probability", "done"],
        [f"{words}, line 1", "cab", "K AH B", f"{0.75**4:.6f}", ""],
        [f"{words}, line 4", "BA", "B AH", f"{0.75**3:.6f}", "read without regard to capitals"],
    ]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"sizewise: {words}, line 3: 'n' is no symbol of made-up: expected of a, b, c"
    assert said[1].startswith(f"sizewise: {tmp_path}/latin.txt: not in UTF-8; expected a text file")
    assert said[2] == f"sizewise: {tmp_path}: is a directory; expected a text file"
    assert answer_lines(speller, [words], None) == (2, 1)
    assert capsys.readouterr().out.splitlines()[0] == f"{words}, line 1  cab  K AH B  31.6%"
