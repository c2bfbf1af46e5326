"""How often the serve page is not sure: of test samples, wrongly, and of what is none.

    python -m benchmarks.not_sure --root DATA      # half a minute; for the table of docs/apply.md

Drawings are strokes as wide as the page draws them, between random points, brought to the set's
form as the page's are.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.configs import config_of
from sizewise.data.arrays import Arrays
from sizewise.data.files.conform import Form, fit_drawing, form_of
from sizewise.data.files.familiar import unlike
from sizewise.data.normalisation import measure
from sizewise.data.published import read_arrays
from sizewise.data.spec import DataSpec
from sizewise.serve.nearness import Nearness

SIDE = 320  # of the page's paper, in pixels
COUNT = 200  # of each kind


def draw(form: Form, points: np.ndarray) -> np.ndarray:
    """Return one stroke through points (N, 2), shares of the side."""
    width = round(0.72 * SIDE * form.stroke)
    image = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(image)
    corners = [(float(x) * SIDE, float(y) * SIDE) for x, y in points]
    pen.line(corners, fill=255, width=width)
    for x, y in corners:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return fit_drawing(image, form)[0]


def drawings(form: Form) -> Iterator[tuple[str, np.ndarray]]:
    """Yield kinds of drawings, each with some (N, 1, H, W)."""
    rng = np.random.default_rng(0)
    yield "nothing", np.zeros((1, *form.shape))
    for name, corners, reach in (
        ("a dot", 2, 0.003),
        ("a dash as long as wide", 2, 0.05),
        ("a scribble of 6 corners", 6, 0.42),
        ("a scribble of 12 corners", 12, 0.42),
        ("a scribble of 30 corners", 30, 0.42),
    ):
        offsets = rng.uniform(-reach, reach, (COUNT, corners, 2))
        yield name, np.stack([draw(form, 0.5 + each) for each in offsets])


def sequences() -> Iterator[tuple[str, np.ndarray]]:
    """Yield kinds of sequences, each with some (N, 1, 40)."""
    rng = np.random.default_rng(0)
    yield "a constant", np.linspace(-3, 3, COUNT)[:, None, None] * np.ones((1, 1, 40))
    yield "white noise of deviation 1", rng.normal(size=(COUNT, 1, 40))
    yield "a spike of 4", 4.0 * np.eye(40)[:, None]
    waves = rng.uniform(1, 8, (COUNT, 1, 1)) * np.linspace(0, 2 * np.pi, 40)
    yield "a sine of 1 to 8 periods", 1.4 * np.sin(waves + rng.uniform(0, 6, (COUNT, 1, 1)))
    steps = np.cumsum(rng.normal(size=(COUNT, 1, 40)), axis=2)
    yield "a random walk of deviation 1", steps / steps.std(axis=2, keepdims=True)


def rows(name: str, arrays: Arrays) -> Iterator[tuple[str, float]]:
    """Yield what was shown, and the share of which the page is not sure."""
    spec = DataSpec(name, arrays.train_inputs.shape[1:], arrays.class_names)
    known = measure(arrays.train_inputs, np.arange(len(arrays.train_inputs)))

    def share(nearness: Nearness, inputs: np.ndarray) -> float:
        return float((nearness.far(inputs) | unlike(inputs, known)).mean())

    even, odd = arrays.test_inputs[::2], arrays.test_inputs[1::2]
    nearness = Nearness(arrays.train_inputs, arrays.test_inputs)
    yield "its test samples", share(nearness, arrays.test_inputs)
    yield "half of them, by the other", share(Nearness(arrays.train_inputs, even), odd)
    others = drawings(form_of(spec, known)) if spec.is_image else sequences()
    for kind, inputs in others:
        yield kind, share(nearness, inputs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default="data", help="where the data sets are")
    root = parser.parse_args().root
    print("| set | shown | not sure |\n|---|---|---|")
    for name in ("mnist", "digits", "mnist1d"):
        arrays = read_arrays(config_of(f"data={name}", f"data.root={root}").data)
        for kind, share in rows(name, arrays):
            print(f"| {name} | {kind} | {share:.1%} |")


if __name__ == "__main__":
    main()
