"""Two CNNs on the digits, small and large, trained for seconds and served from a thread."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
import uvicorn

from sizewise.config import DataConfig
from sizewise.data import load
from sizewise.models import Architecture, build
from sizewise.predict import Predictor, Prompted
from sizewise.predict.loading import of
from sizewise.records import RunRecord
from sizewise.serve.app import create_app
from sizewise.serve.models import Served, Shelf
from sizewise.serve.prompts import PromptShelf, ServedPrompted
from sizewise.sizing import count_parameters
from sizewise.tasks import find_task
from sizewise.training.checkpoint import SavedModel
from sizewise.training.loop import fit
from tests.builders import make_training
from tests.report.synthetic import record

DIGITS = DataConfig(name="digits", root="data", validation_fraction=0.1, train_samples=None)
COSTS = {"cost/train_seconds": 1.0, "cost/model_bytes": 5000.0}


def train(width: int, epochs: int) -> Served:
    dataset = load(DIGITS, seed=0)
    torch.manual_seed(0)
    model = build(dataset.spec, Architecture("cnn", width))
    training = make_training(epochs=epochs, batch_size=50)
    fit(model, dataset, training, seed=0, log=lambda *_: None)
    saved = SavedModel(
        spec=dataset.spec,
        normalisation=dataset.normalisation,
        architecture=Architecture("cnn", width, None),
        weights=model.state_dict(),
    )
    return serve(saved)


def serve(saved: SavedModel) -> Served:
    """Return a network with a record of a run that made it."""
    return Served(Predictor(saved), made_by(saved))


def serve_prompts(saved: SavedModel) -> ServedPrompted:
    """Return the same of a network that answers prompts."""
    network = of(saved)
    assert isinstance(network, Prompted)
    return ServedPrompted(network, made_by(saved))


def made_by(saved: SavedModel) -> RunRecord:
    made = record(saved.architecture.family, count_parameters(saved.build()))
    made.metrics.update(COSTS)
    return replace(made, measure=find_task(saved.spec.task).measure)


@pytest.fixture(scope="package")
def shelf() -> Shelf:
    torch.set_num_threads(1)
    return Shelf([train(12, 8), train(2, 4)], DIGITS)


@contextmanager
def serving(shelf: Shelf | PromptShelf) -> Iterator[str]:
    """Serve the networks on a free port, and yield where."""
    config = uvicorn.Config(create_app(shelf), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="package")
def url(shelf: Shelf) -> Iterator[str]:
    with serving(shelf) as where:
        yield where
