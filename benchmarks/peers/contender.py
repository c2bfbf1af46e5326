"""One contender, in a process of its own: it trains an epoch each time it is told to.

    python -m benchmarks.peers.contender NAME FAMILY SAMPLES [PRECISION]

A line on its input starts an epoch; then it prints the seconds that it took. The first epoch is for
warming up. All train the article's networks on SAMPLES images of MNIST with Adam at 0.001 in
batches of 32 and float32, and shuffle anew in each epoch. PRECISION is sizewise's alone.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BATCH_SIZE = 32
LEARNING_RATE = 0.001
VALIDATION_SHARE = 1 / 9  # of the training samples: as many as sizewise's default holds out
DATA = os.environ.get("SIZEWISE_DATA", "data")
ARTICLE = {"cnn": (32, None), "lstm": (128, 2), "attention": (64, None)}  # width and depth
Clock = Callable[[], None]


def keras(family: str, samples: int, tick: Clock) -> None:
    """Train the article's Keras layers by `fit`."""
    import numpy as np
    from keras import Input, Model, layers, optimizers

    inputs = Input((28, 28, 1) if family == "cnn" else (28, 28))
    if family == "cnn":
        maps = layers.Conv2D(32, 3, activation="relu")(inputs)
        maps = layers.Conv2D(64, 3, activation="relu")(layers.MaxPooling2D(2)(maps))
        maps = layers.Conv2D(64, 3, activation="relu")(layers.MaxPooling2D(2)(maps))
        last = layers.Dense(64, activation="relu")(layers.Flatten()(maps))
    elif family == "lstm":
        states = layers.LSTM(128, return_sequences=True)(inputs)
        last = layers.Dense(64, activation="relu")(layers.LSTM(128)(states))
    else:
        states = layers.LSTM(64, return_sequences=True)(inputs)
        last = layers.GlobalAveragePooling1D()(layers.Attention()([states, states]))
    model = Model(inputs, layers.Dense(10, activation="softmax")(last))
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizers.Adam(LEARNING_RATE), loss, metrics=["accuracy"])
    # Without PyTorch, which can't be loaded into the same process after TensorFlow.
    raw = Path(DATA) / "MNIST/raw"
    pixels = np.fromfile(raw / "train-images-idx3-ubyte", np.uint8, samples * 784, offset=16)
    images = (pixels.reshape(samples, *inputs.shape[1:]) / 255).astype(np.float32)
    targets = np.fromfile(raw / "train-labels-idx1-ubyte", np.uint8, samples, offset=8)
    while True:
        tick()
        model.fit(images, targets, batch_size=BATCH_SIZE, epochs=1, verbose=0)


def lightning(family: str, samples: int, tick: Clock) -> None:
    """Train by a Lightning Trainer over a DataLoader of torchvision's set."""
    import lightning.pytorch
    import torch
    from torch import Tensor
    from torch.nn.functional import cross_entropy

    class Module(lightning.pytorch.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = _network(family)

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            loss = cross_entropy(self.network(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), LEARNING_RATE)

        def on_train_epoch_start(self) -> None:
            tick()

    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.pytorch.Trainer(
            max_epochs=-1, accelerator="cpu", enable_progress_bar=False, default_root_dir=folder
        )
        trainer.fit(Module(), _loader(samples))


def plain(family: str, samples: int, tick: Clock) -> None:
    """Train by the loop of PyTorch's tutorials, over a DataLoader of torchvision's set."""
    import torch
    from torch.nn.functional import cross_entropy

    model, loader = _network(family), _loader(samples)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    while True:
        tick()
        for inputs, targets in loader:
            optimizer.zero_grad()
            cross_entropy(model(inputs), targets).backward()
            optimizer.step()


def bare(family: str, samples: int, tick: Clock) -> None:
    """Train sizewise's network on tensors in memory with a fused Adam, with nothing else."""
    import torch
    from torch.nn.functional import cross_entropy

    from sizewise.models import Architecture, build

    model = build(spec_of_mnist(), Architecture(family, *ARTICLE[family]))
    train = split(samples)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, fused=True)
    while True:
        tick()
        for batch in torch.randperm(samples).split(BATCH_SIZE):
            loss = cross_entropy(model(train.inputs[batch]), train.targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def sizewise(family: str, samples: int, tick: Clock, precision: str = "float32") -> None:
    """Train a run with everything on: evaluation, tracking and a checkpoint, each epoch."""
    from sizewise.threads import take_share

    share = take_share()  # as train.py does, before PyTorch is imported
    from benchmarks.configs import config_of
    from sizewise.run.run import run

    steps_per_epoch = -(-samples // BATCH_SIZE)
    steps = 0

    def asked_to_stop() -> bool:
        """Asked before the run and after each step: so it can tell where an epoch ends."""
        nonlocal steps
        if steps % steps_per_epoch == 0:
            tick()
        steps += 1
        return False

    held_out = round(VALIDATION_SHARE * samples) / 60_000
    overrides = [
        *(f"model={family}", "data=mnist", f"data.root={Path(DATA).resolve()}"),
        *("training=article", "training.epochs=1000", f"data.train_samples={samples}"),
        *(f"data.validation_fraction={held_out}", f"precision={precision}"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run(
            config_of(*overrides),
            Path(folder) / "run",
            overrides,
            quiet=True,
            asked_to_stop=asked_to_stop,
            share=share,
        )


CONTENDERS: dict[str, Callable[..., None]] = {
    each.__name__: each for each in (keras, lightning, plain, bare, sizewise)
}


def clock(output: Any) -> Clock:
    """Return what a contender calls before each epoch: it reports the last, and waits for a line.

    Args:
        output: what the seconds are printed to.
    """
    started: float | None = None

    def tick() -> None:
        nonlocal started
        if started is not None:
            print(time.perf_counter() - started, file=output, flush=True)
        if not sys.stdin.readline():
            sys.exit()
        started = time.perf_counter()

    return tick


def split(samples: int) -> Any:
    """Return training images as tensors in memory."""
    from sizewise.config import DataConfig
    from sizewise.data import load

    config = DataConfig(name="mnist", root=DATA, validation_fraction=0.1, train_samples=samples)
    train = load(config, 0).train
    return train.batch(slice(0, len(train)))


def _loader(samples: int) -> Any:
    from torch.utils.data import DataLoader, Subset
    from torchvision.datasets import MNIST
    from torchvision.transforms import ToTensor

    images = Subset(MNIST(DATA, transform=ToTensor()), range(samples))
    return DataLoader(images, batch_size=BATCH_SIZE, shuffle=True)


def _network(family: str) -> Any:
    from benchmarks.peers.networks import article

    return article(family, *ARTICLE[family], (1, 28, 28))


def spec_of_mnist() -> Any:
    """Return the shape of MNIST's images."""
    from sizewise.data import DataSpec

    return DataSpec("mnist", (1, 28, 28), tuple("0123456789"))


@contextlib.contextmanager
def _stdout_kept_free() -> Iterator[Any]:
    """Send what libraries print to stderr, and yield the real stdout."""
    with os.fdopen(os.dup(1), "w") as own:
        os.dup2(2, 1)
        yield own


if __name__ == "__main__":
    with _stdout_kept_free() as out:
        name, family, samples, *precision = sys.argv[1:]
        CONTENDERS[name](family, int(samples), clock(out), *precision)
