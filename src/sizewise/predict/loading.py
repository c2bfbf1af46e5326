"""Trained networks from their files, each as what it can be asked."""

from collections.abc import Collection
from pathlib import Path

from sizewise.predict.predictor import Predictor
from sizewise.predict.prompted import Prompted, Writer
from sizewise.predict.transducer import Transducer
from sizewise.training.checkpoint import SavedModel, load_model

PROMPTED: dict[str, type[Prompted]] = {"next_byte": Writer, "transduce": Transducer}


def of(saved: SavedModel, allow_code: Collection[str] = ()) -> Predictor | Prompted:
    """Return a trained network as what answers inputs or prompts.

    Args:
        saved: the network.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: its class is not allowed.
    """
    return PROMPTED.get(saved.spec.task, Predictor)(saved, allow_code)


def load(path: str | Path, allow_code: Collection[str] = ()) -> Predictor | Prompted:
    """Return the network in a file `model.pt`. Exported folders call this: it keeps its name.

    Args:
        path: of the file.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the file is no network's, or its class is not allowed.
    """
    return of(load_model(Path(path)), allow_code)


def _load_pyfunc(path: str) -> Predictor | Prompted:
    """MLflow's hook: it calls this to serve a logged model.

    A class of the user's own is allowed: whoever has MLflow load a model runs the code that lies
    beside its weights, this function included.
    """
    saved = load_model(Path(path))
    target = saved.architecture.target
    return of(saved, (target,) if target else ())
