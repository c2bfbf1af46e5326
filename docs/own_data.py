"""Makes the data sets that docs/own-data.md tries: python docs/own_data.py [FOLDER]

digits/       1,797 written digits, 8x8, a PNG each, in a folder for each class
wine.csv      178 wines of three cultivars, by 13 measurements
diabetes.csv  442 patients, and how far their disease went in a year: a number to tell
signals.npz   600 noisy sines, squares and sawtooths of 20 to 40 steps

All but the signals are real, and carried by scikit-learn.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, load_wine


def main(folder: Path) -> None:
    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = folder / "digits" / f"{label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 255 / 16).astype(np.uint8)).save(path)

    wine = load_wine(as_frame=True)
    cultivars = wine.target.map(lambda number: f"cultivar {number + 1}")
    wine.data.assign(cultivar=cultivars).to_csv(folder / "wine.csv", index_label="bottle")

    diabetes = load_diabetes(as_frame=True, scaled=False)
    diabetes.frame.rename(columns={"target": "progression"}).to_csv(
        folder / "diabetes.csv", index=False
    )

    random = np.random.default_rng(0)
    names = np.array(["sine", "square", "sawtooth"])
    y, lengths = names[np.arange(600) % 3], random.integers(20, 41, 600)
    phase = random.random((600, 1)) + np.arange(40) / random.uniform(8, 16, (600, 1))
    shapes = {
        "sine": np.sin(2 * np.pi * phase),
        "square": np.sign(np.sin(2 * np.pi * phase)),
        "sawtooth": 2 * (phase % 1) - 1,
    }
    x = np.select([(y == name)[:, None] for name in names], [shapes[name] for name in names])
    x += random.normal(0, 0.4, x.shape)
    np.savez(folder / "signals.npz", x=x.astype(np.float32), y=y, lengths=lengths)


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "."))
