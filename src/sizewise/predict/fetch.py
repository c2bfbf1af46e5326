"""The trained network of a run in a store."""

from collections.abc import Collection

from sizewise.predict.loading import of
from sizewise.predict.predictor import Predictor
from sizewise.predict.prompted import Prompted
from sizewise.tracking.artifacts import model_file
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.store import Store
from sizewise.training.checkpoint import load_model


def load_run(
    store: Store, run: StoredRun, allow_code: Collection[str] = ()
) -> Predictor | Prompted:
    """Return a run's network, rebuilt from its weights; nothing is unpickled.

    Args:
        store: that holds the run.
        run: a finished one.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the store has not got it whole, or its class is not allowed.
    """
    with model_file(store, run) as path:
        return of(load_model(path), allow_code)
