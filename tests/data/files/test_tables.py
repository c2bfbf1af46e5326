"""Tables as programs write them: each is read as it was meant, and how is said, once."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sizewise.data.files.tables import open_table, read_samples
from sizewise.errors import UserError

X = np.array([[0.5, -1.25, 3, 1e-7, 250], [2, 0, 0.75, 4, 1.5], [7, 8, 9, 10.5, 11]])
FRAME = pd.DataFrame(X)


def text(separator: str = ",", end: str = "\n", *, tail: str = "") -> str:
    return "".join(separator.join(map(str, row)) + tail + end for row in X)


def savetxt(**options: str) -> str:
    file = io.StringIO()
    np.savetxt(file, X, **options)
    return file.getvalue()


HEADER, INDEX, TAIL = (
    "line 1 is a header",
    "column 1 is an index, left out",
    "separators end the lines",
)
COMMA = "with decimal commas"
SEMICOLONS, TABS, SPACES = (f"separated by {each}" for each in ("semicolons", "tabs", "spaces"))
# name: what is in the file, and what is said
TABLES: dict[str, tuple[str | bytes, list[str]]] = {
    "plain": (text(), []),
    "pandas without index": (FRAME.to_csv(index=False), [HEADER]),
    "pandas": (FRAME.to_csv(), [HEADER, INDEX]),
    "pandas, filtered": (FRAME.set_axis([17, 3, 99]).to_csv(), [HEADER, INDEX]),
    "pandas, a named index": (FRAME.rename_axis("id").to_csv(), [HEADER, INDEX]),
    "pandas without header": (FRAME.to_csv(header=False), [INDEX]),
    "pandas without either": (FRAME.to_csv(header=False, index=False), []),
    "pandas, float names": (FRAME.set_axis(np.arange(5.0), axis=1).to_csv(), [HEADER, INDEX]),
    "pandas, names": (FRAME.set_axis(list("abcde"), axis=1).to_csv(index=False), [HEADER]),
    "pandas, European": (FRAME.to_csv(sep=";", decimal=","), [SEMICOLONS, COMMA, HEADER, INDEX]),
    "pandas, quoted": (FRAME.to_csv(quoting=1), [HEADER, INDEX]),
    "R, row names": (
        '"a" "b" "c" "d" "e"\n'
        + "".join(f'"{at}" {line}\n' for at, line in enumerate(text(" ").splitlines(), 1)),
        [SPACES, HEADER, INDEX],
    ),
    "numbered from 1": (
        "".join(f"{at},{line}\n" for at, line in enumerate(text().splitlines(), 1)),
        [INDEX],
    ),
    "NumPy": (savetxt(), [SPACES]),
    "NumPy with commas": (savetxt(delimiter=", "), []),
    "NumPy with tabs": (savetxt(delimiter="\t"), [TABS]),
    "NumPy with a header": (savetxt(delimiter=",", header="a,b,c,d,e"), []),
    "semicolons": (text(";"), [SEMICOLONS]),
    "aligned": (text("   "), [SPACES]),
    "bars": (text("|"), ["separated by bars"]),
    "decimal commas and tabs": (text("\t").replace(".", ","), [TABS, COMMA]),
    "decimal commas and spaces": (text(" ").replace(".", ","), [SPACES, COMMA]),
    "quoted decimal commas": (FRAME.to_csv(decimal=",", index=False, quoting=1), [COMMA, HEADER]),
    "an index and trailing commas": (
        "".join(f"{at},{line},\n" for at, line in enumerate(text().splitlines())),
        [INDEX, TAIL],
    ),
    "trailing commas": (text(tail=","), [TAIL]),
    "trailing semicolons": ("a;b;c;d;e;\n" + text(";", tail=";"), [SEMICOLONS, HEADER, TAIL]),
    "Windows": (text(end="\r\n"), []),
    "old Mac": (text(end="\r"), []),
    "no last newline": (text().rstrip(), []),
    "blank lines": ("\n\na,b,c,d,e\n\n" + text(end="\n\n"), [HEADER]),
    "a mark": (text().encode("utf-8-sig"), []),
    "a mark and header": (FRAME.to_csv().encode("utf-8-sig"), [HEADER, INDEX]),
    "UTF-16": (text(";").encode("utf-16"), [SEMICOLONS]),
    "UTF-16, big end first": (b"\xfe\xff" + text("\t").encode("utf-16-be"), [TABS]),
    "UTF-32": (text().encode("utf-32"), []),
    "quotes": ('"' + text('","', end='"\n"')[:-1], []),
    "signs": (text().replace("250", "+250"), []),
}


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    with open_table(path, 5) as table:
        values = [sample for _, sample in read_samples(table, (1, 5))]
        assert not any(isinstance(each, UserError) for each in values)
        return np.array(values), [str(each) for each in table.layout.adapted()]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_as_it_was_meant(name: str, tmp_path: Path) -> None:
    content, expected = TABLES[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    values, said = read(path)
    assert values.shape == (3, 1, 5)
    assert np.allclose(values[:, 0], X)
    assert said == expected


def test_a_header_of_numbers_is_no_sample_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(3, 40))
    pd.DataFrame(x).to_csv(tmp_path / "x.csv", index=False)
    with open_table(tmp_path / "x.csv", 40) as table:
        numbers, samples = zip(*read_samples(table, (1, 40)), strict=True)
    assert numbers == (2, 3, 4)
    assert np.allclose(np.concatenate(samples), x)


@pytest.mark.parametrize("start", [0, 1])
def test_a_single_line_below_an_unnamed_index_is_read(start: int, tmp_path: Path) -> None:
    FRAME[start : start + 1].to_csv(tmp_path / "x.csv")
    values, _ = read(tmp_path / "x.csv")
    assert np.allclose(values[0, 0], X[start])


def test_points_among_decimal_commas_are_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,5;2;3;4;5\n1.5;2;3;4;5\n")
    with open_table(tmp_path / "x.csv", 5) as table:
        (_, first), (_, second) = read_samples(table, (1, 5))
    assert isinstance(first, np.ndarray)
    assert first[0, 0] == 1.5
    assert str(second) == "'1.5' in column 1 is not a finite number that float32 can hold"


def test_labels_in_turn_are_no_index(tmp_path: Path) -> None:
    lines = [f"{row % 10},1,2,3,4,5\n" for row in range(30)]
    (tmp_path / "x.csv").write_text("".join(lines))
    with pytest.raises(UserError, match=r"6 columns, .* if one of them holds labels, remove it"):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize("make", [np.zeros, np.ones], ids=["zeros", "ones"])
def test_a_column_of_one_number_is_no_index(
    make: Callable[[int], np.ndarray], tmp_path: Path
) -> None:
    np.savetxt(tmp_path / "x.csv", np.column_stack([make(3), X]), delimiter=",")
    with pytest.raises(UserError, match="the first does not count the lines"):
        read(tmp_path / "x.csv")
