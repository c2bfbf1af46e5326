"""Files with a prompt on each line, answered."""

import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from sizewise.errors import UserError, say
from sizewise.predict.answers import writing_rows
from sizewise.predict.prompted import Said
from sizewise.predict.transducer import Transducer

HEADER = ("input", "prompt", "answer", "probability", "done")
BATCH_SIZE = 200


class Line(NamedTuple):
    """A prompt, and where it is from."""

    place: str
    prompt: str


def answer_lines(
    network: Transducer, paths: list[Path], output: Path | None, *, overwrite: bool = False
) -> tuple[int, int]:
    """Answer each line of text files, say what could not be, and return how many were and were not.

    Args:
        network: that answers.
        paths: of files in UTF-8; empty lines are passed over.
        output: a CSV to write, which appears when all is answered; None prints lines on stdout.
        overwrite: whether the CSV may take the place of a file.

    Raises:
        UserError: the CSV can't be written, or is there already.
    """
    answered = failed = 0
    writing = (
        nullcontext(_print) if output is None else writing_rows(output, HEADER, overwrite, paths)
    )
    with writing as write:
        found = _read(network, paths)
        while batch := list(itertools.islice(found, BATCH_SIZE)):
            lines = [each for each in batch if isinstance(each, Line)]
            for each in batch:
                if isinstance(each, str):
                    say(each)
            failed += len(batch) - len(lines)
            answered += len(lines)
            for line, said in zip(lines, _answers(network, lines), strict=True):
                write((*line, said.text, f"{said.probability:.6f}", "; ".join(said.notes)))
    return answered, failed


def _answers(network: Transducer, lines: list[Line]) -> list[Said]:
    return network.answer_all([each.prompt for each in lines]) if lines else []


def _read(network: Transducer, paths: list[Path]) -> Iterator[Line | str]:
    """Yield the lines that the network can read, and of the others why not."""
    for path in paths:
        try:
            with path.open(encoding="utf-8-sig") as file:
                for number, text in enumerate(file, start=1):
                    if prompt := text.strip():
                        yield _checked(network, Line(f"{path}, line {number}", prompt))
        except OSError as error:
            yield f"{path}: {(error.strerror or str(error)).lower()}; expected a text file"
        except UnicodeDecodeError:
            yield f"{path}: not in UTF-8; expected a text file with a prompt on each line"


def _checked(network: Transducer, line: Line) -> Line | str:
    try:
        network.read(line.prompt)
    except UserError as error:
        return f"{line.place}: {error}"
    return line


def _print(row: tuple[str, ...]) -> None:
    place, prompt, answer, probability, done = row
    print(
        f"{place}  {prompt}  {answer}  {float(probability):.1%}" + (f"  [{done}]" if done else "")
    )
