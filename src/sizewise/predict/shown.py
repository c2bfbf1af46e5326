"""Answers to a prompt, shown: on a terminal side by side and shaded, elsewhere as they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sizewise.predict.answers import writing_rows
from sizewise.predict.prompted import Prompted, Said

DARKEST = 105  # grey of what was held impossible, behind black


class Answered(NamedTuple):
    """What a run's network said; `about` is the run in a line."""

    run: str
    about: str
    said: Said


def show(prompt: str, network: Prompted, answers: Sequence[Answered]) -> None:
    """Print answers to a prompt, on a terminal each symbol as light as it was likely."""
    console = Console(markup=False, emoji=False, highlight=False)
    texts = [_shaded(prompt, network, each.said) for each in answers]
    if not console.is_terminal:
        for each, text in zip(answers, texts, strict=True):
            heading = f"{each.about}\n" if len(answers) > 1 else ""
            print(f"{heading}{text.plain}")
        return
    grid = Table.grid(padding=(0, 3), expand=True)
    for _ in answers:
        grid.add_column(ratio=1)
    grid.add_row(*(Text(f"{each.about}\n", "bold") for each in answers))
    grid.add_row(*texts)
    console.print(grid)
    console.print(Text("the lighter, the likelier the network held it", "dim"))


def _shaded(prompt: str, network: Prompted, said: Said) -> Text:
    """Return an answer, after what it continues; each symbol's ground is its probability."""
    text = Text(visible(prompt) if network.continues else "")
    for index, (shown, probability, _) in enumerate(said.symbols):
        grey = round(DARKEST + (255 - DARKEST) * probability)
        text.append(network.between if index else "")
        text.append(visible(shown), f"black on rgb({grey},{grey},{grey})")
    return text


def visible(text: str) -> str:
    """Return a text without what a terminal would obey: codes but line ends and tabs are named."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in text
    )


def write(output: Path, network: Prompted, answers: Sequence[Answered], overwrite: bool) -> None:
    """Write a line for each symbol of each answer: its run, its text and its probability.

    Of a text's characters the line has their bytes as well, in hexadecimal.

    Raises:
        UserError: the file can't be written, or is there already.
    """
    named = ("bytes", "character") if network.continues else ("symbol",)
    with writing_rows(output, ("run", *named, "probability"), overwrite) as write_row:
        for each in answers:
            for text, probability, raw in each.said.symbols:
                shown = (raw.hex(" "), text) if network.continues else (text,)
                write_row((each.run, *shown, f"{probability:.6f}"))
