"""Inputs that can't be predicted: one clear line each, and the others are predicted."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sizewise.predict import Predictor
from sizewise.predict.stream import predict_files
from tests.builders import make_saved
from tests.training.malice import Malicious

IMAGE, SEQUENCE = (1, 8, 8), (1, 5)
Make = Callable[[Path], object]


def write(text: str | bytes) -> Make:
    data = text.encode() if isinstance(text, str) else text
    return lambda path: path.write_bytes(data)


def image(mode: str = "L", size: tuple[int, int] = (8, 8), suffix: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, suffix)
    return buffer.getvalue()


def noise() -> bytes:
    """A PNG of the set's size that is like what the network was trained on."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A PNG that claims a size, with hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def deep_tiff() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[-7, 5]], dtype=np.int32)).save(buffer, "TIFF")
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> Make:
    return lambda path: np.savez(path, **arrays)  # type: ignore[arg-type]


def npy(array: np.ndarray) -> Make:
    return lambda path: np.save(path, array, allow_pickle=True)


def cut_npy(path: Path) -> None:
    np.save(path, np.tile(np.arange(1.0, 6.0), (10, 1)))
    path.write_bytes(path.read_bytes()[:-60])


def bad_checksum(path: Path) -> None:
    values = np.linspace(1, 5, 50)
    np.savez(path, inputs=np.ascontiguousarray(values.reshape(5, 10).T))
    whole = bytearray(path.read_bytes())
    at = whole.index(values[44].tobytes())
    whole[at : at + 2] = b"\xfe\xff"
    path.write_bytes(whole)


def pickled(path: Path) -> None:
    np.save(path, np.array([Malicious(path.with_name("made-by-code"))]), allow_pickle=True)


def text_in_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inputs.npy", "no array")


ROW = "1,2,3,4,5\n"
MISSING = "there is no such file or folder"
# name: what makes it, the network's shape, what is said, how many are predicted all the same
BAD: dict[str, tuple[Make, tuple[int, ...], str, int]] = {
    "absent.png": (lambda path: None, IMAGE, MISSING, 0),
    "text.png": (write("this is text"), IMAGE, "not an image", 0),
    "empty.png": (write(b""), IMAGE, "empty (0 bytes)", 0),
    "cut.png": (write(image(size=(200, 200))[:90]), IMAGE, "an image that can't be read", 0),
    "cut.jpg": (
        write(image(size=(99, 99), suffix="JPEG")[:-300]),
        IMAGE,
        "an image that can't be read",
        0,
    ),
    "bomb.png": (
        write(huge_png(10_000, 10_000)),
        IMAGE,
        "can't be read (Image size (100000000",
        0,
    ),
    "gigabomb.png": (
        write(huge_png(60_000, 60_000)),
        IMAGE,
        "can't be read (Image size (3600000000",
        0,
    ),
    "script.png": (write("%!PS-Adobe-3.0 EPSF-3.0\n"), IMAGE, "not an image", 0),
    "float.tif": (write(image("F", suffix="TIFF")), IMAGE, "of mode F", 0),
    "picture.png": (write(image()), SEQUENCE, "an image; expected sequences of shape (1, 5)", 0),
    "notes.txt": (write("hello"), IMAGE, "not a kind of file that is read", 0),
    "no-suffix": (write(image()), IMAGE, "not a kind of file that is read", 0),
    "folder": (lambda path: path.mkdir(), IMAGE, "a folder without images", 0),
    "folder-of-images": (lambda path: path.mkdir(), SEQUENCE, "a folder without .csv", 0),
    "empty.csv": (write(b""), SEQUENCE, "empty (0 bytes)", 0),
    "header.csv": (write("a,b,c,d,e\n"), SEQUENCE, "no samples in it", 0),
    "short-header.csv": (write("a,b\n" + ROW), SEQUENCE, "its header names 2 columns", 0),
    "missing.csv": (write(ROW + "1,2,3\n" + ROW), SEQUENCE, "line 2: 3 values; expected 5", 2),
    "extra.csv": (write(ROW + "1,2,3,4,5,6\n"), SEQUENCE, "line 2: 6 values; expected 5", 1),
    "nan.csv": (write(ROW + "1,nan,3,4,5\n"), SEQUENCE, "line 2: 'nan' in column 2", 1),
    "infinite.csv": (write("1,2,3,4,-inf\n"), SEQUENCE, "'-inf' in column 5", 0),
    "blank.csv": (write("1,,3,4,5\n" + ROW), SEQUENCE, "line 1: '' in column 2", 1),
    "words.csv": (
        write(ROW + "1,two,3,4,5\n"),
        SEQUENCE,
        "'two' in column 2 is not a finite number",
        1,
    ),
    "huge.csv": (write("1,1e300,3,4,5\n"), SEQUENCE, "'1e300' in column 2 is not a finite", 0),
    "overflow.csv": (write("3e38,3e38,3e38,3e38,3e38\n" + ROW), SEQUENCE, "no finite answer", 1),
    "one.csv": (write("12345\n"), SEQUENCE, "line 1: 1 value; expected 5", 0),
    "prose.csv": (write("Dear all\nplease find\n"), SEQUENCE, "its header names", 0),
    "unmarked.csv": (write(ROW.encode("utf-16-le")), SEQUENCE, "there are zero bytes in it", 0),
    "cut-in-two.csv": (write(ROW.encode("utf-16")[:-1]), SEQUENCE, "not a text file", 0),
    "latin.csv": (write("größe,b,c,d,e\n".encode("latin-1")), SEQUENCE, "not a text file", 0),
    "labels-first.csv": (write("7,1,2,3,4,5\n2,1,2,3,4,5\n"), SEQUENCE, "holds labels", 0),
    "labels-last.csv": (write("1,2,3,4,5,7\n1,2,3,4,5,2\n"), SEQUENCE, "holds labels", 0),
    "kaggle.csv": (write("label,a,b,c,d,e\n7,1,2,3,4,5\n"), SEQUENCE, "holds labels", 0),
    "both.csv": (write(",0,1,2,3,4,label\n0,1,2,3,4,5,7\n"), SEQUENCE, "names 7 columns", 0),
    "words-first.csv": (write("cat,1,2,3,4,5\ndog,1,2,3,4,5\n"), SEQUENCE, "holds labels", 0),
    "thousands.csv": (write("1,234;2,345;1,000;4,567;5,678\n"), SEQUENCE, "1234 or 1.234", 0),
    "index-or-gap.csv": (write("0,9,2,3,4,\n1,9,2,3,4,\n"), SEQUENCE, "its last is empty", 0),
    "commas.csv": (write(ROW + ",,,,\n"), SEQUENCE, "line 2: '' in column 1", 1),
    "underscores.csv": (write("1_0,2,3,4,5\n" + ROW), SEQUENCE, "'1_0' in column 1", 1),
    "hexadecimal.csv": (write("0x1,2,3,4,5\n" + ROW), SEQUENCE, "'0x1' in column 1", 1),
    "quote.csv": (write('"1,2,3,4,5\n' + ROW), SEQUENCE, "its header names 1 columns", 0),
    "missing-row.csv": (write("NA,NA,NA,NA,NA\n" + ROW), SEQUENCE, "line 1: 'NA' in column 1", 1),
    "empty-row.csv": (write(",,,,\n" + ROW), SEQUENCE, "line 1: '' in column 1", 1),
    "blank-lines.csv": (write("\n\n  \n# nothing\n"), SEQUENCE, "no samples in it", 0),
    "record.npy": (npy(np.zeros(2, "f4,f4")), SEQUENCE, "of type [('f0'", 0),
    "dates.npy": (npy(np.zeros((2, 5), "M8[s]")), SEQUENCE, "of type datetime64", 0),
    "overflow.npy": (
        npy(np.full((1, 5), 1e300)),
        SEQUENCE,
        "sample 0: NaN, infinity or a number beyond",
        0,
    ),
    "folder.csv": (lambda path: path.mkdir(), SEQUENCE, "a folder without .csv", 0),
    "clear.png": (write(image("RGBA")), IMAGE, "wholly transparent", 0),
    "deep.tif": (write(deep_tiff()), IMAGE, "go from -7 to 5; expected 8 or 16 bits", 0),
    "lab.tif": (write(image("LAB", suffix="TIFF")), IMAGE, "of mode LAB", 0),
    "cut.gif": (
        write(image(size=(99, 99), suffix="GIF")[:40]),
        IMAGE,
        "an image that can't be read",
        0,
    ),
    "picture.svg": (write("<svg/>"), IMAGE, "not a kind of file that is read", 0),
    "binary.csv": (write(bytes(range(128, 256))), SEQUENCE, "not a text file", 0),
    "endless.csv": (write("1" * 5000), SEQUENCE, "line 1 is longer than", 0),
    "absent.npz": (lambda path: None, SEQUENCE, MISSING, 0),
    "text.npz": (write("no zip"), SEQUENCE, "damaged or foreign file", 0),
    "empty.npz": (write(b""), SEQUENCE, "empty (0 bytes)", 0),
    "other-names.npz": (npz(a=np.ones(5), b=np.ones(5)), SEQUENCE, "it holds a, b; expected", 0),
    "nothing.npz": (npz(), SEQUENCE, "no array", 0),
    "length.npz": (
        npz(x=np.ones((3, 1, 6))),
        SEQUENCE,
        "shape (1, 6); expected samples of shape (1, 5)",
        0,
    ),
    "text-inside.npz": (text_in_zip, SEQUENCE, "damaged or foreign", 0),
    "checksum.npz": (bad_checksum, SEQUENCE, "Bad CRC-32", 0),
    "zero.npy": (npy(np.ones((0, 5))), SEQUENCE, "(0, 5) holds no samples", 0),
    "scalar.npy": (npy(np.array(3.0)), SEQUENCE, "() holds no samples", 0),
    "words.npy": (npy(np.array([["a"] * 5])), SEQUENCE, "of type <U1", 0),
    "complex.npy": (npy(np.ones((2, 5), dtype=complex)), SEQUENCE, "of type complex128", 0),
    "nan.npy": (
        npy(np.array([[1.0, 2, 3, 4, 5], [np.nan] * 5])),
        SEQUENCE,
        "sample 1: NaN, infinity or",
        1,
    ),
    "cut.npy": (cut_npy, SEQUENCE, "a damaged or foreign file", 0),
    "pickled.npy": (pickled, SEQUENCE, "Python objects", 0),
}


@pytest.fixture(scope="module")
def predictors() -> dict[tuple[int, ...], Predictor]:
    return {
        IMAGE: Predictor(make_saved(shape=IMAGE, mean=127.0, std=74.0)),
        SEQUENCE: Predictor(make_saved(shape=SEQUENCE, mean=3.0, std=0.8)),
    }


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_told_in_one_line_and_the_next_is_predicted(
    name: str,
    predictors: dict[tuple[int, ...], Predictor],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, shape, said, predicted = BAD[name]
    make(tmp_path / name)
    good = tmp_path / ("good.png" if shape == IMAGE else "good.csv")
    good.write_bytes(noise() if shape == IMAGE else ROW.encode())

    outcome = predict_files(predictors[shape], [tmp_path / name, good], None)

    assert (outcome.predicted, outcome.failed) == (predicted + 1, 1)
    assert (outcome.skipped, outcome.unlike, outcome.adapted) == (0, 0, {})
    shown = capsys.readouterr()
    assert shown.err.startswith(f"sizewise: {tmp_path / name}")
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out.splitlines()[-1].startswith(str(good))
    assert not (tmp_path / "made-by-code").exists()


def test_the_table_is_as_long_as_was_promised() -> None:
    assert len(BAD) >= 25
